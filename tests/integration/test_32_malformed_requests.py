"""Nothing ambiguous is forwarded (security.md 3.3): a table of malformed requests, and what becomes of each.

Every row runs against an HTTP/1.1 and an HTTP/2 origin that keep all they get.  A row is refused with its status (or
its stream is reset), what comes behind it on an HTTP/1.1 connection is no request, the origin saw nothing of it (or,
where only the body is broken, never its end), and the next request of another visitor is answered rightly.
"""
import itertools
import json
import re
import socket
import struct

import pytest

from harness.frames import DATA, END_HEADERS, GOAWAY, HEADERS, PREFACE, block, frame
from harness.process import wait_until
from harness.sites import BYE, RESET, Prober, two_sites

POISON = b"GET /poison HTTP/1.1\r\nHost: {h}\r\n\r\n"
CONTROLS = [code for code in range(1, 32) if code not in (9, 10, 13)] + [127]
MAX_UPLOAD = 1000000
numbers = itertools.count(1)


# ---- the tables

def get(*lines, target=b"/row"):
    return b"GET %s HTTP/1.1\r\nHost: {h}\r\n%s\r\n" % (target, b"".join(line + b"\r\n" for line in lines))


def post(*lines, body=b""):
    return b"POST /row HTTP/1.1\r\nHost: {h}\r\n%s\r\n%s" % (b"".join(line + b"\r\n" for line in lines), body)


def line(first):
    return first + b"\r\nHost: {h}\r\n\r\n"


def hosted(*hosts):
    return b"GET /row HTTP/1.1\r\n" + b"".join(b"Host:%s\r\n" % (b" " + host if host else b"") for host in hosts) + b"\r\n"


def lengths():
    for value in (b"5, 5", b"5,5", b"5 5", b"+5", b"-5", b"0x5", b"5.0", b"5e0", b"", b"5;", b"five", b"\x0b5", b"5\x0b", b"5\x00",
                  b"5\xa0", b'"5"', b"5,", b",5", b"1_0", b"\xef\xbc\x95", b"9223372036854775808", b"18446744073709551616",
                  b"18446744073709551621", b"9" * 40):
        yield b"length " + value, post(b"Content-Length: " + value, body=b"hello"), 400
    five, chunked = b"Content-Length: 5", b"Transfer-Encoding: chunked"
    yield b"two equal lengths", post(five, five, body=b"hello"), 400
    yield b"two lengths", post(five, b"Content-Length: 6", body=b"hello"), 400
    yield b"two lengths, one in lower case", post(five, b"content-length: 0", body=b"hello"), 400
    yield b"CL.TE", post(five, chunked, body=b"0\r\n\r\n"), 400
    yield b"TE.CL", post(chunked, five, body=b"0\r\n\r\n"), 400
    yield b"CL.TE, no body", post(b"Content-Length: 0", chunked, body=b"0\r\n\r\n"), 400
    yield b"CL.TE over two cases", post(five, b"transfer-ENCODING: chunked", body=b"0\r\n\r\n"), 400
    yield b"length and unknown coding", post(five, b"Transfer-Encoding: x", body=b"hello"), 400
    yield b"folded length", post(b"Content-Length:", b" 5", body=b"hello"), 400
    yield b"space before a length's colon", post(b"Content-Length : 5", body=b"hello"), 400
    yield b"too large an upload", post(b"Content-Length: %d" % (MAX_UPLOAD + 1)), 413


