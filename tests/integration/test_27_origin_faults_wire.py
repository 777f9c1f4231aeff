"""Every fault of an origin on the wire, and what a visitor sees of it, over both visitor protocols.

A row is a fault: its name, what must come of it, the steps that the origin says.  Whatever the row, the next request of
this visitor to this origin gets its own good answer, and the worker lives.

    expected          means
    whole(...)        the answer passes, complete
    page(status)      the edge's own page
    CUT               never complete: the edge's page, or an answer that looks cut
    BROKEN            the connection's fault: POST gets 520 and was sent once; GET is repeated over HTTP/1.1
    EMPTY             whatever comes has no body
    WHATEVER          nothing but that the edge and the next request are well
"""
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.frames import (ACK, CONTINUATION, DATA, EARLY, END_HEADERS, END_STREAM, GOAWAY, GOOD, GOOD_BODY, HEADERS,
                            PADDED, PING, PRIORITISED, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
                            FrameOrigin, block, close_notify, data, dripped, fin, frame, goaway, head, headers,
                            on_stream, rst, settings, tcp_reset, tls_garbage, trailers, wait, window)
from harness.process import wait_until
from harness.witness import Witness

NO_ERROR, INTERNAL, REFUSED, CANCEL, H1_REQUIRED = 0, 2, 7, 8, 13
CUT, BROKEN, EMPTY, WHATEVER = "cut", "broken", "empty", "whatever"
UPLOAD = b"u" * 300000
ROWS_AT_ONCE = 4


def whole(status=200, body=GOOD_BODY, interims=(), **fields):
    return {"status": status, "body": body, "interims": interims, "fields": fields}


def page(status):
    return status


class Row:
    def __init__(self, name, expected, *steps, **options):
        self.name, self.expected, self.steps = name, expected, list(steps)
        self.method = options.pop("method", "GET")
        self.body = options.pop("body", None)
        self.preface = options.pop("preface", None)
        self.certificate = options.pop("tls", True)
        self.then = options.pop("then", None)
        self.dropped = options.pop("dropped", False)  # the edge drops the connection, though nobody asked for anything
        assert not options


def ids(rows):
    names = [row.name for row in rows]
    assert len(set(names)) == len(names), [n for n in names if names.count(n) > 1]
    return names


# ------------------------------------------------------------------------------------------ HTTP/2 origins

def status_is(text):
    return headers([(":status", text)], end=True)


def field_is(name, value):
    return headers([(":status", "200"), (name, value)], end=True)


def fields_of(count):
    return head(200, *[(f"x-{number}", "v") for number in range(count)], end=True)


