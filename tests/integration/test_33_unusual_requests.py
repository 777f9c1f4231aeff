"""Nothing legitimate is refused: unusual requests, and that what the origin got is exactly what was meant.

Every row runs against an HTTP/1.1 and an HTTP/2 origin; the fields that the edge adds itself are looked at in test_26.
"""
import itertools
import time
from dataclasses import dataclass, field

import pytest

from harness.frames import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PADDED, PRIORITISED, block, frame
from harness.recorder import SAID_BYTES
from harness.sites import Prober, two_sites

EDGE = ("host", "cf-connecting-ip", "cf-ray", "cf-visitor", "x-forwarded-for", "x-forwarded-proto", "cdn-loop", "content-length", "transfer-encoding", "connection")
numbers = itertools.count(1)


@dataclass
class Meant:
    """What the origin must have got; {p} is the row's own path, {h} the zone's host."""
    method: str = "GET"
    path: str = "{p}"
    fields: list = field(default_factory=list)
    body: bytes = b""
    trailers: list = field(default_factory=list)
    host: str = "{h}"


def request(*lines, first=b"GET {p} HTTP/1.1", host=b"Host: {h}", body=b""):
    return b"".join(line + b"\r\n" for line in (first, *([host] if host else []), *lines, b"")) + body


def sent(method, *lines, body=b""):
    return request(*lines, first=method + b" {p} HTTP/1.1", body=body)


COOKIES = "; ".join(f"name{i}=value{i}" for i in range(90))
MANY = [(f"x-{i}", str(i)) for i in range(99)]
TCHARS = "x!#$%&'*+-.^_`|~0a"
CHUNKED = b"Transfer-Encoding: chunked"
ENCODED = "/" + "".join(f"%{code:02X}" for code in range(1, 256))