def codings():
    for value, status in ((b"xchunked", 501), (b"chunkedx", 501), (b"chunk", 501), (b"identity", 501), (b"gzip", 501), (b"gzip, chunked", 501),
                          (b"identity, chunked", 501), (b"cow, chunked", 501), (b"chunked, chunked", 400), (b"chunked, identity", 400),
                          (b"chunked, gzip", 400), (b"chunked;q=1", 400), (b"chunked;", 400), (b"\x0bchunked", 400), (b"chunked\x0b", 400),
                          (b"\x0cchunked", 400), (b"chunked\x00", 400), (b"chunked\x01", 400), (b"\xa0chunked", 400), (b"'chunked'", 501), (b'"chunked"', 400),
                          (b",chunked", 400), (b"chunked,", 501), (b"chunked ,", 501), (b"", 400), (b",", 400), (b"chunked chunked", 400),
                          (b"c\xc4\xb8unked", 400), (b"\xef\xbb\xbfchunked", 400)):
        yield b"coding " + value, post(b"Transfer-Encoding: " + value, body=b"0\r\n\r\n"), status if value != b"chunked," else (400, 501)
    chunked = b"Transfer-Encoding: chunked"
    for name, lines in ((b"two codings", (chunked, chunked)), (b"coding twice, identity last", (chunked, b"Transfer-Encoding: identity")),
                        (b"coding twice, identity first", (b"Transfer-Encoding: identity", chunked)),
                        (b"coding twice, x first", (b"Transfer-Encoding: x", chunked)), (b"indented coding", (b" " + chunked,)),
                        (b"indented behind a field", (b"X: y", b" " + chunked)), (b"tabbed behind a field", (b"X: y", b"\t" + chunked)),
                        (b"folded coding", (b"Transfer-Encoding:", b" chunked")), (b"coding, folded list", (chunked, b" , identity")),
                        (b"space before a coding's colon", (b"Transfer-Encoding : chunked",)),
                        (b"tab before a coding's colon", (b"Transfer-Encoding\t: chunked",)),
                        (b"vertical tab before a coding's colon", (b"Transfer-Encoding\x0b: chunked",)),
                        (b"coding behind a bare LF", (b"X: y\n" + chunked,)), (b"coding behind a bare CR", (b"X: y\r" + chunked,)),
                        (b"coding behind CR CR LF", (b"X: y\r", chunked)), (b"coding behind LF CR", (b"X: y\n\r" + chunked,)),
                        (b"NUL in a coding's name", (b"Transfer\x00-Encoding: chunked",)), (b"NUL behind it", (b"Transfer-Encoding\x00: chunked",)),
                        (b"NUL before it", (b"\x00" + chunked,)), (b"BOM before it", (b"\xef\xbb\xbf" + chunked,)),
                        (b"coding without a colon", (b"Transfer-Encoding chunked",)), (b"semicolon for a colon", (b"Transfer-Encoding; chunked",)),
                        (b"empty name, coding", (b": chunked", chunked))):
        yield name, post(*lines, body=b"0\r\n\r\n"), 400
    yield b"coding in HTTP/1.0", post(chunked, body=b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0", 1), 400


def chunks():
    """The head is right: the origin may have begun to see the request."""
    sizes = (b"0x5", b"+5", b"-5", b" 5", b"5 ", b"5\t", b"5\x0b", b"", b"g", b"5 5", b"5_0", b"5,", b"5.", b"\xef\xbc\x95", b"5\x00", b"0" * 15 + b"5", b"f" * 16,
             b"1" + b"0" * 16, b"8" + b"0" * 15, b"f" * 300, b"5;a\x00b", b"5;a\rb", b"5;a\x01b", b"5;a\x7fb", b"5;" + b"a" * 300, b"5\r", b"5;a\r")
    for size in sizes:
        yield b"chunk size " + size[:24], size + b"\r\nhello\r\n0\r\n\r\n"
    for name, body in ((b"chunk line by LF", b"5\nhello\r\n0\r\n\r\n"), (b"extension by LF", b"5;a\nhello\r\n0\r\n\r\n"),
                       (b"data too long", b"5\r\nhelloX\r\n0\r\n\r\n"), (b"data by LF", b"5\r\nhello\n0\r\n\r\n"), (b"data by CR", b"5\r\nhello\r0\r\n\r\n"),
                       (b"data by nothing", b"5\r\nhello0\r\n\r\n"), (b"size too small", b"4\r\nhello\r\n0\r\n\r\n"), (b"size too large", b"6\r\nhello\r\n0\r\n\r\n"),
                       (b"last chunk by LF", b"0\n\r\n"), (b"end by LF", b"0\r\n\n"), (b"end by CR", b"0\r\n\rX"), (b"last chunk is 0x0", b"0x0\r\n\r\n")):
        yield name, body
    for field in (b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Host: evil", b"Authorization: x", b"Proxy-Authorization: x", b"Cookie: a=b",
                  b"Set-Cookie: a=b", b"Connection: close", b"Keep-Alive: 1", b"TE: trailers", b"Trailer: x", b"Upgrade: h2c", b"HTTP2-Settings: AAA",
                  b"Expect: 100-continue", b"Content-Type: x", b"Content-Encoding: gzip", b"CF-Connecting-IP: 192.0.2.1", b"X-Forwarded-For: 192.0.2.1",
                  b": x", b"X : y", b" X: y", b"X: a\x00", b"X: a\rb", b"X\x01: a", b"no colon", b"X: y\n"):
        yield b"trailer " + field, b"0\r\n" + field + b"\r\n\r\n"
    yield b"trailers too large", b"0\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(20)) + b"\r\n"


def first_lines():
    for first in (b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b" GET / HTTP/1.1", b"\tGET / HTTP/1.1", b"GET\t/\tHTTP/1.1", b"GET\x0b/\x0bHTTP/1.1", b"GET / HTTP/1.1 ",
                  b"GET / HTTP/1.1\t", b"GET /a b HTTP/1.1", b"GET / HTTP/1.1 x", b"GET /", b"GET", b"GET / ", b"GET / http/1.1", b"GET / HTTP/1.10",
                  b"GET / HTTP/11", b"GET / HTTP/1", b"GET / HTTP/1.", b"GET / HTTP/.1", b"GET / HTTP/1,1", b"GET / HTTP /1.1", b"GET / HTTPS/1.1", b"GET / HTTP/1.1\x00",
                  b"GET / XTTP/1.1", b"GET / HTTP/-1.1", b"GET / HTTP/1.1.1", b"GET / HTTP/+1.1", b"GET /\rHTTP/1.1", b"HTTP/1.1 200 OK", b"/ HTTP/1.1"):
        yield b"line " + first, line(first), 400
    for version in (b"0.9", b"1.2", b"2.0", b"3.0", b"9.9"):
        yield b"version " + version, line(b"GET / HTTP/" + version), 505
    for method in (b"G(T", b"G\x00T", b"G{T}", b"G\xc3\x89T", b"G:T", b'G"T"', b"[GET]", b"GET,", b"\x7fGET", b"G\x01T", b"G/T", b"G@T", b"G;T", b""):
        yield b"method " + method, line(method + b" / HTTP/1.1"), 400
    for first in (b"CONNECT {h}:443 HTTP/1.1", b"CONNECT / HTTP/1.1", b"TRACE / HTTP/1.1"):
        yield b"line " + first, line(first), 405
    yield b"TRACE at its last hop", b"TRACE / HTTP/1.1\r\nHost: {h}\r\nMax-Forwards: 0\r\n\r\n", 405
    yield b"CONNECT to elsewhere", b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: {h}\r\n\r\n", 405
    yield b"HTTP/2's preface", PREFACE + b"\r\n", 505
    yield b"PRI in HTTP/1.1", line(b"PRI * HTTP/1.1"), 400
    yield b"two empty lines first", b"\r\n\r\n" + get(), 400
    yield b"LF first", b"\n" + get(), 400
    yield b"space first", b" \r\n" + get(), 400
    yield b"a line by LF", get().replace(b"\r\n", b"\n", 1), 400
    yield b"all lines by LF", get().replace(b"\r\n", b"\n"), 400
    yield b"all lines by CR", get().replace(b"\r\n", b"\r") + b"\r\n\r\n", 400
    yield b"lines by LF CR", get().replace(b"\r\n", b"\n\r"), 400
    yield b"the end by LF", get()[:-2] + b"\n", 400
    yield b"TLS on a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), 400
    yield b"SSH", b"SSH-2.0-x\r\n\r\n", 400
    yield b"SMTP", b"EHLO x\r\n\r\n", 400
    yield b"all bytes", bytes(range(256)), 400


def targets():
    for target in (b"*", b"**", b"/#f", b"/a#", b"/a\x00", b"/a\x01", b"/\x7f", b"/\xff", b"/\xc3\xa9", b"/a\tb", b"/a\rb", b"/a\x0bb", b"row", b"{h}:443", b"?q", b"../x",
                   b"\\row", b"http:/x", b"http://", b"http:///x", b"http://other.example.net/", b"http://{h}:81/", b"http://u@{h}/", b"http://u:p@{h}/",
                   b"http://{h}#f", b"http://{h}/#f", b"http://{h}\\@other/", b"http://{h}@other/", b"http://{h},other/", b"ftp://{h}/", b"https//{h}/", b"javascript:x",
                   b"//{h}:x@y\x00", b"http://{h}\x01/", b"ws://{h}/"):
        yield b"target " + target, get(target=target), 400
    yield b"POST to an asterisk", line(b"POST * HTTP/1.1"), 400
    for size in (33000, 66560, 200000):
        yield b"target of %d bytes" % size, get(target=b"/" + b"a" * size), 414


def hosts():
    yield b"no host", b"GET /row HTTP/1.1\r\n\r\n", 400
    yield b"no host, absolute target", b"GET http://{h}/row HTTP/1.1\r\n\r\n", 400
    yield b"no host in HTTP/1.0", b"GET /row HTTP/1.0\r\n\r\n", 400
    yield b"two hosts", hosted(b"{h}", b"other.example.net"), 400
    yield b"the same host twice", hosted(b"{h}", b"{h}"), 400
    yield b"a host in two cases of its name", b"GET /row HTTP/1.1\r\nHost: {h}\r\nhOST: other\r\n\r\n", 400
    yield b"folded host", b"GET /row HTTP/1.1\r\nHost:\r\n {h}\r\n\r\n", 400
    yield b"space before the host's colon", b"GET /row HTTP/1.1\r\nHost : {h}\r\n\r\n", 400
    yield b"indented second host", b"GET /row HTTP/1.1\r\nHost: {h}\r\n Host: other\r\n\r\n", 400
    for host in (b"", b"a b", b"{h} x", b"{h}\tx", b"u@{h}", b"u:p@{h}", b"{h}/x", b"{h}?x", b"{h}#x", b"{h},{h}", b"{h}, other", b"{h};x", b"{h}\\x", b"http://{h}",
                 b"{h}:99999", b"{h}:-1", b"{h}:80a", b"{h}:80:80", b"{h}:0x50", b"{h}: 80", b":80", b"[::1", b"::1", b"[zz::1]", b"[::1]x", b"{h}\x00", b"{h}\x01", b"\xc3\xa9.example.net",
                 b"%7aone.example.net", b"*.example.net", b".", b"..", b"a..b", b".{h}", b"{h}..", b"a" * 64 + b".example.net", b"a." * 130 + b"net"):
        yield b"host " + host[:40], hosted(host), 400


def fields():
    for name, bad in ((b"folded by a space", b"X: y\r\n z"), (b"folded by a tab", b"X: y\r\n\tz"), (b"a folded first line", b" X: y"), (b"bare CR in a value", b"X: a\rb"),
                      (b"bare LF in a value", b"X: a\nb"), (b"CR CR LF", b"X: a\r"), (b"NUL in a value", b"X: a\x00b"), (b"NUL in a name", b"X\x00: a"),
                      (b"space before a colon", b"X : y"), (b"tab before a colon", b"X\t: y"), (b"an empty name", b": y"), (b"no colon", b"X"), (b"no colon, a value", b"X y"),
                      (b"space in a name", b"X Y: z"), (b"( in a name", b"X(: y"), (b"@ in a name", b"X@: y"), (b"/ in a name", b"X/Y: z"), (b"[ in a name", b"X[: y"),
                      (b"{ in a name", b"X{}: y"), (b"; in a name", b"X;: y"), (b"quotes around a name", b'"X": y'), (b"8 bit in a name", b"X\xc3\xa9: y"),
                      (b"DEL in a name", b"X\x7f: y"), (b"only LF", b"X: y\nZ: w"), (b"a request line for a field", b"GET /poison HTTP/1.1")):
        yield b"field, " + name, get(bad), 400
    for code in CONTROLS:
        yield b"control %d in a value" % code, get(b"X: a" + bytes((code,)) + b"b"), 400
    yield b"150 fields", get(*(b"X-%d: y" % i for i in range(150))), 431
    yield b"5,000 fields", get(*(b"X-%d: y" % i for i in range(5000))), 431
    yield b"a value of 70 KB", get(b"X: " + b"y" * 70000), 431
    yield b"a name of 70 KB", get(b"X" * 70000 + b": y"), 431
    yield b"values of 80 KB", get(*(b"X: " + b"y" * 1000 for _ in range(80))), 431
    yield b"Connection names 100", get(b"Connection: " + b",".join(b"a%d" % i for i in range(100))), 400
    for value in (b"200-ok", b"100-continue, x", b"100-continue;q=1", b"", b"101-continue"):
        yield b"expect " + value, post(b"Expect: " + value, b"Content-Length: 5"), 417


def table(*sources):
    return {name.decode("latin-1"): row for source in sources for name, *row in source()}


REFUSED = table(lengths, codings, first_lines, targets, hosts, fields)
BROKEN = table(chunks)


# ---- HTTP/2: (fields, DATA or None) after the usual pseudo-header fields

USUAL = {":method": b"GET", ":scheme": b"https", ":authority": b"{h}", ":path": b"/row"}

def h2(*more, body=None, drop=(), first=(), **pseudo):
    pairs = [(":" + key, value) for key, value in pseudo.items() if ":" + key not in USUAL]
    pairs += [(key, pseudo.get(key[1:], value)) for key, value in USUAL.items() if key not in drop]
    return [*first, *pairs, *more], body


def h2_pseudo():
    for path in (b"", b"row", b"*", b"/a b", b"/\x01", b"/#f", b"/\xff", b"/\xc3\xa9", b"/\r\nx: y", b"/ HTTP/1.1\r\nHost: other\r\n\r\nGET /poison", b"http://{h}/", b"/\x7f", b"/a\tb",
                 b"/\x00", b"\\", b"?q", b"//{h}\n"):
        yield b"path " + path, h2(path=path), RESET
    for scheme in (b"", b"ftp", b"https://x", b"ht tp", b"http\r\nx: y", b"javascript", b"https\x00", b"https,http", b"https ", b"https://other/x?"):
        yield b"scheme " + scheme, h2(scheme=scheme), RESET
    for authority in (b"", b"u@{h}", b"u:p@{h}", b"{h}/x", b"{h} x", b"{h}\r\nx: y", b"{h}\n", b"{h}:99999", b"{h}:x", b"{h}:", b"[::1", b"{h},{h}", b"{h}#", b"{h}?x", b"{h}\x00", b"{h}\x01",
                      b"\xc3\xa9.example.net", b"{h}@other", b"{h}\\x", b"%7aone.example.net"):
        yield b"authority " + authority, h2(authority=authority), RESET
    for method in (b"", b"G T", b"GET / HTTP/1.1\r\nx:", b"G\x00T", b"GET\t", b"G(T", b"\xff", b"GET\r\n", b"G:T", b" GET"):
        yield b"method " + method, h2(method=method), RESET
    for missing in (":method", ":scheme", ":path"):
        yield b"no " + missing.encode(), h2(drop=(missing,)), RESET
    for name, value in USUAL.items():
        yield b"twice " + name.encode(), h2(first=((name, value),)), RESET
    yield b"neither authority nor host", h2(drop=(":authority",)), RESET
    yield b"an unknown pseudo field", h2(foo=b"x"), RESET
    yield b"status in a request", h2(status=b"200"), RESET
    yield b"pseudo after regular", h2(("x", "y"), (":path", b"/other"), drop=(":path",)), RESET
    yield b"upper-case pseudo", h2((":Path", b"/other")), RESET
    yield b"protocol without CONNECT", h2(protocol=b"websocket"), RESET
    yield b"another host", h2(("host", b"other.example.net")), RESET
    yield b"two hosts", h2(("host", b"{h}"), ("host", b"{h}")), RESET
    yield b"two hosts, no authority", h2(("host", b"{h}"), ("host", b"other"), drop=(":authority",)), RESET
    yield b"an empty host", h2(("host", b"")), RESET
    yield b"a host with another port", h2(("host", b"{h}:444")), RESET
    yield b"a host with userinfo, no authority", h2(("host", b"u@{h}"), drop=(":authority",)), RESET
    yield b"CONNECT", h2(method=b"CONNECT", drop=(":scheme", ":path")), 405
    yield b"CONNECT with a path", h2(method=b"CONNECT"), RESET
    yield b"CONNECT for another protocol", h2(method=b"CONNECT", protocol=b"connect-udp"), 405
    yield b"TRACE", h2(method=b"TRACE"), 405


def h2_fields():
    for name in (b"X-Upper", b"x y", b"x:y", b"x\r\ny", b"x\ny", b"x\x00", b"", b"x\x7f", b"x\xff", b"x(", b":x", b"x ", b" x", b"x\x01", b"transfer-encoding: chunked\r\nx", b"content-length "):
        yield b"name " + name, h2((name, b"y")), RESET
    for value in (b"a\r\nb: c", b"a\nb", b"a\rb", b"a\x00b", b"a\r\n\r\nGET /poison HTTP/1.1\r\nHost: x\r\n\r\n", b" a", b"a ", b"\ta", b"\r\n"):
        yield b"value " + value, h2((b"x", value)), RESET
    for code in CONTROLS:
        yield b"control %d in a value" % code, h2((b"x", b"a" + bytes((code,)) + b"b")), RESET
    for name, value in ((b"connection", b"close"), (b"connection", b"x"), (b"keep-alive", b"1"), (b"proxy-connection", b"close"), (b"upgrade", b"h2c"),
                        (b"upgrade", b"websocket"), (b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"identity"), (b"transfer-encoding", b""), (b"te", b"gzip"),
                        (b"te", b"trailers, gzip"), (b"te", b"chunked")):
        yield b"hop " + name + b" " + value, h2((name, value), body=b"0\r\n\r\n" + POISON, method=b"POST"), RESET
    yield b"an unknown expectation", h2((b"expect", b"200-ok"), body=b"x", method=b"POST"), 417
    yield b"101 fields", h2(*((b"x-%d" % i, b"y") for i in range(101))), 431
    yield b"a value of 40 KB", h2((b"x", b"y" * 40000)), 431
    yield b"a path of 33 KB", h2(path=b"/" + b"a" * 33000), (414, 431)
    yield b"a value of 70 KB", h2((b"x", b"y" * 70000)), BYE
    yield b"too large an upload", h2((b"content-length", b"%d" % (MAX_UPLOAD + 1)), body=b"x", method=b"POST"), (413, RESET)  # and it is cut short


def h2_bodies():
    """The head is right, or framing is what is wrong: the origin never sees the end."""
    for value in (b"+5", b"5,5", b"5, 5", b"x", b"-1", b"", b"0x5", b"5 5", b"18446744073709551616", b"9223372036854775808"):
        yield b"length " + value, h2((b"content-length", value), body=b"hello", method=b"POST"), RESET
    yield b"two lengths", h2((b"content-length", b"5"), (b"content-length", b"5"), body=b"hello", method=b"POST"), RESET
    yield b"two different lengths", h2((b"content-length", b"5"), (b"content-length", b"6"), body=b"hello", method=b"POST"), RESET
    yield b"more than its length", h2((b"content-length", b"5"), body=b"hello" + POISON, method=b"POST"), RESET
    yield b"less than its length", h2((b"content-length", b"6"), body=b"hello", method=b"POST"), RESET
    yield b"a length and no body", h2((b"content-length", b"5"), method=b"POST"), RESET
    for name, value in ((b"content-length", b"5"), (b"host", b"other"), (b"te", b"trailers"), (b"connection", b"close"), (b"transfer-encoding", b"chunked"),
                        (b"authorization", b"x"), (b"proxy-authorization", b"x"), (b"cookie", b"a=b"), (b"set-cookie", b"a=b"), (b"trailer", b"x"), (b"expect", b"100-continue"), (b"content-type", b"x"),
                        (b"cf-connecting-ip", b"192.0.2.1"), (b"x-forwarded-for", b"192.0.2.1"), (b":path", b"/other"), (b"X-Upper", b"y"), (b"x", b"a\r\nb: c"), (b"x\r\ny", b"z"), (b"x", b"a\x01b"), (b"", b"x")):
        yield b"trailer " + name + b" " + value, (*h2(method=b"POST", body=b"hello"), [(name, value)]), RESET


H2_REFUSED = table(h2_pseudo, h2_fields)
H2_BROKEN = table(h2_bodies)


# ---- the place

@pytest.fixture(scope="module")
def place(build, authority, tmp_path_factory):
    from conftest import World
    yield from two_sites(World(build, tmp_path_factory.mktemp("malformed"), authority, workers=1,
                               edge_flags=("--max-upload", MAX_UPLOAD)))


@pytest.fixture(params=("h1", "h2"))
def site(place, request):
    return place.sites[("h1", "h2").index(request.param)]


def said(site, octets, way):
    """All that an HTTP/1.1 visitor hears until the connection ends."""
    got = b""
    with site.connect(way) as sock:
        try:
            sock.sendall(octets)
        except OSError:
            pass  # refused before the end of it
        try:
            while piece := sock.recv(65536):
                got += piece
        except ConnectionResetError:
            pass
    return got


def refused_once(got, status):
    """One answer, with this status, that closes; nothing behind it."""
    head, _, rest = got.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.1 \d{3} ", head), got[:200]
    assert int(head[9:12]) in (status if isinstance(status, tuple) else (status,)), got[:400]
    length = re.search(rb"\r\ncontent-length: (\d+)", head)
    assert b"\r\nconnection: close" in head and length and len(rest) == int(length[1]), got[:4000]
    assert b"x-edge-error: " in head, head


@pytest.mark.parametrize("name", REFUSED)
def test_32_01_a_malformed_request_is_refused_and_no_origin_sees_it(place, name):
    octets, status = REFUSED[name]
    for site, way in zip(place.sites, ("plain", "tls")):
        got = said(site, site.named(octets + POISON), way)
        refused_once(got, status)
        site.neighbour_is_well()
        site.untouched()


@pytest.mark.parametrize("name", BROKEN)
def test_32_02_a_body_that_breaks_never_looks_whole(place, name):
    body, = BROKEN[name]
    for site, way in zip(place.sites, ("tls", "plain")):
        path = f"/broken/{next(numbers)}"
        head = post(b"Transfer-Encoding: chunked").replace(b"/row", path.encode())
        refused_once(said(site, site.named(head + body + POISON), way), 400)
        site.neighbour_is_well()
        wait_until(lambda: site.origin.cut(path), f"{path} looks cut: {site.origin.text()[-600:]}")
        assert not site.origin.begun("/poison") and not site.origin.flaws


# ---- HTTP/2

def refused_stream(site, row, expected, path=None):
    fields, body, *trailers = row
    if path:
        fields = [(name, path.encode() if value == b"/row" and name == ":path" else value) for name, value in fields]
    visitor = Prober(site.edge, site.host)
    try:
        try:
            stream = visitor.request(fields, body, *trailers)
        except OSError:
            stream = 1  # a GOAWAY was quicker
        outcome = visitor.outcome(stream)
        assert outcome in (expected if isinstance(expected, tuple) else (expected,)), (outcome, visitor.codes, visitor.bye)
        if outcome == RESET:
            assert visitor.codes[stream] == 1, visitor.codes
        if outcome == BYE:
            assert visitor.bye in (1, 9, 11), visitor.bye  # 9: past what one field may have
            return
        # A refused stream is its own affair: its siblings live.
        sibling = f"/sibling/{next(numbers)}"
        other = visitor.ask(sibling)
        assert visitor.outcome(other) == 200 and visitor.bodies[other] == sibling.encode()
    finally:
        visitor.close()


@pytest.mark.parametrize("name", H2_REFUSED)
def test_32_03_a_malformed_stream_is_refused_and_no_origin_sees_it(place, name):
    row, expected = H2_REFUSED[name]
    for site in place.sites:
        refused_stream(site, row, expected)
        site.neighbour_is_well()
        site.untouched()


@pytest.mark.parametrize("name", H2_BROKEN)
def test_32_04_a_stream_whose_body_is_not_what_it_said_never_looks_whole(place, name):
    row, expected = H2_BROKEN[name]
    for site in place.sites:
        path = f"/broken/{next(numbers)}"
        refused_stream(site, row, expected, path)
        site.neighbour_is_well()
        wait_until(lambda: site.origin.cut(path), f"{path} looks cut")
        assert not site.origin.begun("/poison") and not site.origin.flaws


def test_32_09_a_body_that_is_said_to_be_none_reaches_no_origin(site):
    path = f"/none/{next(numbers)}"
    # An HTTP/1.1 origin has the whole request with its head, and may be the quicker one to answer.
    refused_stream(site, h2((b"content-length", b"0"), body=POISON, method=b"POST"), (RESET, 200), path)
    site.neighbour_is_well()
    assert b"poison" not in site.origin.text() and not site.origin.begun("/poison")


# ---- served, but what is dangerous in it does not pass

DEFUSED = {
    "h2c upgrade": (get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"), (b"pgrade:", b"ttp2-", b"h2c")),
    "h2c upgrade that is not named": (get(b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"), (b"pgrade:", b"ttp2-", b"h2c")),
    "websocket without a key": (get(b"Connection: Upgrade", b"Upgrade: websocket"), (b"pgrade:", b"websocket")),
    "an unknown upgrade": (get(b"Connection: Upgrade", b"Upgrade: foo/2"), (b"pgrade:", b"foo/2")),
    "Connection names host and length": (post(b"Connection: host, content-length, te", b"Content-Length: 0"), (b"connection: h",)),
    "Connection names the visitor's address": (get(b"Connection: cf-connecting-ip, x-forwarded-for, cdn-loop"), (b"connection: c",)),
    "a made-up address": (get(b"CF-Connecting-IP: 192.0.2.66", b"X-Forwarded-Proto: gopher"), (b"192.0.2.66", b"gopher")),
    "hop fields": (get(b"Connection: x-hop", b"X-Hop: 1", b"Keep-Alive: 5", b"Proxy-Connection: keep-alive"), (b"x-hop", b"eep-alive", b"roxy-")),
    "te": (get(b"TE: gzip, trailers;q=0.5, chunked", b"Connection: te"), (b"gzip", b"te: chunked", b"te: g")),
    "CHUNKED": (post(b"Transfer-Encoding: CHUNKED", body=b"5\r\nhello\r\n0\r\n\r\n"), (b"CHUNKED",)),
    "chunked behind a tab": (post(b"Transfer-Encoding:\tchunked \t", body=b"5\r\nhello\r\n0\r\n\r\n"), (b"\tchunked", b"chunked ")),
    "a chunk extension": (post(b"Transfer-Encoding: chunked", body=b"5;poison=1\r\nhello\r\n0;poison=2\r\n\r\n"), (b"poison",)),
    "a request in a GET's body": (get(b"Content-Length: 30") + (b"GET /poison2 HTTP/1.1\r\nX: y\r\n\r\n" + b" " * 30)[:30], (b"\r\n\r\nHost",)),
}


@pytest.mark.parametrize("name", DEFUSED)
def test_32_05_what_is_for_one_hop_does_not_pass_another(site, name):
    octets, never = DEFUSED[name]
    path = f"/defused/{next(numbers)}".encode()
    with site.connect("tls") as sock:
        sock.sendall(site.named(octets.replace(b"/row", path)))
        got = b""
        while path not in got:
            piece = sock.recv(4096)
            assert piece, got
            got += piece
    assert got.startswith(b"HTTP/1.1 200 "), got
    site.neighbour_is_well()
    assert site.origin.paths().count(path.decode()) == 1 and "/poison2" not in site.origin.paths()
    if site.kind == "h1":
        sent = next(one for one in site.origin.whole if one.path == path.decode())
        text = sent.head + b"\r\n\r\n" + sent.body
        assert b"host: " + site.host.encode() in sent.head and not site.origin.flaws
        assert len(sent.field("cf-connecting-ip")) == 1 and sent.field("cf-connecting-ip") == ["127.0.0.1"]
    else:
        sent = site.origin.seen(path.decode())[0]
        text = "\n".join(f"{key}: {value}" for key, value in sent.headers).encode()
        assert sent.header("cf-connecting-ip") == ["127.0.0.1"]
    for mark in never:
        assert mark not in text, text


# ---- what is told of it

@pytest.mark.parametrize("octets,status,error,reason", (
    (post(b"Content-Length: 1", b"Content-Length: 2"), 400, "request_framing", "content-length: more than one"),
    (get(b"X : y"), 400, "request_field", "head: field 2: not a name"),
    (get(target=b"/#f"), 400, "request_target", "target: byte 2"),
    (hosted(b"{h}", b"x"), 400, "request_host", "host: more than one"),
    (b"GET /\n\n", 400, "request_syntax", "head: no request line"),
    (line(b"TRACE / HTTP/1.1"), 405, "request_method", "method: not served here"),
    (get(target=b"/" + b"a" * 33000), 414, "request_target_too_long", ""),
    (post(b"Expect: x"), 417, "request_expect", "expect: unknown"),
    (get(*(b"X-%d: y" % i for i in range(150))), 431, "request_head_too_large", "head: too large"),
    (post(b"Transfer-Encoding: gzip"), 501, "request_coding", "transfer-encoding: "),
    (line(b"GET / HTTP/2.0"), 505, "request_version", "version: neither"),
    (post(b"Transfer-Encoding: chunked", body=b"x\r\n"), 400, "request_framing", "body: "),
))
def test_32_06_a_refusal_says_why_to_people_to_programs_and_to_the_log(place, octets, status, error, reason):
    site = place.sites[0]
    lines = len(site.edge.access(err=error))

    page = said(site, site.named(octets), "plain")
    refused_once(page, status)
    assert f"x-edge-error: {error}".encode() in page

    entry = site.edge.await_access(lines + 1, err=error)[-1]
    assert entry["status"] == status and entry.get("reason", "").startswith(reason), entry
    assert status != 405 or b"\r\nallow: GET, HEAD" in page

    if b"Host: {h}\r\n" in octets and status not in (414, 431, 505):
        asked = octets.replace(b"Host: {h}\r\n", b"Host: {h}\r\nAccept: application/json\r\n", 1)
        told = json.loads(said(site, site.named(asked), "tls").partition(b"\r\n\r\n")[2])
        assert (told["status"], told["error"]) == (status, error) and told["ray"] and told["title"], told


@pytest.mark.parametrize("octets", (b"GET /\r\n", b"GET / HTTP/1.1\n", b"\x16\x03\x01", b"SSH-2.0-x\r\n", b"GET / HTTP/1.1\r\nHost: {h}\n"))
def test_32_12_what_can_never_be_a_request_is_refused_before_its_end(place, octets):
    refused_once(said(place.sites[0], place.sites[0].named(octets), "plain"), 400)


def test_32_07_a_reset_stream_has_its_line_in_the_log(place):
    site = place.sites[1]
    for row, error in ((h2(path=b"row"), "request_field"), (h2(authority=b"u@{h}"), "request_host"), (h2((b"x", b"a\r\nb: c")), "request_field"), (h2(("host", b"other")), "request_host"),
                       (h2((b"content-length", b"5"), (b"content-length", b"5")), "request_field"), (h2(drop=(":path",)), "request_field")):
        lines = len(site.edge.access(err=error, client_protocol="h2"))
        refused_stream(site, row, RESET)
        entry = site.edge.await_access(lines + 1, err=error, client_protocol="h2")[-1]
        assert entry["status"] == 400 and entry["reason"], entry


def test_32_08_the_tables_are_as_large_as_they_should_be():
    assert len(REFUSED) + len(BROKEN) >= 200 and len(H2_REFUSED) + len(H2_BROKEN) >= 100


# ---- uploads that are left: the ways that test_26 does not have

def goes_with_a_reset(sock, _):
    plain = socket.socket(fileno=sock.detach())
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    plain.close()


def goes_with_a_fin(sock, _):
    socket.socket(fileno=sock.detach()).close()


def goes_with_goaway(sock, visitor):
    visitor.send(frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)))
    goes_with_a_fin(sock, visitor)


def goes_with_a_broken_frame(_, visitor):
    visitor.send(frame(DATA, 8, 1, b"\xff"))  # more padding than there is payload


def goes_with_trailers_too_soon(_, visitor):
    visitor.send(frame(HEADERS, END_HEADERS, 1, block(("x", "y"))))  # without END_STREAM


@pytest.mark.parametrize("way,leave", (("plain", goes_with_a_reset), ("plain", goes_with_a_fin), ("tls", goes_with_a_reset), ("tls", goes_with_a_fin)))
@pytest.mark.parametrize("framed", ("length", "chunked"))
def test_32_10_a_visitor_that_goes_mid_upload_is_seen_to_have_gone(site, way, leave, framed):
    path = f"/left/{next(numbers)}"
    head = post(b"Content-Length: 90000" if framed == "length" else b"Transfer-Encoding: chunked").replace(b"/row", path.encode())
    sock = site.connect(way)
    sock.sendall(site.named(head) + (b"" if framed == "length" else b"4e20\r\n") + b"u" * 20000)
    wait_until(lambda: site.origin.begun(path), "the origin sees it begin")

    leave(sock, None)

    wait_until(lambda: site.origin.cut(path), "the origin sees it cut")
    site.neighbour_is_well()


@pytest.mark.parametrize("leave", (goes_with_a_reset, goes_with_a_fin, goes_with_goaway, goes_with_a_broken_frame, goes_with_trailers_too_soon))
def test_32_11_a_visitor_of_http2_that_goes_mid_upload_is_seen_to_have_gone(site, leave):
    path = f"/left/{next(numbers)}"
    visitor = Prober(site.edge, site.host)
    stream = visitor.ask(path, "POST", end=False)
    visitor.upload(stream, 16000)
    wait_until(lambda: site.origin.begun(path), "the origin sees it begin")

    leave(visitor.sock, visitor)

    wait_until(lambda: site.origin.cut(path), "the origin sees it cut")
    site.neighbour_is_well()
    visitor.close()