def split_block(pieces, fields):
    """HEADERS and CONTINUATION frames, `pieces` in all."""
    def run(_, sid):
        whole_block = block(*fields)
        size = -(-len(whole_block) // pieces)
        cut = [whole_block[at:at + size] for at in range(0, len(whole_block), size)]
        out = frame(HEADERS, END_STREAM | (END_HEADERS if len(cut) == 1 else 0), sid, cut[0])
        for index, piece in enumerate(cut[1:], 2):
            out += frame(CONTINUATION, END_HEADERS if index == len(cut) else 0, sid, piece)
        return out
    return run


EXTREME = ("x-long", "v" * 200)
U32 = struct.Struct(">I").pack

H2_ROWS = [
    # lengths against END_STREAM
    Row("length too short", CUT, head(200, ("content-length", 9)), data(b"half", end=True)),
    Row("length too long", CUT, head(200, ("content-length", 3)), data(b"halfway", end=True)),
    Row("length but the head ends", CUT, head(200, ("content-length", 3), end=True)),
    Row("length 0 but data", EMPTY, head(200, ("content-length", 0)), data(b"abc", end=True)),
    Row("length missing", whole(body=b"abc"), head(200), data(b"abc", end=True)),
    Row("length missing, no body", whole(body=b""), head(200, end=True)),
    Row("length missing, empty end", whole(body=b""), head(200), data(b"", end=True)),
    Row("length twice, equal", page(520), head(200, ("content-length", 3), ("content-length", 3)), data(b"abc", end=True)),
    Row("length twice, different", page(520), head(200, ("content-length", 3), ("content-length", 4)), data(b"abc", end=True)),
    *[Row(f"length {text!r}", page(520), head(200, ("content-length", text)), data(b"abc", end=True))
      for text in ("abc", "-3", "+3", "3,3", "0x3", "", "99999999999999999999")],
    # answers without bodies
    Row("HEAD with a length", whole(body=b"", content_length="1000"), head(200, ("content-length", 1000), end=True), method="HEAD"),
    Row("HEAD with a body", EMPTY, head(200, ("content-length", 3)), data(b"abc", end=True), method="HEAD"),
    Row("204", whole(204, b""), head(204, end=True)),
    Row("204 with length 0", whole(204, b""), head(204, ("content-length", 0), end=True)),
    Row("204 with a body", EMPTY, head(204), data(b"abc", end=True)),
    Row("304 with a length", whole(304, b""), head(304, ("content-length", 9), end=True)),
    Row("304 with a body", EMPTY, head(304), data(b"abc", end=True)),
    Row("HEAD that ends later", whole(body=b""), head(200, ("content-length", 9)), wait(0.02), data(b"", end=True), method="HEAD"),
    Row("204 that ends later", whole(204, b""), head(204), wait(0.02), data(b"", end=True)),
    Row("304 that ends later", whole(304, b""), head(304), wait(0.02), data(b"", end=True)),
    Row("HEAD with trailers", EMPTY, head(200), wait(0.02), trailers(("x-sum", "1")), method="HEAD"),
    # interim answers
    Row("100 is swallowed", whole(), head(100), *GOOD),
    Row("103 three times at once", whole(interims=[103] * 3), lambda c, s: b"".join(
        [head(103, ("link", f"</{n}.css>"))(c, s) for n in range(3)] + [step(c, s) for step in GOOD])),
    Row("103 three times in time", whole(interims=[103] * 3), *[head(103, ("link", "</a>")), wait(0.05)] * 3, *GOOD),
    Row("102 and 199 pass", whole(interims=[102, 199]), head(102), head(199), *GOOD),
    Row("103 ten times", whole(interims=None), *[head(103)] * 10, *GOOD),
    Row("103 eleven times", page(520), *[head(103)] * 11, *GOOD),
    Row("101 unasked", page(520), head(101), *GOOD),
    Row("103 that ends", page(520), head(103, end=True)),
    Row("103 after the head", CUT, head(200), head(103), data(b"abc", end=True)),
    Row("103, then a reset, then good", whole(interims=[103]), head(103), wait(0.02), rst(INTERNAL), then=GOOD),
    Row("103 that nobody reads yet", whole(interims=[103] * 5), *[head(103, ("x", "v" * 1000))] * 5, *GOOD),
    Row("103 then silence", page(524), head(103)),
    # :status and other pseudo-header fields
    *[Row(f"status {text!r}", page(520), status_is(text)) for text in ("600", "999", "099", "000", "20", "2000", "abc", "-20", "", "2 0")],
    Row("status 599", whole(599, b""), status_is("599")),
    Row("no status", page(520), headers([("x", "y")], end=True)),
    Row("no fields", page(520), headers([], end=True)),
    Row("status twice", page(520), headers([(":status", "200"), (":status", "200")], end=True)),
    Row("status behind a field", page(520), headers([("x", "y"), (":status", "200")], end=True)),
    Row("unknown pseudo field", page(520), headers([(":status", "200"), (":what", "x")], end=True)),
    Row("a request's pseudo field", page(520), headers([(":status", "200"), (":path", "/")], end=True)),
    # names and values
    *[Row(f"name {name!r}", page(520), field_is(name, "v"))
      for name in ("X-Upper", "x y", "x:y", "x\0", "x\r\ny", "", b"x\xff", "x\x7f", "(x)")],
    *[Row(f"value {value!r}", page(520), field_is("x", value))
      for value in ("a\r\nset-cookie: evil=1", "a\rb", "a\nb", "a\0b", "a\x01b", "a\x7fb")],
    Row("value of eight bits", whole(body=b""), field_is("x", b"\xe2\x82\xac")),
    Row("value empty", whole(body=b"", x_empty=""), field_is("x-empty", "")),
    *[Row(f"a connection's field {name}", page(520), field_is(name, value)) for name, value in (
        ("connection", "close"), ("keep-alive", "timeout=5"), ("transfer-encoding", "chunked"), ("upgrade", "h2,h2c"),
        ("proxy-connection", "close"))],
    Row("set-cookie stays apart", whole(body=b"", set_cookie="a=1|b=2"),
        head(200, ("set-cookie", "a=1"), ("set-cookie", "b=2"), end=True)),
    # sizes
    Row("98 fields", whole(body=b""), fields_of(98)),
    Row("101 fields", page(520), fields_of(101)),
    Row("a head of 60 KB in 4 frames", whole(body=b"", x_long=None), split_block(4, [(":status", "200"), ("x-long", "v" * 60000)])),
    Row("a head of 70 KB", page(520), split_block(5, [(":status", "200"), *[(f"x-{n}", "v" * 7000) for n in range(10)]])),
    Row("a head of 140 KB", page(520), split_block(9, [(":status", "200"), *[(f"x-{n}", "v" * 15500) for n in range(9)]])),
    Row("8 CONTINUATION", whole(body=b""), split_block(9, [(":status", "200"), EXTREME])),
    Row("30 CONTINUATION", BROKEN, split_block(31, [(":status", "200"), EXTREME])),
    Row("20000 CONTINUATION, empty", BROKEN, lambda _, sid: frame(HEADERS, END_STREAM, sid, block((":status", "200")))
        + frame(CONTINUATION, 0, sid) * 20000),
    Row("a frame too long", CUT, head(200), data(b"x" * 16385, end=True)),
    Row("a frame of 16 MB announced", BROKEN, on_stream(DATA, 0, b"x" * 100, length=0xffffff)),
    # header blocks
    Row("CONTINUATION without HEADERS", BROKEN, on_stream(CONTINUATION, END_HEADERS, block((":status", "200")))),
    Row("CONTINUATION of another stream", BROKEN, headers([(":status", "200")], flags=0),
        lambda _, sid: frame(CONTINUATION, END_HEADERS, sid + 2, block(("x", "y")))),
    Row("a frame within a header block", BROKEN, headers([(":status", "200")], flags=0), data(b"abc", end=True)),
    Row("an unknown frame within a header block", BROKEN, headers([(":status", "200")], flags=0), on_stream(0xfa)),
    Row("HPACK index 0", BROKEN, on_stream(HEADERS, 5, b"\x80")),
    Row("HPACK index out of table", BROKEN, on_stream(HEADERS, 5, b"\xff\x80\x01")),
    Row("HPACK huffman broken", BROKEN, on_stream(HEADERS, 5, b"\x88\x00\x81\xff\x01a")),
    Row("HPACK string cut", BROKEN, on_stream(HEADERS, 5, b"\x88\x00\x05ab")),
    Row("HPACK integer endless", BROKEN, on_stream(HEADERS, 5, b"\x88\x7f" + b"\xff" * 20)),
    Row("HPACK table too large", BROKEN, on_stream(HEADERS, 5, b"\x3f\xe1\xff\x03\x88")),
    Row("HPACK bomb", BROKEN, lambda _, sid: frame(HEADERS, 4, sid, b"\x88\x40\x01a\x7f\x81\x1d" + b"v" * 3840 + b"\xbe" * 12000)),
    # padding, priorities, extensions
    Row("padded", whole(body=b"hi"), on_stream(HEADERS, PADDED | 4, b"\3" + block((":status", "200")) + b"\0\0\0"),
        on_stream(DATA, PADDED | 1, b"\2hi\0\0")),
    Row("all padding", whole(body=b"hi"), head(200), *[on_stream(DATA, PADDED, b"\xff" + b"\0" * 255)] * 20,
        on_stream(DATA, PADDED | 1, b"\0hi")),
    Row("padding longer than DATA", CUT, head(200), on_stream(DATA, PADDED | 1, b"\x09hi")),
    Row("padding longer than HEADERS", BROKEN, on_stream(HEADERS, PADDED | 5, b"\x99" + block((":status", "200")))),
    Row("HEADERS with priority", whole(), on_stream(HEADERS, PRIORITISED | 4, b"\0\0\0\0\x10" + block((":status", "200"))),
        data(GOOD_BODY, end=True)),
    Row("PRIORITY", whole(), on_stream(PRIORITY, 0, b"\0\0\0\0\x10"), *GOOD),
    Row("PRIORITY too short", CUT, head(200), on_stream(PRIORITY, 0, b"\0\0"), data(b"x")),
    Row("PRIORITY flood", BROKEN, lambda _, sid: frame(PRIORITY, 0, sid, b"\0\0\0\0\x10") * 3000),
    Row("unknown frames", whole(), on_stream(0xfa, 0xff, b"what"), frame(0xfb, 0, 0, b"x"), *GOOD),
    Row("ALTSVC and ORIGIN", whole(), frame(0xa, 0, 0, b"\0\0h2=\":1\""), frame(0xc, 0, 0, b""), *GOOD),
    # server push
    Row("PUSH_PROMISE", BROKEN, on_stream(PUSH_PROMISE, 4, U32(2) + block(
        (":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")))),
    Row("HEADERS on an even stream", BROKEN, headers([(":status", "200")], stream=2, end=True)),
    # flow control
    Row("window overflow, stream", CUT, window(0x7fffffff), window(0x7fffffff), head(200), data(b"x")),
    Row("window overflow, connection", BROKEN, window(0x7fffffff, 0), window(0x7fffffff, 0)),
    Row("window 0, connection", BROKEN, window(0, 0)),
    Row("window 0, stream", BROKEN, window(0)),
    Row("WINDOW_UPDATE too short", BROKEN, on_stream(WINDOW_UPDATE, 0, b"\0\0\1")),
    Row("WINDOW_UPDATE of an idle stream", BROKEN, window(1, 99)),
    Row("DATA past the stream's window", WHATEVER, head(200), lambda _, sid: frame(DATA, 0, sid, b"x" * 16384) * 300,
        data(b"", end=True)),
    # frames where they do not belong
    Row("DATA before HEADERS", BROKEN, data(b"abc", end=True)),
    Row("DATA on an idle stream", BROKEN, data(b"abc", stream=99)),
    Row("DATA on stream 0", BROKEN, data(b"abc", stream=0)),
    Row("DATA behind the end", whole(), *GOOD, data(b"more", end=True)),
    Row("HEADERS on stream 0", BROKEN, headers([(":status", "200")], stream=0)),
    Row("HEADERS on an idle stream", BROKEN, headers([(":status", "200")], stream=99)),
    Row("HEADERS behind the end", whole(), *GOOD, head(200, end=True)),
    Row("a second head", CUT, head(200), head(200), data(b"x", end=True)),
    Row("RST_STREAM on stream 0", BROKEN, rst(INTERNAL, 0)),
    Row("RST_STREAM on an idle stream", BROKEN, rst(INTERNAL, 99)),
    Row("RST_STREAM too short", BROKEN, on_stream(RST_STREAM, 0, b"\0\0")),
    Row("PING on a stream", BROKEN, on_stream(PING, 0, b"12345678")),
    Row("PING too short", BROKEN, frame(PING, 0, 0, b"1234")),
    Row("PING ack unasked", whole(), frame(PING, ACK, 0, b"12345678"), *GOOD),
    Row("GOAWAY on a stream", BROKEN, on_stream(GOAWAY, 0, U32(1) + U32(0))),
    Row("GOAWAY too short", BROKEN, frame(GOAWAY, 0, 0, b"\0\0")),
    # SETTINGS
    Row("SETTINGS push on", BROKEN, settings((2, 1))),
    Row("SETTINGS push 2", BROKEN, settings((2, 2))),
    Row("SETTINGS window 2^31", BROKEN, settings((4, 1 << 31))),
    Row("SETTINGS frame size 100", BROKEN, settings((5, 100))),
    Row("SETTINGS frame size 2^24", BROKEN, settings((5, 1 << 24))),
    Row("SETTINGS cut", BROKEN, frame(SETTINGS, 0, 0, b"\0\3\0")),
    Row("SETTINGS ack with payload", BROKEN, frame(SETTINGS, ACK, 0, b"\0\3\0\0\0\1")),
    Row("SETTINGS on a stream", BROKEN, on_stream(SETTINGS, 0)),
    Row("SETTINGS ack unasked", BROKEN, *[settings(flags=ACK)] * 2),
    Row("SETTINGS unknown", whole(), settings((0xff, 1), (0x10, 2)), *GOOD),
    Row("SETTINGS table 0, window 0", whole(), settings((1, 0), (4, 0)), *GOOD),
    Row("SETTINGS flood", BROKEN, settings() * 200),
    Row("SETTINGS of 5000 entries", BROKEN, frame(SETTINGS, 0, 0, b"\0\x99\0\0\0\1" * 2700), *[frame(SETTINGS, 0, 0, b"\0\x99\0\0\0\1" * 2700)] * 20),
    # beginnings
    Row("text instead of frames", BROKEN, preface=[b"HTTP/1.1 400 Bad Request\r\n\r\n"]),
    Row("zeros instead of frames", BROKEN, preface=[b"\0" * 100]),
    Row("the first frame is PING", BROKEN, preface=[frame(PING, 0, 0, b"12345678")]),
    Row("the client's own preface", BROKEN, preface=[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", settings()]),
    Row("an answer before SETTINGS", BROKEN, *GOOD, preface=[]),
    Row("a broken TLS record", page(520), tls_garbage),
    Row("a broken TLS record, then good", whole(), tls_garbage, then=GOOD),
    Row("a broken TLS record, POST", page(520), tls_garbage, then=GOOD, method="POST", body=b"once"),
    Row("a broken TLS record within the body", CUT, head(200, ("content-length", 9)), data(b"abc"), tls_garbage),
    # floods
    Row("PING flood", BROKEN, frame(PING, 0, 0, b"12345678") * 1000),
    Row("empty DATA flood", CUT, head(200), lambda _, sid: frame(DATA, 0, sid) * 5000, wait(0.1)),
    Row("RST_STREAM flood", whole(), *GOOD, lambda _, sid: frame(RST_STREAM, 0, sid, U32(CANCEL)) * 5000),
    Row("WINDOW_UPDATE flood", whole(), *GOOD, lambda _, sid: frame(WINDOW_UPDATE, 0, sid, U32(1)) * 5000),
    Row("unknown frame flood", whole(), lambda _, sid: frame(0xfa, 0, sid) * 5000, *GOOD),
    # resets and ends
    Row("reset, then good", whole(), rst(INTERNAL), then=GOOD),
    Row("refused, then good", whole(), rst(REFUSED), then=GOOD),
    Row("refused POST, then good", whole(), rst(REFUSED), then=GOOD, method="POST", body=b"once"),
    Row("reset POST", page(520), rst(INTERNAL), then=GOOD, method="POST", body=b"once"),
    Row("reset NO_ERROR without an answer, POST", page(520), rst(NO_ERROR), method="POST", body=b"once"),
    Row("reset behind the head", CUT, head(200, ("content-length", 100)), data(b"abc"), rst(INTERNAL)),
    Row("refused behind the head", CUT, head(200), data(b"abc"), rst(REFUSED)),
    Row("NO_ERROR within the body", CUT, head(200), data(b"abc"), rst(NO_ERROR)),
    Row("NO_ERROR behind the end", whole(), *GOOD, rst(NO_ERROR)),
    Row("CANCEL behind the end", whole(), *GOOD, rst(CANCEL)),
    Row("goaway with junk behind the end", whole(), *GOOD, goaway(junk=b"\xffjunk" * 1000)),
    Row("goaway below this stream, then good", whole(), goaway(0), then=GOOD, method="POST", body=b"once"),
    Row("goaway that includes it, then the answer", whole(), goaway(), wait(0.05), *GOOD),
    Row("goaway in two steps", whole(), goaway(0x7fffffff), wait(0.05), goaway(), *GOOD),
    Row("goaway that rises", page(520), goaway(0), goaway(99)),
    Row("goaway PROTOCOL_ERROR, POST", page(520), goaway(code=1), fin, method="POST", body=b"once"),
    Row("end within the body", CUT, head(200), data(b"abc"), fin),
    Row("close_notify within the body", CUT, head(200), data(b"abc"), close_notify),
    Row("TCP reset within the body", CUT, head(200), data(b"abc"), tcp_reset),
    Row("end within a frame", CUT, head(200), on_stream(DATA, 1, b"abc", length=100), fin),
    Row("end within the head, POST", page(520), on_stream(HEADERS, 5, b"\x88", length=100), fin, method="POST", body=b"x"),
    Row("end behind the end", whole(), *GOOD, fin),
    # time
    Row("silence", page(524)),
    Row("silence behind the head", CUT, head(200), data(b"abc")),
    Row("the head drips too slowly", page(524), dripped(head(200, ("x-long", "v" * 100), end=True), 0.02)),
    Row("the body drips", whole(body=b"0123456789" * 2), head(200), *[data(b"0123456789"), wait(0.3)] * 2, data(b"", end=True)),
    Row("frames in single bytes", whole(), *[dripped(step, 0.001) for step in GOOD]),
    # trailers
    Row("trailers", whole(body=b"abc"), head(200), data(b"abc"), trailers(("x-sum", "1"))),
    Row("trailers without an end", CUT, head(200), data(b"abc"), trailers(("x-sum", "1"), end=False), data(b"", end=True)),
    Row("trailers with :status", CUT, head(200), data(b"abc"), trailers((":status", "200"))),
    Row("DATA behind trailers", whole(body=b"abc"), head(200), data(b"abc"), trailers(("x-sum", "1")), data(b"more", end=True)),
    *[Row(f"trailer {name}", CUT, head(200), data(b"abc"), trailers((name, "1"))) for name in (
        "content-length", "transfer-encoding", "host", "set-cookie", "authorization", "cf-connecting-ip", "X-Upper")],
    Row("trailers of 17 KB", CUT, head(200), data(b"abc"), split_block(2, [("x-long", "v" * 17000)])),
    # uploads
    Row("early answer, then NO_ERROR", whole(413), EARLY, head(413), data(GOOD_BODY, end=True), rst(NO_ERROR),
        method="POST", body=UPLOAD),
    Row("early answer, the upload goes on", whole(), EARLY, *GOOD, method="POST", body=UPLOAD),
    Row("early answer, then CANCEL", whole(), EARLY, *GOOD, rst(CANCEL), method="POST", body=UPLOAD),
    Row("reset within an upload", page(520), EARLY, rst(INTERNAL), method="POST", body=UPLOAD),
    Row("end within an upload", page(520), EARLY, fin, method="POST", body=UPLOAD),
]

# ------------------------------------------------------------------------------------------ HTTP/1.1 origins

OK = b"HTTP/1.1 200 OK\r\n"
EVIL = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nset-cookie: evil=1\r\n\r\nEVIL"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def text(rest, start=b"HTTP/1.1 200 OK"):
    return start + b"\r\n" + rest


H1_ROWS = [
    # lengths
    Row("length", whole(body=b"abc"), OK + b"content-length: 3\r\n\r\nabc"),
    Row("length, then the end too soon", CUT, OK + b"content-length: 9\r\n\r\nabc", fin),
    Row("length, then close_notify too soon", CUT, OK + b"content-length: 9\r\n\r\nabc", close_notify),
    Row("length, then a TCP reset", CUT, OK + b"content-length: 9\r\n\r\nabc", tcp_reset),
    Row("length and coding", page(520), OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    Row("coding and length", page(520), OK + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n"),
    Row("length twice, equal", page(520), OK + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc"),
    Row("length twice, different", page(520), OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd"),
    *[Row(f"length {value!r}", page(520), OK + b"content-length: " + value + b"\r\n\r\nabc")
      for value in (b"3, 3", b"+3", b"-3", b"0x3", b"3.0", b"", b"3 3", b"99999999999999999999", b"\x333\0")],
    Row("length with blanks", whole(body=b"abc"), OK + b"content-length: \t 3 \t\r\n\r\nabc"),
    # codings
    *[Row(f"coding {value!r}", page(520), OK + b"transfer-encoding: " + value + b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
      for value in (b"gzip", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"identity", b"xchunked", b"", b"chunked;q=1", b"\x0bchunked")],
    Row("coding twice", page(520), OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    Row("coding in 1.0", page(520), text(b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n", b"HTTP/1.0 200 OK")),
    Row("coding in capitals", whole(body=b"abc"), OK + b"Transfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    # chunks
    Row("chunks", whole(body=b"abcdefghijklm"), CHUNKED + b"3\r\nabc\r\nA\r\ndefghijklm\r\n0\r\n\r\n"),
    Row("chunks with extensions", whole(body=b"abc"), CHUNKED + b"3;a=b;c=\"d;e\"\r\nabc\r\n0;last\r\n\r\n"),
    Row("chunks with leading zeros", whole(body=b"abc"), CHUNKED + b"0003\r\nabc\r\n000\r\n\r\n"),
    Row("chunks with trailers", whole(body=b"abc"), CHUNKED + b"3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n"),
    Row("chunks in single bytes", whole(body=b"abc"), dripped(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", 0.001)),
    *[Row(f"chunk {value[:20]!r}", CUT, CHUNKED + value) for value in (
        b"ffffffffffffffff\r\nabc", b"10000000000000000\r\nabc", b"0x3\r\nabc\r\n0\r\n\r\n", b" 3\r\nabc\r\n0\r\n\r\n",
        b"3 \r\nabc\r\n0\r\n\r\n", b"-3\r\nabc\r\n0\r\n\r\n", b"\r\nabc\r\n0\r\n\r\n", b"3\nabc\r\n0\r\n\r\n",
        b"3\r\nabc0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"3\r\nabc\n0\r\n\r\n", b"3\r\nabc\r\n0\n\n", b"g\r\nabc\r\n0\r\n\r\n",
        b"3;" + b"x" * 300 + b"\r\nabc\r\n0\r\n\r\n", b"3;a\nb\r\nabc\r\n0\r\n\r\n", b"3\r\nabc\r\n0\r\nx y: 1\r\n\r\n",
        b"3\r\nabc\r\n0\r\ncontent-length: 5\r\n\r\n", b"3\r\nabc\r\n0\r\nx: " + b"v" * 17000 + b"\r\n\r\n")],
    Row("chunks without the last", CUT, CHUNKED + b"3\r\nabc\r\n", fin),
    Row("chunks without the last line", CUT, CHUNKED + b"3\r\nabc\r\n0\r\n", close_notify),
    # bodies that end with the connection
    Row("until close_notify", whole(body=b"to the end"), OK + b"\r\nto the end", close_notify),
    Row("a broken TLS record within the body", CUT, OK + b"content-length: 9\r\n\r\nabc", tls_garbage),
    Row("a broken TLS record instead of the end", CUT, OK + b"\r\nto the", tls_garbage),
    Row("until the end without close_notify", CUT, OK + b"\r\nto the", fin),
    Row("until a TCP reset", CUT, OK + b"\r\nto the", wait(0.05), tcp_reset),
    Row("until the end, 1.0", whole(body=b"to the end"), text(b"\r\nto the end", b"HTTP/1.0 200 OK"), close_notify),
    Row("until the end, without TLS", whole(body=b"to the end"), OK + b"\r\nto the end", fin, tls=False),
    Row("until a TCP reset, without TLS", CUT, OK + b"\r\nto the", wait(0.05), tcp_reset, tls=False),
    # answers without bodies
    Row("HEAD with a length", whole(body=b"", content_length="1000"), OK + b"content-length: 1000\r\n\r\n", method="HEAD"),
    Row("HEAD with a body", EMPTY, OK + b"content-length: 4\r\n\r\nEVIL", method="HEAD"),
    Row("HEAD with a chunked body", EMPTY, CHUNKED + b"4\r\nEVIL\r\n0\r\n\r\n", method="HEAD"),
    Row("204 with a length and a body", EMPTY, text(b"content-length: 4\r\n\r\nEVIL", b"HTTP/1.1 204 No")),
    Row("304 with a length", whole(304, b""), text(b"content-length: 9\r\n\r\n", b"HTTP/1.1 304 No")),
    Row("304 with a body", EMPTY, text(b"content-length: 4\r\n\r\nEVIL", b"HTTP/1.1 304 No")),
    # interim answers
    Row("100 is swallowed", whole(body=b""), b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 0\r\n\r\n"),
    Row("103 three times at once", whole(body=b"", interims=[103] * 3),
        b"HTTP/1.1 103 Early\r\nlink: </a>\r\n\r\n" * 3 + OK + b"content-length: 0\r\n\r\n"),
    Row("102 and 199 pass", whole(body=b"", interims=[102, 199]), b"HTTP/1.1 102 X\r\n\r\nHTTP/1.1 199 X\r\n\r\n" + OK + b"content-length: 0\r\n\r\n"),
    Row("103 eleven times", page(520), b"HTTP/1.1 103 Early\r\n\r\n" * 11 + OK + b"content-length: 0\r\n\r\n"),
    Row("101 unasked", page(520), b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"),
    Row("100 only, then the end", page(520), b"HTTP/1.1 100 Continue\r\n\r\n", fin),
    # status lines
    *[Row(f"status line {line!r}", page(520), text(b"content-length: 0\r\n\r\n", line)) for line in (
        b"HTTP/1.2 200 OK", b"HTTP/2.0 200 OK", b"HTTP/0.9 200 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 600 No",
        b"HTTP/1.1 099 No", b"HTTP/1.1 abc No", b"HTTP/1.1  200 OK", b"http/1.1 200 OK", b" HTTP/1.1 200 OK", b"HTTP/1.1\t200 OK",
        b"HTTP/1.1", b"HTTP/1.1 ", b"ICY 200 OK", b"HTTP/1.1 200 O\0K", b"HTTP/1.1 200 O\rK", b"", b"\x16\x03\x01")],
    *[Row(f"status line {line!r}", whole(body=b""), text(b"content-length: 0\r\n\r\n", line)) for line in (
        b"HTTP/1.1 200 ", b"HTTP/1.1 200", b"HTTP/1.0 200 OK", b"HTTP/1.1 200 \xc3\xa9")],
    # fields
    *[Row(f"field {line[:20]!r}", page(520), OK + line + b"\r\ncontent-length: 0\r\n\r\n") for line in (
        b"x : y", b" x: y", b"x: y\r\n folded", b": y", b"x", b"x\0: y", b"x: a\0b", b"x: a\rb", b"x: a\nb: c", b"x: \x01", b"x y: z", b"x\xff: z")],
    Row("bare line feeds", page(520), b"HTTP/1.1 200 OK\ncontent-length: 0\n\n"),
    Row("value of eight bits", whole(body=b""), OK + b"x: \xe2\x82\xac\r\ncontent-length: 0\r\n\r\n"),
    Row("98 fields", whole(body=b""), OK + b"".join(b"x-%d: v\r\n" % n for n in range(97)) + b"content-length: 0\r\n\r\n"),
    Row("101 fields", page(520), OK + b"".join(b"x-%d: v\r\n" % n for n in range(101)) + b"content-length: 0\r\n\r\n"),
    Row("a head of 60 KB", whole(body=b""), OK + b"x-long: " + b"v" * 60000 + b"\r\ncontent-length: 0\r\n\r\n"),
    Row("a head of 70 KB", page(520), OK + b"x-long: " + b"v" * 70000 + b"\r\ncontent-length: 0\r\n\r\n"),
    Row("an endless head", page(520), OK + b"x-long: " + b"v" * 1000000),
    Row("connection's fields are gone", whole(body=b"", upgrade=None, keep_alive=None, x_hop=None, proxy_connection=None, x_end="1"),
        OK + b"connection: Upgrade, x-hop\r\nupgrade: h2,h2c\r\nkeep-alive: timeout=5\r\nx-hop: 1\r\nproxy-connection: close\r\n"
        b"x-end: 1\r\ncontent-length: 0\r\n\r\n"),
    Row("upgrade without connection", whole(body=b"", upgrade=None), OK + b"upgrade: h2,h2c\r\ncontent-length: 0\r\n\r\n"),
    Row("connection: close", whole(body=b"abc"), OK + b"connection: close\r\ncontent-length: 3\r\n\r\nabc", close_notify),
    Row("set-cookie stays apart", whole(body=b"", set_cookie="a=1|b=2"),
        OK + b"set-cookie: a=1\r\nSet-Cookie: b=2\r\ncontent-length: 0\r\n\r\n"),
    # surplus bytes: the connection must not be used again
    Row("another answer at once", whole(body=b"abc"), OK + b"content-length: 3\r\n\r\nabc" + EVIL),
    Row("another answer later", whole(body=b"abc"), OK + b"content-length: 3\r\n\r\nabc", wait(0.02), EVIL, dropped=True),
    Row("another answer behind chunks", whole(body=b"abc"), CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + EVIL),
    Row("another answer behind HEAD", EMPTY, OK + b"content-length: 3\r\n\r\n" + EVIL, method="HEAD"),
    Row("another answer behind 204", whole(204, b""), b"HTTP/1.1 204 No\r\n\r\n" + EVIL),
    Row("another answer behind 304", whole(304, b""), b"HTTP/1.1 304 No\r\ncontent-length: 60\r\n\r\n" + EVIL),
    Row("a line behind the answer", whole(body=b"abc"), OK + b"content-length: 3\r\n\r\nabc\r\n"),
    Row("garbage behind the answer", whole(body=b"abc"), OK + b"content-length: 3\r\n\r\nabc\0\xff"),
    Row("one byte later", whole(body=b"abc"), OK + b"content-length: 3\r\n\r\nabc", wait(0.02), b"H", dropped=True),
    # ends and time
    Row("the end at once, POST", page(520), fin, method="POST", body=b"once"),
    Row("the end within the head", page(520), OK + b"content-le", fin),
    Row("close_notify within the head", page(520), OK + b"content-le", close_notify),
    Row("silence", page(524)),
    Row("silence within the head", page(524), OK + b"content-le"),
    Row("silence within the body", CUT, OK + b"content-length: 9\r\n\r\nabc"),
    Row("the head drips too slowly", page(524), dripped(OK + b"x-long: " + b"v" * 100 + b"\r\ncontent-length: 0\r\n\r\n", 0.02)),
    Row("the body drips", whole(body=b"abcd"), OK + b"content-length: 4\r\n\r\n", dripped(b"abcd", 0.3)),
    Row("HTTP/2 without being asked", page(520), settings() + b"\0" * 50),
    # uploads
    Row("early answer, then the end", whole(413), EARLY, b"HTTP/1.1 413 No\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" %
        (len(GOOD_BODY), GOOD_BODY), close_notify, method="POST", body=UPLOAD),
    Row("early answer, the upload goes on", whole(), EARLY, OK + b"content-length: %d\r\n\r\n%s" % (len(GOOD_BODY), GOOD_BODY),
        method="POST", body=UPLOAD),
]


# ------------------------------------------------------------------------------------------ the runner

class Place:
    """One zone, one worker that waits a second only; a hostname and an origin of its own for each row."""

    def __init__(self, world):
        self.world, self.count, self.zones = world, 0, {}
        self.lock = threading.Lock()
        self.pids = world.edge.worker_pids()

    def host(self, origin, ssl="full"):
        with self.lock:
            if ssl not in self.zones:
                zone, name = self.world.zone(1024, settings={"ssl": ssl})
                self.zones[ssl] = zone["id"], name
            zone_id, name = self.zones[ssl]
            self.count += 1
            host = f"r{self.count}.{name}"
            self.world.api.applied(self.world.api.origin(zone_id, host, origin.port), zone_id)
            return host


@pytest.fixture(scope="module")
def place(build, authority, tmp_path_factory):
    from conftest import World
    world = World(build, tmp_path_factory.mktemp("faults"), authority, workers=1,
                  edge_flags=("--origin-read-timeout", "1s")).start()
    made = Place(world)
    yield made
    assert world.edge.worker_pids() == made.pids, world.edge.log_text()
    world.stop()


def check_fields(answer, wanted):
    for name, value in wanted.items():
        got = answer.header(name.replace("_", "-"))
        if value is None:
            assert name == "x_long" or got == [], answer
        else:
            assert "|".join(got) == value, answer


def check(answer, expected):
    if expected == CUT:
        assert not answer.whole or answer.status in (503, 520), answer
        assert answer.how != "silence" and answer.code != NO_ERROR, answer
    elif expected == EMPTY:
        assert answer.body == b"" or answer.status == 520, answer
    elif expected == WHATEVER:
        assert answer.how != "silence", answer
    elif isinstance(expected, int):
        assert (answer.status, answer.whole) == (expected, True), answer
    else:
        assert (answer.status, answer.whole, answer.body) == (expected["status"], True, expected["body"]), answer
        if expected["interims"] is not None:
            assert [status for status, _ in answer.interims] == list(expected["interims"]), answer
        check_fields(answer, expected["fields"])


def run(place, row, protocol, alpn):
    origin = FrameOrigin(place.world.certificate if row.certificate else None, alpn, row.preface)
    try:
        scripts = [row.steps] if row.then is None else [row.steps, row.then]
        origin.plan("/fault", *scripts)
        host = place.host(origin, "full" if row.certificate else "off")
        witness = Witness(place.world.edge, host, protocol)
        if row.expected == BROKEN:
            answer = witness.ask("/fault", "POST", body=b"once")
            check(answer, 520)
            assert len(origin.seen("/fault")) <= 1
            answer = witness.ask("/fault")
            check(answer, whole())
            assert answer.header("x-origin") == ["h1"], answer
        else:
            check(witness.ask("/fault", row.method, body=row.body), row.expected)
        if row.method == "POST":
            assert len(origin.seen("/fault")) == (1 if row.then is None or row.expected == 520 else 2)
        if row.dropped:
            wait_until(lambda: origin.closed, "the connection was dropped")
        if row.expected in (CUT, EMPTY, WHATEVER):
            witness.close()
        for number in range(2):
            answer = witness.ask(f"/next-{number}")
            check(answer, whole())
            assert answer.header("set-cookie") == [], answer
        witness.close()
    finally:
        origin.stop()


@pytest.fixture(scope="module")
def outcomes(place, request):
    """The rows that were chosen, run several at a time: most of them wait for something."""
    chosen = [item for item in request.session.items if item.module is request.module and "outcomes" in item.fixturenames]
    with ThreadPoolExecutor(ROWS_AT_ONCE) as pool:
        started = {}
        for item in chosen:
            row, protocol = item.callspec.params["row"], item.callspec.params["protocol"]
            alpn = ("h2", "http/1.1") if "of_an_h2" in item.name else ("http/1.1",)
            started[id(row), protocol] = pool.submit(run, place, row, protocol, alpn)
        yield started


@pytest.mark.parametrize("protocol", ("h1", "h2"))
@pytest.mark.parametrize("row", H2_ROWS, ids=ids(H2_ROWS))
def test_27_01_faults_of_an_h2_origin(outcomes, row, protocol):
    outcomes[id(row), protocol].result()


@pytest.mark.parametrize("protocol", ("h1", "h2"))
@pytest.mark.parametrize("row", H1_ROWS, ids=ids(H1_ROWS))
def test_27_02_faults_of_an_h1_origin(outcomes, row, protocol):
    outcomes[id(row), protocol].result()


# ------------------------------------------------------------------------------------------ siblings

SIBLINGS = 8


@pytest.mark.parametrize("name", ("length too short", "length twice, equal", "no status", "101 unasked", "name 'X-Upper'", "a head of 70 KB",
                                  "trailers with :status", "reset behind the head", "silence", "103 eleven times", "204 with a body"))
def test_27_03_a_streams_fault_is_not_its_siblings(place, name):
    row = next(row for row in H2_ROWS if row.name == name)
    origin = FrameOrigin(place.world.certificate)
    origin.plan("/fault", row.steps).plan("/slow", [wait(0.3), *GOOD])
    host = place.host(origin)
    with ThreadPoolExecutor(SIBLINGS) as pool:
        slow = [pool.submit(Witness(place.world.edge, host, "h2").ask, "/slow") for _ in range(SIBLINGS)]
        wait_until(lambda: len(origin.seen("/slow")) == SIBLINGS, "the siblings run")
        check(Witness(place.world.edge, host, "h2").ask("/fault", row.method), row.expected)
        for answer in slow:
            check(answer.result(), whole())
    assert origin.connections == 1 and len(origin.seen("/slow")) == SIBLINGS
    origin.stop()


@pytest.mark.parametrize("name", ("HPACK index 0", "PUSH_PROMISE", "PING flood", "SETTINGS window 2^31", "DATA on an idle stream"))
def test_27_04_a_connections_fault_is_repaired_for_its_siblings(place, name):
    row = next(row for row in H2_ROWS if row.name == name)
    origin = FrameOrigin(place.world.certificate)
    origin.plan("/fault", row.steps).plan("/slow", [wait(0.3), *GOOD])
    host = place.host(origin)
    with ThreadPoolExecutor(SIBLINGS) as pool:
        slow = [pool.submit(Witness(place.world.edge, host, "h2").ask, "/slow") for _ in range(SIBLINGS)]
        wait_until(lambda: len(origin.seen("/slow")) == SIBLINGS, "the siblings run")
        check(Witness(place.world.edge, host, "h2").ask("/fault", "POST", body=b"once"), 520)
        for answer in slow:
            check(answer.result(), whole())
    assert len(origin.seen("/fault")) == 1
    origin.stop()


def test_27_05_a_storm_of_resets_costs_only_the_requests_that_were_reset(place):
    origin = FrameOrigin(place.world.certificate)
    origin.plan("/reset", [rst(INTERNAL)]).plan("/long", [head(200), *[data(b"a"), wait(0.4)] * 8, data(b"b", end=True)])
    host = place.host(origin)
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(Witness(place.world.edge, host, "h2", 20).ask, "/long")
        wait_until(lambda: origin.seen("/long"), "the long one runs")
        witness = Witness(place.world.edge, host, "h2")
        for _ in range(300):
            answer = witness.ask("/reset", "POST", body=b"once")
            # A storm may suspend HTTP/2 to this origin; over HTTP/1.1 it is a good one.
            assert answer.whole and (answer.status == 520 or answer.header("x-origin") == ["h1"]), answer
        check(long.result(), whole(body=b"a" * 8 + b"b"))
    origin.stop()