H1 = {
    "OPTIONS *": (request(first=b"OPTIONS * HTTP/1.1"), Meant("OPTIONS", "*")),
    "absolute target": (request(first=b"GET http://{h}{p}?q HTTP/1.1"), Meant(path="{p}?q")),
    "absolute target, capital scheme and host": (request(first=b"GET HTTP://{H}{p} HTTP/1.1", host=b"Host: {H}"), Meant()),
    "absolute target, https": (request(first=b"GET https://{h}{p} HTTP/1.1"), Meant()),
    "absolute target without a path": (request(first=b"GET http://{h} HTTP/1.1"), Meant(path="/")),
    "absolute target, only a query": (request(first=b"GET http://{h}?{p} HTTP/1.1"), Meant(path="/?{p}")),
    "absolute OPTIONS of all": (request(first=b"OPTIONS http://{h} HTTP/1.1"), Meant("OPTIONS", "*")),
    "HTTP/1.0": (request(first=b"GET {p} HTTP/1.0"), Meant()),
    "HTTP/1.0, absolute target, no host": (request(first=b"GET http://{h}{p} HTTP/1.0", host=None), Meant()),
    "HTTP/1.0 upload": (request(b"Content-Length: 5", first=b"POST {p} HTTP/1.0", body=b"hello"), Meant("POST", body=b"hello")),
    "host in capitals": (request(host=b"HOST: {H}"), Meant()),
    "host with a port": (request(host=b"Host: {h}:8443"), Meant(host="{h}:8443")),
    "host with a dot at its end": (request(host=b"Host: {h}."), Meant(host="{h}.")),
    "host behind tabs and spaces": (request(host=b"Host:\t  {h}\t "), Meant()),
    "no space behind colons": (request(b"X:y", host=b"Host:{h}"), Meant(fields=[("x", "y")])),
    "an empty line first": (b"\r\n" + request(), Meant()),
    "chunked, with trailers": (sent(b"POST", CHUNKED, b"Trailer: x-sum, x-end", body=b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-End:\r\n\r\n"),
                               Meant("POST", fields=[("trailer", "x-sum, x-end")], body=b"hello", trailers=[("x-sum", "1"), ("x-end", "")])),
    "chunked, with extensions": (sent(b"POST", CHUNKED, body=b'2;a\r\nhe\r\n3;b="c;d";e=f\r\nllo\r\n0;end\r\n\r\n'), Meant("POST", body=b"hello")),
    "chunked, zeros and capitals": (sent(b"POST", CHUNKED, body=b"00000A\r\n0123456789\r\n000\r\n\r\n"), Meant("POST", body=b"0123456789")),
    "chunked, one byte a chunk": (sent(b"POST", CHUNKED, body=b"".join(b"1\r\n%c\r\n" % c for c in b"hello") + b"0\r\n\r\n"), Meant("POST", body=b"hello")),
    "chunked, nothing in it": (sent(b"POST", CHUNKED, body=b"0\r\n\r\n"), Meant("POST")),
    "Chunked": (sent(b"PUT", b"transfer-encoding:Chunked", body=b"5\r\nhello\r\n0\r\n\r\n"), Meant("PUT", body=b"hello")),
    "CR LF in a body": (sent(b"POST", b"Content-Length: 14", body=b"\r\n\r\nGET / HTTP"), Meant("POST", body=b"\r\n\r\nGET / HTTP")),
    "length with zeros": (sent(b"POST", b"Content-Length: 0005", body=b"hello"), Meant("POST", body=b"hello")),
    "POST of nothing": (sent(b"POST", b"Content-Length: 0"), Meant("POST")),
    "POST without a length": (sent(b"POST"), Meant("POST")),
    "GET with a body": (sent(b"GET", b"Content-Length: 5", body=b"hello"), Meant(body=b"hello")),
    "GET with chunks": (sent(b"GET", CHUNKED, body=b"5\r\nhello\r\n0\r\n\r\n"), Meant(body=b"hello")),
    "DELETE with a body": (sent(b"DELETE", b"Content-Length: 5", body=b"hello"), Meant("DELETE", body=b"hello")),
    "16 KB target": (request(first=b"GET {p}?" + b"a" * 16384 + b" HTTP/1.1"), Meant(path="{p}?" + "a" * 16384)),
    "90 cookies in one field": (request(b"Cookie: " + COOKIES.encode()), Meant(fields=[("cookie", COOKIES)])),
    "90 cookie fields": (request(*(b"Cookie: " + part.encode() for part in COOKIES.split("; "))), Meant(fields=[("cookie", COOKIES)])),
    "cookies that look odd": (request(b'Cookie: a="b c"; d={"e":[1,2]}; f=; =g; h'), Meant(fields=[("cookie", 'a="b c"; d={"e":[1,2]}; f=; =g; h')])),
    "empty values": (request(b"X:", b"Y: ", b"Accept: \t"), Meant(fields=[("x", ""), ("y", ""), ("accept", "")])),
    "obs-text": (request(b"X: caf\xc3\xa9 \xe2\x82\xac"), Meant(fields=[("x", "café €")])),
    "quoted strings": (request(b'X: "a\tb\\"c, d;=:<>@[]{}()/?"', b"Y: a\tb  c"), Meant(fields=[("x", '"a\tb\\"c, d;=:<>@[]{}()/?"'), ("y", "a\tb  c")])),
    "many Accept fields": (request(*(b"Accept: a/%d" % i for i in range(40))), Meant(fields=[("accept", f"a/{i}") for i in range(40)])),
    "lists in many fields": (request(b"Via: 1.1 a", b"X: 1", b"Via: 1.0 b, 1.1 c", b"Accept-Encoding: gzip", b"Accept-Encoding: br;q=0.5,,"),
                             Meant(fields=[("via", "1.1 a"), ("x", "1"), ("via", "1.0 b, 1.1 c"), ("accept-encoding", "gzip"), ("accept-encoding", "br;q=0.5,,")])),
    "a name of 1,000 bytes": (request(b"X" * 1000 + b": y"), Meant(fields=[("x" * 1000, "y")])),
    "a name of all that a name may have": (request(TCHARS.encode() + b": y"), Meant(fields=[(TCHARS, "y")])),
    "a value of 20 KB": (request(b"X: " + b"y" * 20000), Meant(fields=[("x", "y" * 20000)])),
    "99 fields beside the host": (request(*(f"{name}: {value}".encode() for name, value in MANY)), Meant(fields=MANY)),
    "underscores": (request(b"x_under_score: y"), Meant(fields=[("x_under_score", "y")])),
    "te: trailers": (request(b"TE: trailers", b"Connection: TE"), Meant(fields=[("te", "trailers")])),
    "everything in percents": (request(first=b"GET " + ENCODED.encode() + b"?{p} HTTP/1.1"), Meant(path=ENCODED + "?{p}")),
    "odd paths": (request(first=b"GET //a/../b/./%2e%2e//c;d=e;f?g=h?i&j=%zz&%?{p} HTTP/1.1"), Meant(path="//a/../b/./%2e%2e//c;d=e;f?g=h?i&j=%zz&%?{p}")),
    "a path of dots": (request(first=b"GET /../..?{p} HTTP/1.1"), Meant(path="/../..?{p}")),
    "only a query": (request(first=b"GET /?{p}?? HTTP/1.1"), Meant(path="/?{p}??")),
    "marks in a path": (request(first=b"GET {p}/\"<>\\^`{|}'()*,;:@!$&+=[]~ HTTP/1.1"), Meant(path="{p}/\"<>\\^`{|}'()*,;:@!$&+=[]~")),
    "a colon in a path": (request(first=b"GET /http://other/{p}:80 HTTP/1.1"), Meant(path="/http://other/{p}:80")),
    "Connection: close": (request(b"Connection: Close"), Meant()),
    "Connection: keep-alive, x": (request(b"Connection: keep-alive, X", b"X: y", b"Z: w"), Meant(fields=[("z", "w")])),
    "Max-Forwards": (request(b"Max-Forwards: 0", b"Range: bytes=0-1,3-", b'If-Match: "a", W/"b"'), Meant(fields=[("max-forwards", "0"), ("range", "bytes=0-1,3-"), ("if-match", '"a", W/"b"')])),
    **{f"method {name}": (sent(name.encode()), Meant(name)) for name in ("PATCH", "PROPFIND", "REPORT", "QUERY", "M-SEARCH", "MKCOL", "ACL", "VERSION-CONTROL", "BASELINE-CONTROL", "get", "X!#$%&'*+.^_`|~9")},
}


def stream(*more, body=None, trailers=None, drop=(), **pseudo):
    usual = {"method": b"GET", "scheme": b"https", "authority": b"{h}", "path": b"{p}", **pseudo}
    return [*((":" + key, value) for key, value in usual.items() if key not in drop), *more], body, trailers


def pairs(fields):
    return [(name.encode(), value.encode()) for name, value in fields]


H2 = {
    "no authority, a host": (stream(("host", b"{h}"), drop=("authority",)), Meant()),
    "authority and the same host": (stream(("host", b"{h}")), Meant()),
    "authority in capitals": (stream(authority=b"{H}"), Meant()),
    "authority with a port": (stream(authority=b"{h}:8443"), Meant(host="{h}:8443")),
    "authority with a dot at its end": (stream(authority=b"{h}."), Meant(host="{h}.")),
    "scheme http": (stream(scheme=b"http"), Meant()),
    "OPTIONS *": (stream(method=b"OPTIONS", path=b"*"), Meant("OPTIONS", "*")),
    "trailers": (stream(method=b"POST", body=b"hello", trailers=[("x-sum", "1"), ("x-end", "")]), Meant("POST", body=b"hello", trailers=[("x-sum", "1"), ("x-end", "")])),
    "trailers, no body": (stream(method=b"POST", body=b"", trailers=[("x-sum", "1")]), Meant("POST", trailers=[("x-sum", "1")])),
    "90 crumbs of a cookie": (stream(*(("cookie", part.encode()) for part in COOKIES.split("; "))), Meant(fields=[("cookie", COOKIES)])),
    "empty values": (stream(("x", b""), ("accept", b"")), Meant(fields=[("x", ""), ("accept", "")])),
    "obs-text": (stream(("x", "café €".encode())), Meant(fields=[("x", "café €")])),
    "tabs and quotes": (stream(("x", b'"a\tb\\"c"')), Meant(fields=[("x", '"a\tb\\"c"')])),
    "te: trailers": (stream(("te", b"trailers")), Meant(fields=[("te", "trailers")])),
    "16 KB path": (stream(path=b"{p}?" + b"a" * 16384), Meant(path="{p}?" + "a" * 16384)),
    "everything in percents": (stream(path=ENCODED.encode() + b"?{p}"), Meant(path=ENCODED + "?{p}")),
    "odd paths": (stream(path=b"//a/../b;c?d=e?f&%zz?{p}"), Meant(path="//a/../b;c?d=e?f&%zz?{p}")),
    "99 fields": (stream(*pairs(MANY)), Meant(fields=MANY)),
    "the same field again and again": (stream(*(("accept", b"a/%d" % i) for i in range(40))), Meant(fields=[("accept", f"a/{i}") for i in range(40)])),
    "a name of all that a name may have": (stream((TCHARS, b"y")), Meant(fields=[(TCHARS, "y")])),
    "a length": (stream(("content-length", b"5"), method=b"POST", body=b"hello"), Meant("POST", body=b"hello")),
    "a length of 0 and an empty end": (stream(("content-length", b"0"), method=b"POST", body=b""), Meant("POST")),
    "an empty body": (stream(method=b"POST", body=b""), Meant("POST")),
    "GET with a body": (stream(body=b"hello"), Meant(body=b"hello")),
    "DELETE with a body": (stream(method=b"DELETE", body=b"hello"), Meant("DELETE", body=b"hello")),
    "expect a continue": (stream(("expect", b"100-continue"), method=b"POST", body=b"hello"), Meant("POST", body=b"hello")),
    **{f"method {name}": (stream(method=name.encode()), Meant(name)) for name in ("PROPFIND", "QUERY", "M-SEARCH")},
}


@pytest.fixture(scope="module")
def place(build, authority, tmp_path_factory):
    from conftest import World
    yield from two_sites(World(build, tmp_path_factory.mktemp("unusual"), authority, workers=1))


@pytest.fixture(params=("h1", "h2"))
def site(place, request):
    return place.sites[("h1", "h2").index(request.param)]


class Asked:
    """One row: its own path, and its texts with the names put in."""

    def __init__(self, site):
        self.site, self.path = site, f"/asked/{next(numbers)}"

    def octets(self, text):
        host = self.site.host
        return text.replace(b"{h}", host.encode()).replace(b"{H}", host.upper().encode()).replace(b"{p}", self.path.encode())

    def text(self, text):
        return self.octets(text.encode()).decode()

    def check(self, meant):
        """The last request that came is this one, whole and exact."""
        path = self.text(meant.path)
        if self.site.kind == "h1":
            got = [one for one in self.site.origin.whole if one.path == path][-1]
            fields = [(name, value.encode("latin-1").decode()) for name, value in got.fields]
            assert got.version == "HTTP/1.1" and not self.site.origin.flaws
            body, trailers = unchunked(got) if got.field("transfer-encoding") else (got.body, [])
            method, host = got.method, got.field("host")
        else:
            got = [one for one in self.site.origin.requests if one.path == path][-1]
            fields = [pair for pair in got.headers if not pair[0].startswith(":")]
            body, trailers, method, host = got.body, got.trailers, got.method, got.header(":authority")
            assert got.ended and "host" not in dict(fields)
        own = [(name, value) for name, value in fields if name not in EDGE]
        crumbs = [value for name, value in own if name == "cookie"]
        if len(crumbs) > 1:  # RFC 9113 8.2.3
            own = [("cookie", "; ".join(crumbs)), *((name, value) for name, value in own if name != "cookie")]
        assert (method, host, own) == (meant.method, [self.text(meant.host)], meant.fields)
        assert (body, trailers) == (meant.body, meant.trailers)


def unchunked(message):
    body, rest = b"", message.body
    while (size := int(rest.partition(b"\r\n")[0], 16)) > 0:
        rest = rest.partition(b"\r\n")[2]
        body, rest = body + rest[:size], rest[size + 2:]
    lines = rest.partition(b"\r\n")[2].decode().split("\r\n")
    return body, [tuple(line.split(": ", 1)) for line in lines if line]


def answers(sock, count):
    """That many whole answers, each with a length; and what came behind them."""
    got, pending = [], b""
    while len(got) < count:
        head, mark, rest = pending.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
        if mark and len(rest) >= length:
            got.append((head, rest[:length]))
            pending = rest[length:]
            continue
        piece = sock.recv(65536)
        assert piece, (got, pending)
        pending += piece
    return got, pending


@pytest.mark.parametrize("name", H1)
def test_33_01_an_unusual_request_is_served_exactly(place, name):
    octets, meant = H1[name]
    for site, way in zip(place.sites, ("tls", "plain")):
        asked = Asked(site)
        with site.connect(way) as sock:
            sock.sendall(asked.octets(octets))
            ((head, body),), rest = answers(sock, 1)
        assert head.startswith(b"HTTP/1.1 200 ") and body == asked.text(meant.path).encode()[:SAID_BYTES] and not rest, head
        asked.check(meant)


@pytest.mark.parametrize("name", H2)
def test_33_02_an_unusual_stream_is_served_exactly(place, name):
    (fields, body, trailers), meant = H2[name]
    for site in place.sites:
        asked = Asked(site)
        visitor = Prober(site.edge, site.host)
        number = visitor.request([(key, asked.octets(value)) for key, value in fields], body, trailers)
        assert visitor.outcome(number) in (100, 200) and visitor.bodies[number] == asked.text(meant.path).encode()[:SAID_BYTES]
        assert not visitor.codes and visitor.bye is None
        visitor.close()
        asked.check(meant)


def test_33_03_http_1_0_keeps_its_connection_when_it_asks(site):
    asked = [Asked(site) for _ in range(3)]
    with site.connect("tls") as sock:
        for one in asked:
            sock.sendall(one.octets(request(b"Connection: Keep-Alive", first=b"GET {p} HTTP/1.0")))
            ((head, body),), _ = answers(sock, 1)
            assert head.startswith(b"HTTP/1.1 200 ") and body == one.path.encode() and b"connection: keep-alive" in head
    for one in asked:
        one.check(Meant())


def test_33_04_http_1_0_is_closed_behind_its_answer(site):
    asked = Asked(site)
    with site.connect("plain") as sock:
        sock.sendall(asked.octets(request(first=b"GET {p} HTTP/1.0")))
        ((head, _),), rest = answers(sock, 1)
        assert b"connection: close" in head and rest == b"" and sock.recv(10) == b""


def test_33_05_pipelined_requests_are_answered_in_order(site):
    asked = [Asked(site) for _ in range(20)]
    lines = [sent(b"POST", b"Content-Length: 5", body=b"hello"), request(), b"\r\n" + request(), sent(b"PUT", CHUNKED, body=b"5;x\r\nhello\r\n0\r\n\r\n")]
    with site.connect("tls") as sock:
        sock.sendall(b"".join(one.octets(lines[at % 4]) for at, one in enumerate(asked)))
        got, rest = answers(sock, 20)
    assert [body.decode() for _, body in got] == [one.path for one in asked] and rest == b""
    for at, one in enumerate(asked):
        one.check((Meant("POST", body=b"hello"), Meant(), Meant(), Meant("PUT", body=b"hello"))[at % 4])


@pytest.mark.parametrize("way", ("plain", "tls"))
def test_33_06_single_bytes_say_the_same(site, way):
    asked = Asked(site)
    with site.connect(way) as sock:
        for byte in asked.octets(sent(b"POST", b"X: y", CHUNKED, body=b"5\r\nhello\r\n0\r\nT: u\r\n\r\n")):
            sock.sendall(bytes((byte,)))
            time.sleep(0.0002)
        ((head, body),), _ = answers(sock, 1)
    assert head.startswith(b"HTTP/1.1 200 ") and body == asked.path.encode()
    asked.check(Meant("POST", fields=[("x", "y")], body=b"hello", trailers=[("t", "u")]))


def test_33_07_a_visitor_may_wait_for_its_continue(site):
    asked = Asked(site)
    with site.connect("tls") as sock:
        sock.sendall(asked.octets(sent(b"POST", b"Expect: 100-Continue", b"Content-Length: 5")))
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hello")
        ((head, _),), _ = answers(sock, 1)
    assert head.startswith(b"HTTP/1.1 200 ")
    asked.check(Meant("POST", body=b"hello"))


def test_33_08_head_has_no_body_and_the_connection_goes_on(site):
    asked, after = Asked(site), Asked(site)
    with site.connect("tls") as sock:
        sock.sendall(asked.octets(sent(b"HEAD")))
        got = b""
        while b"\r\n\r\n" not in got:
            got += sock.recv(4096)
        assert got.startswith(b"HTTP/1.1 200 ") and got.endswith(b"\r\n\r\n")
        sock.sendall(after.octets(request()))
        assert answers(sock, 1)[0][0][1] == after.path.encode()
    asked.check(Meant("HEAD"))


@pytest.mark.parametrize("shape", ("padded", "prioritised", "continued", "end apart"))
def test_33_09_frames_of_every_legal_shape(site, shape):
    asked = Asked(site)
    visitor = Prober(site.edge, site.host)
    packed = block(*((key, asked.octets(value)) for key, value in stream(("x", b"y"), method=b"POST")[0]))
    body = frame(DATA, END_STREAM, 1, b"hello")
    if shape == "padded":
        visitor.send(frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff" + packed + bytes(255)))
        body = frame(DATA, PADDED, 1, b"\x03he" + bytes(3)) + frame(DATA, END_STREAM | PADDED, 1, b"\x00llo")
    elif shape == "prioritised":
        visitor.send(frame(HEADERS, END_HEADERS | PRIORITISED, 1, b"\x80\x00\x00\x00\x10" + packed))
    elif shape == "continued":
        cuts = [packed[at:at + len(packed) // 7 + 1] for at in range(0, len(packed), len(packed) // 7 + 1)]
        for at, piece in enumerate(cuts):
            visitor.send(frame(CONTINUATION if at else HEADERS, END_HEADERS if at == len(cuts) - 1 else 0, 1, piece))
    else:
        visitor.send(frame(HEADERS, END_HEADERS, 1, packed))
        body = frame(DATA, 0, 1, b"hello") + frame(DATA, 0, 1, b"") + frame(DATA, END_STREAM, 1, b"")
    visitor.send(body)
    assert visitor.outcome(1) == 200 and visitor.bodies[1] == asked.path.encode()
    visitor.close()
    asked.check(Meant("POST", fields=[("x", "y")], body=b"hello"))


def test_33_10_the_tables_are_as_large_as_they_should_be():
    assert len(H1) >= 45 and len(H2) >= 25
