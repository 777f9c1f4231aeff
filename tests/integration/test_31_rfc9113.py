"""RFC 9113 and RFC 7541, sentence by sentence, as far as they bind a server: one visitor of single frames each.

A case is a name that begins with its section (`/n` counts as the public h2spec suite does, whose http2/, generic/ and
hpack/ cases are all here), and what a probe sends and hears.  Each runs twice: against a zone whose origin answers, and
against a name that no zone has, whose answer is the edge's own.
"""
import struct

import pytest

from harness.frames import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PREFACE,
                            PRIORITISED, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame,
                            settings)
from harness.probe import Probe

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT, INITIAL_WINDOW, MAX_FRAME_SIZE, MAX_LIST = 1, 2, 3, 4, 5, 6
CONNECT_PROTOCOL, NO_RFC7540_PRIORITIES = 8, 9
WINDOW_MAX = (1 << 31) - 1
BODY_BYTES = 3000
UNKNOWN = 0x16

CASES = []


def case(name, **options):
    def add(run):
        CASES.append(pytest.param(run, options, id=name))
        return run
    return add


def word(value):
    return struct.pack(">I", value)


def window(increment, stream=0):
    return frame(WINDOW_UPDATE, 0, stream, word(increment))


def rst(stream=1, code=8):
    return frame(RST_STREAM, 0, stream, word(code))


def priority(stream, parent=0, weight=255):
    return frame(PRIORITY, 0, stream, word(parent) + bytes((weight,)))


def data(octets=b"test", stream=1, end=True, flags=0):
    return frame(DATA, flags | (END_STREAM if end else 0), stream, octets)


def rows(table):
    """One case for each row: name -> (what is sent, what has to follow)."""
    for name, (send, expect) in table.items():
        def run(probe, send=send, expect=expect):
            send(probe)
            expect(probe)
        case(name)(run)


# ---- what may follow

def connection_error(*codes):
    def expect(probe):
        code = probe.failed()
        assert code in codes, probe.story()
    return expect


def stream_error(*codes):
    def expect(probe):
        code = probe.stream_failed()
        assert code in codes, probe.story()
    return expect


def only_stream_error(*codes):
    """The others live on."""
    def expect(probe):
        assert probe.reset() in codes, probe.story()
        probe.ask(101)
        probe.head(101)
        probe.pong()
    return expect


def answered(stream=1):
    return lambda probe: probe.ended(stream)


def lives(probe):
    probe.pong()


PROTOCOL, CLOSED, SIZE, FLOW = "PROTOCOL_ERROR", "STREAM_CLOSED", "FRAME_SIZE_ERROR", "FLOW_CONTROL_ERROR"
COMPRESSION, REFUSED, CALM = "COMPRESSION_ERROR", "REFUSED_STREAM", "ENHANCE_YOUR_CALM"


def raw(*frames):
    return lambda probe: probe.send(*frames)


def asked(*frames, end=True, more=(), **words):
    """GET on stream 1, then these frames."""
    def send(probe):
        probe.ask(1, *more, end=end, **words)
        probe.send(*frames)
    return send


def finished(*frames):
    """GET on stream 1, its whole answer, then these frames."""
    def send(probe):
        probe.ask(1)
        probe.ended()
        probe.send(*frames)
    return send


def with_block(octets, before=b"", stream=1):
    """A request whose header block has these octets after (before) what a request needs."""
    def send(probe):
        probe.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, before + probe.fields() + octets))
    return send


def again(probe, stream=1, flags=END_HEADERS | END_STREAM):
    return frame(HEADERS, flags, stream, probe.fields())


# ---- 3 Starting HTTP/2

@case("3.4/1 preface: SETTINGS are the first frame of the edge")
def _(probe):
    assert probe.take()[:3] == (SETTINGS, 0, 0)
    probe.pong()


@case("3.4/2 preface: what is not one ends the connection", hello=b"INVALID CONNECTION PREFACE\r\n\r\n")
def _(probe):
    assert probe.failed() == PROTOCOL


@case("3.4 preface: HTTP/1.1 where ALPN said h2 ends the connection", hello=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
def _(probe):
    assert probe.failed() == PROTOCOL


@case("3.4 preface: in pieces of one byte it is the same", hello=b"")
def _(probe):
    for at in range(len(PREFACE)):
        probe.send(PREFACE[at:at + 1])
    probe.send(settings())
    probe.ask()
    probe.ended()


@case("3.4 preface: another frame than SETTINGS after it is refused", hello=PREFACE + frame(PING, 0, 0, bytes(8)))
def _(probe):
    assert probe.failed() == PROTOCOL


@case("3.4 preface: requests in the same packet as it are answered", hello=b"")
def _(probe):
    probe.send(PREFACE + settings() + again(probe))
    probe.ended()


# ---- 4 HTTP frames

rows({
    "4.1/1 unknown type is ignored": (raw(frame(UNKNOWN, 0, 0, bytes(8))), lives),
    "4.1/2 unknown flags are ignored": (raw(frame(PING, 0x16, 0, b"settled?")), lives),
    "4.1/3 the reserved bit of the id is ignored": (
        raw(frame(PING, 0, 0x80000000, bytes(8))), lives),
    "4.1 unknown type on a stream is ignored": (asked(frame(UNKNOWN, 255, 1, b"x" * 100)), answered()),
    "4.2/1 DATA of 2^14 octets is taken": (asked(data(bytes(16384)), end=False, method="POST"), answered()),
    "4.2/2 DATA past MAX_FRAME_SIZE": (asked(data(bytes(16385)), end=False, method="POST"), stream_error(SIZE)),
    "4.2/3 HEADERS past MAX_FRAME_SIZE": (with_block(block(("x-long", "x" * 16384))), connection_error(SIZE)),
    "4.2 an unknown frame past MAX_FRAME_SIZE": (raw(frame(UNKNOWN, 0, 0, bytes(16385))), connection_error(SIZE)),
    "4.2 a length that lies far out": (raw(frame(DATA, 0, 1, b"", length=0xffffff)), connection_error(SIZE)),
    "4.3/1 a broken header block": (with_block(b"\x40"), connection_error(COMPRESSION)),
    "4.3/2 PRIORITY inside a header block": (
        lambda probe: probe.send(again(probe, flags=END_STREAM), priority(1)), connection_error(PROTOCOL)),
    "4.3/3 HEADERS of another stream inside a header block": (
        lambda probe: probe.send(again(probe, flags=END_STREAM), again(probe, 3)), connection_error(PROTOCOL)),
    "4.3 the block of a stream that was refused is decoded all the same": (
        lambda probe: (probe.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x40\x01x\x01y" + probe.fields())),
                       probe.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, probe.fields() + b"\xbe"))),
        answered(3)),
})


# ---- 5.1 Stream states

rows({
    "5.1/1 idle: DATA": (raw(data()), connection_error(PROTOCOL)),
    "5.1/2 idle: RST_STREAM": (raw(rst()), connection_error(PROTOCOL)),
    "5.1/3 idle: WINDOW_UPDATE": (raw(window(100, 1)), connection_error(PROTOCOL)),
    "5.1/4 idle: CONTINUATION": (
        lambda probe: probe.send(frame(CONTINUATION, END_HEADERS, 1, probe.fields())), connection_error(PROTOCOL)),
    "5.1/5 half closed: DATA -> STREAM_CLOSED": (asked(data()), stream_error(CLOSED)),
    "5.1/6 half closed: HEADERS -> STREAM_CLOSED": (
        lambda probe: probe.send(again(probe), again(probe)), stream_error(CLOSED)),
    "5.1/7 half closed: CONTINUATION": (
        lambda probe: probe.send(again(probe), frame(CONTINUATION, END_HEADERS, 1, probe.fields())),
        stream_error(CLOSED, PROTOCOL)),
    "5.1/8 closed: DATA after RST_STREAM -> STREAM_CLOSED": (asked(rst(), data(), end=False), stream_error(CLOSED)),
    "5.1/9 closed: HEADERS after RST_STREAM -> STREAM_CLOSED": (
        lambda probe: probe.send(again(probe, flags=END_HEADERS), rst(), again(probe)), stream_error(CLOSED)),
    "5.1/10 closed: CONTINUATION after RST_STREAM": (
        lambda probe: probe.send(again(probe, flags=END_HEADERS), rst(),
                                 frame(CONTINUATION, END_HEADERS, 1, probe.fields())), stream_error(CLOSED, PROTOCOL)),
    "5.1/11 closed: DATA after END_STREAM -> STREAM_CLOSED": (finished(data()), connection_error(CLOSED)),
    "5.1/12 closed: HEADERS after END_STREAM -> STREAM_CLOSED": (
        lambda probe: (finished()(probe), probe.send(again(probe))), connection_error(CLOSED)),
    "5.1/13 closed: CONTINUATION after END_STREAM": (
        lambda probe: (finished()(probe), probe.send(frame(CONTINUATION, END_HEADERS, 1, probe.fields()))),
        connection_error(CLOSED, PROTOCOL)),
    "5.1 closed: HEADERS after END_STREAM of DATA -> STREAM_CLOSED": (
        lambda probe: (probe.ask(end=False, method="POST"), probe.send(data()), probe.ended(),
                       probe.send(again(probe))), connection_error(CLOSED)),
    "5.1 idle: an even id's DATA": (raw(data(stream=2)), connection_error(PROTOCOL)),
    "5.1 idle: PRIORITY is taken": (raw(priority(1)), lives),
    "5.1 half closed: WINDOW_UPDATE is taken": (
        lambda probe: (probe.send(settings((INITIAL_WINDOW, 0))), probe.ask(), probe.send(window(1, 1)), probe.data()),
        lives),
    "5.1 half closed: PRIORITY is taken": (
        lambda probe: (probe.send(settings((INITIAL_WINDOW, 0))), probe.ask(),
                       probe.send(priority(1), window(1, 1)), probe.data()), lives),
    "5.1 half closed: RST_STREAM is taken": (asked(rst()), lives),
    "5.1 closed: PRIORITY is taken": (finished(priority(1)), lives),
    "5.1 closed: WINDOW_UPDATE is taken": (finished(window(100, 1)), lives),
    "5.1 closed: RST_STREAM is taken": (finished(rst()), lives),
    "5.1 closed by the edge: DATA that was on its way is ignored": (
        lambda probe: (probe.ask(1, ("connection", "close"), end=False, method="POST"), probe.reset(),
                       probe.send(data(end=False), data())), lives),
    "5.1 closed by the edge: trailers that were on their way are ignored": (
        lambda probe: (probe.ask(1, ("connection", "close"), end=False, method="POST"), probe.reset(),
                       probe.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block(("x", "y"))))), lives),
    "5.1.1/1 an even id": (lambda probe: probe.send(again(probe, 2)), connection_error(PROTOCOL)),
    "5.1.1/2 an id below the last one": (
        lambda probe: probe.send(again(probe, 5), again(probe, 3)), connection_error(PROTOCOL)),
    "5.1.1/3 HEADERS for a stream that is half closed": (
        lambda probe: probe.send(again(probe, 5), again(probe, 5)),
        lambda probe: (lambda code: code == CLOSED or pytest.fail(code))(probe.stream_failed(5))),
    "5.1.1 an id below the last one, after answers": (
        lambda probe: (probe.ask(5), probe.ended(5), probe.send(again(probe, 3))), connection_error(PROTOCOL)),
    "5.1.1 DATA for an id that was left out": (
        lambda probe: probe.send(again(probe, 5), data(stream=3)), connection_error(CLOSED)),
    "5.1.1 stream 0 cannot be asked on": (lambda probe: probe.send(again(probe, 0)), connection_error(PROTOCOL)),
    "5.1.1 the highest id is served": (lambda probe: probe.ask(WINDOW_MAX), answered(WINDOW_MAX)),
})


@case("5.1.2/1 more than MAX_CONCURRENT_STREAMS -> REFUSED_STREAM")
def _(probe):
    probe.settled()
    limit = probe.told[MAX_CONCURRENT]
    assert limit >= 100
    probe.send(settings((INITIAL_WINDOW, 0)))
    for index in range(limit + 1):
        probe.ask(1 + 2 * index)
    assert probe.stream_failed(1 + 2 * limit) in (REFUSED, PROTOCOL)


# ---- 5.3 .. 5.5

rows({
    "5.3.1/1 HEADERS that depend on themselves": (
        lambda probe: probe.send(frame(HEADERS, END_HEADERS | END_STREAM | PRIORITISED, 1,
                                       word(1) + b"\xff" + probe.fields())), stream_error(PROTOCOL)),
    "5.3.1/2 PRIORITY that depends on itself": (raw(priority(2, parent=2)), connection_error(PROTOCOL)),
    "5.4.1/1 a connection error closes the connection": (raw(frame(PING, 0, 3, bytes(8))), connection_error(PROTOCOL)),
    "5.4.1/2 after GOAWAY (strict)": (raw(frame(PING, 0, 1, bytes(8))), connection_error(PROTOCOL)),
    "5.5/1 an unknown frame is ignored": (raw(frame(UNKNOWN, 0, 0, bytes(8))), lives),
    "5.5/2 an unknown frame inside a header block": (
        lambda probe: probe.send(again(probe, flags=END_STREAM), frame(UNKNOWN, 0, 0, bytes(8))),
        connection_error(PROTOCOL)),
    "5.5 an unknown setting is ignored": (raw(settings((0xff, 1))), lives),
    "5.5 an unknown error code is no harm": (asked(rst(code=0xffffffff)), lives),
})


@case("5.4.1 GOAWAY tells the last stream that was served")
def _(probe):
    probe.ask(1)
    probe.ended(1)
    probe.ask(3)
    probe.ended(3)
    probe.send(frame(PING, 0, 1, bytes(8)))
    _, _, _, payload = probe.until(lambda kind, *_: kind == GOAWAY)
    assert struct.unpack(">I", payload[:4])[0] == 3


@case("5.4.2 a stream error leaves its siblings alone")
def _(probe):
    probe.ask(1, ("X-Upper", "case"))
    probe.ask(3)
    assert probe.reset(1) == PROTOCOL
    probe.ended(3)


# ---- 6.1 DATA .. 6.4 RST_STREAM

rows({
    "6.1/1 DATA on stream 0": (asked(data(stream=0), end=False), connection_error(PROTOCOL)),
    "6.1/2 DATA on a stream that is not open": (asked(data()), stream_error(CLOSED)),
    "6.1/3 padding as long as DATA": (
        asked(frame(DATA, END_STREAM | PADDED, 1, b"\x06" + b"test" + b"\0"), end=False), connection_error(PROTOCOL)),
    "6.1 DATA with nothing but a padding length of 0": (
        asked(frame(DATA, END_STREAM | PADDED, 1, b"\0"), end=False, method="POST"), answered()),
    "6.1 PADDED without a padding length": (
        asked(frame(DATA, END_STREAM | PADDED, 1, b""), end=False), stream_error(PROTOCOL, SIZE)),
    "6.1 DATA": (asked(data(), end=False, method="POST"), answered()),
    "6.1 DATA in many frames": (
        asked(data(end=False), data(end=False), data(), end=False, method="POST"), answered()),
    "6.1 padded DATA": (
        asked(frame(DATA, END_STREAM | PADDED, 1, b"\x06" + b"test" + bytes(6)), end=False, method="POST"), answered()),
    "6.2/1 HEADERS without END_HEADERS, then PRIORITY": (
        lambda probe: probe.send(again(probe, flags=END_STREAM), priority(1)), connection_error(PROTOCOL)),
    "6.2/2 HEADERS of another stream before END_HEADERS": (
        lambda probe: probe.send(again(probe, flags=END_STREAM), again(probe, 3)), connection_error(PROTOCOL)),
    "6.2/3 HEADERS on stream 0": (lambda probe: probe.send(again(probe, 0)), connection_error(PROTOCOL)),
    "6.2/4 padding as long as HEADERS": (
        lambda probe: probe.send(frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\xff" + probe.fields())),
        connection_error(PROTOCOL)),
    "6.2 HEADERS": (asked(), answered()),
    "6.2 padded HEADERS": (
        lambda probe: probe.send(frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1,
                                       b"\x06" + probe.fields() + bytes(6))), answered()),
    "6.2 HEADERS with a priority": (
        lambda probe: probe.send(frame(HEADERS, END_HEADERS | END_STREAM | PRIORITISED, 1,
                                       word(0) + b"\x0f" + probe.fields())), answered()),
    "6.2 padded HEADERS with a priority": (
        lambda probe: probe.send(frame(HEADERS, END_HEADERS | END_STREAM | PADDED | PRIORITISED, 1,
                                       b"\x06" + word(0x80000000) + b"\x0f" + probe.fields() + bytes(6))), answered()),
    "6.2 HEADERS too short for their priority": (
        raw(frame(HEADERS, END_HEADERS | END_STREAM | PRIORITISED, 1, b"\0\0\0")), connection_error(SIZE, PROTOCOL)),
    "6.2 DATA inside a header block": (
        lambda probe: probe.send(again(probe, flags=0), data()), connection_error(PROTOCOL)),
    "6.3/1 PRIORITY on stream 0": (raw(priority(0)), connection_error(PROTOCOL)),
    "6.3/2 PRIORITY of another length than 5": (
        asked(frame(PRIORITY, 0, 1, b"\x80\0\0\1"), end=False), stream_error(SIZE)),
    "6.3 PRIORITY of weight 1": (asked(priority(1, weight=0)), answered()),
    "6.3 PRIORITY of weight 256": (asked(priority(1, weight=255)), answered()),
    "6.3 PRIORITY with a dependency": (
        lambda probe: probe.send(again(probe), again(probe, 3), priority(3, parent=1)), answered(3)),
    "6.3 PRIORITY with an exclusive dependency": (
        lambda probe: probe.send(again(probe), again(probe, 3), priority(3, parent=0x80000001)), answered(3)),
    "6.3 PRIORITY for an idle stream, then requests": (
        lambda probe: probe.send(priority(5), again(probe, 7)), answered(7)),
    "6.4/1 RST_STREAM on stream 0": (raw(rst(0)), connection_error(PROTOCOL)),
    "6.4/2 RST_STREAM on an idle stream": (raw(rst(1)), connection_error(PROTOCOL)),
    "6.4/3 RST_STREAM of another length than 4": (
        asked(frame(RST_STREAM, 0, 1, b"\0\0\0"), end=False), connection_error(SIZE)),
    "6.4 RST_STREAM": (asked(rst(), end=False), lives),
})


# ---- 6.5 SETTINGS

rows({
    "6.5/1 SETTINGS ack with a payload": (raw(frame(SETTINGS, ACK, 0, b"\0")), connection_error(SIZE)),
    "6.5/2 SETTINGS on a stream": (raw(frame(SETTINGS, 0, 1, b"\0\3\0\0\0\x64")), connection_error(PROTOCOL)),
    "6.5/3 SETTINGS of no multiple of 6": (raw(frame(SETTINGS, 0, 0, b"\0\3\0")), connection_error(SIZE)),
    "6.5.2/1 ENABLE_PUSH of 2": (raw(settings((ENABLE_PUSH, 2))), connection_error(PROTOCOL)),
    "6.5.2/2 INITIAL_WINDOW_SIZE above 2^31-1": (raw(settings((INITIAL_WINDOW, 1 << 31))), connection_error(FLOW)),
    "6.5.2/3 MAX_FRAME_SIZE below 2^14": (raw(settings((MAX_FRAME_SIZE, 16383))), connection_error(PROTOCOL)),
    "6.5.2/4 MAX_FRAME_SIZE above 2^24-1": (raw(settings((MAX_FRAME_SIZE, 1 << 24))), connection_error(PROTOCOL)),
    "6.5.2/5 an unknown setting": (raw(settings((0xff, 1))), lives),
    "6.5.2 ENABLE_CONNECT_PROTOCOL of 2 (RFC 8441 3)": (raw(settings((CONNECT_PROTOCOL, 2))), connection_error(PROTOCOL)),
    "6.5.2 every setting at its least": (
        raw(settings((HEADER_TABLE_SIZE, 0), (ENABLE_PUSH, 0), (MAX_CONCURRENT, 0), (MAX_FRAME_SIZE, 16384))), lives),
    "6.5.2 HEADER_TABLE_SIZE of 0, and answers": (
        lambda probe: (probe.send(settings((HEADER_TABLE_SIZE, 0))), probe.ask(), probe.ended(), probe.ask(3)),
        answered(3)),
    "6.5.3 an ack that nobody asked for": (
        lambda probe: (probe.settled(), probe.send(frame(SETTINGS, ACK, 0))), connection_error(PROTOCOL)),
})


@case("6.5.3/1 settings are taken in their order")
def _(probe):
    probe.send(settings((INITIAL_WINDOW, 100), (INITIAL_WINDOW, 1)))
    probe.ask()
    assert len(probe.data()) == 1


@case("6.5.3/2 SETTINGS are acknowledged")
def _(probe):
    probe.settled()
    acks = sum(kind == SETTINGS and flags & ACK for kind, flags, *_ in probe.frames)
    probe.send(settings((ENABLE_PUSH, 0)))
    probe.until(lambda kind, flags, *_: kind == SETTINGS and flags & ACK)
    assert acks == 1


@case("6.5.2 the edge's own settings keep the RFC's ranges")
def _(probe):
    probe.settled()
    told = probe.told
    assert told.get(ENABLE_PUSH, 0) == 0 and told[INITIAL_WINDOW] <= WINDOW_MAX
    assert 16384 <= told.get(MAX_FRAME_SIZE, 16384) < 1 << 24
    assert told[MAX_LIST] == 32768 and told[CONNECT_PROTOCOL] == 1


# ---- 6.6 PUSH_PROMISE .. 6.8 GOAWAY

rows({
    "6.6 a client cannot push": (
        lambda probe: (probe.ask(end=False), probe.send(frame(PUSH_PROMISE, END_HEADERS, 1, word(2) + probe.fields()))),
        connection_error(PROTOCOL)),
    "8.4/1 PUSH_PROMISE of a client": (
        lambda probe: probe.send(frame(PUSH_PROMISE, END_HEADERS, 1, word(3) + probe.fields())),
        connection_error(PROTOCOL)),
    "6.7/3 PING on a stream": (raw(frame(PING, 0, 1, bytes(8))), connection_error(PROTOCOL)),
    "6.7/4 PING of another length than 8": (raw(frame(PING, 0, 0, bytes(6))), connection_error(SIZE)),
    "6.8/1 GOAWAY on a stream": (raw(frame(GOAWAY, 0, 1, word(0) * 2)), connection_error(PROTOCOL)),
    "6.8 GOAWAY shorter than 8": (raw(frame(GOAWAY, 0, 0, bytes(7))), connection_error(SIZE)),
    "7/1 GOAWAY with an unknown code": (raw(frame(GOAWAY, 0, 0, word(0) + word(0xff))),
                                        lambda probe: probe.send(frame(PING, 0, 0, bytes(8)))),
    "7/2 RST_STREAM with an unknown code": (asked(rst(code=0xff), end=False), lives),
})


@case("6.7/1 PING is answered with its payload")
def _(probe):
    probe.pong(b"h2spec\0\xff")


@case("6.7/2 the ack of a PING is not answered")
def _(probe):
    probe.settled()
    probe.send(frame(PING, ACK, 0, b"no reply"))
    probe.pong(b"a reply!")
    assert not any(kind == PING and payload == b"no reply" for kind, _, _, payload in probe.frames)


@case("6.7 PING overtakes an answer that waits")
def _(probe):
    probe.send(settings((INITIAL_WINDOW, 0)))
    probe.ask()
    probe.pong()


@case("6.8 after a client's GOAWAY what runs is answered")
def _(probe):
    probe.send(settings((INITIAL_WINDOW, 0)))
    probe.ask()
    probe.settled()
    probe.send(frame(GOAWAY, 0, 0, word(0) * 2), window(BODY_BYTES, 1))
    probe.ended()


# ---- 6.9 WINDOW_UPDATE

rows({
    "6.9/1 an increment of 0 for the connection": (raw(window(0)), connection_error(PROTOCOL)),
    "6.9/2 an increment of 0 for a stream": (asked(window(0, 1), end=False), stream_error(PROTOCOL)),
    "6.9/3 WINDOW_UPDATE of another length than 4": (raw(frame(WINDOW_UPDATE, 0, 0, b"\0\0\1")), connection_error(SIZE)),
    "6.9 the reserved bit of the increment is ignored": (raw(window(0x80000001)), lives),
    "6.9 WINDOW_UPDATE for the connection": (raw(window(1)), lives),
    "6.9 WINDOW_UPDATE for a stream": (asked(window(1, 1)), answered()),
    "6.9.1/2 the connection's window past 2^31-1": (raw(window(WINDOW_MAX), window(WINDOW_MAX)), connection_error(FLOW)),
    "6.9.1/3 a stream's window past 2^31-1": (
        asked(window(WINDOW_MAX, 1), window(WINDOW_MAX, 1), end=False), only_stream_error(FLOW)),
    "6.9.2/3 an initial window that makes a stream's too large": (
        lambda probe: probe.send(again(probe, flags=END_HEADERS), window(WINDOW_MAX - 65535, 1),
                                 settings((INITIAL_WINDOW, 65536))), connection_error(FLOW)),
})


@case("6.9.1/1 no DATA past the window of a stream")
def _(probe):
    probe.send(settings((INITIAL_WINDOW, 1)))
    probe.ask()
    assert len(probe.data()) == 1
    for _ in range(5):
        probe.send(window(1, 1))
        assert len(probe.data()) == 1
    probe.send(window(BODY_BYTES, 1))
    probe.ended()


@case("6.9.2/1 a changed initial window changes those of streams")
def _(probe):
    probe.send(settings((INITIAL_WINDOW, 0)))
    probe.ask()
    probe.head()
    probe.send(settings((INITIAL_WINDOW, 1)))
    assert len(probe.data()) == 1


@case("6.9.2/2 a window may become negative")
def _(probe):
    probe.send(settings((INITIAL_WINDOW, 3)))
    probe.ask()
    assert len(probe.data()) == 3
    probe.send(settings((INITIAL_WINDOW, 2)))
    probe.settled()
    probe.send(window(2, 1))
    assert len(probe.data()) == 1


@case("6.9.2 the connection's window is not the initial one's affair")
def _(probe):
    probe.send(settings((INITIAL_WINDOW, 1 << 20)))
    probe.ask()
    probe.ended()


@case("6.9.1 no DATA past the window of the connection", window_bytes=WINDOW_MAX)
def _(probe):
    probe.ask(1)
    length = len(probe.data(1))
    count = 65535 // length
    for stream in range(3, 2 * count + 1, 2):
        probe.ask(stream)
        probe.ended(stream)
    probe.ask(2 * count + 1)
    probe.head(2 * count + 1)
    assert len(probe.data(2 * count + 1)) == 65535 - length * count
    probe.send(window(length))
    probe.ended(2 * count + 1)


# ---- 6.10 CONTINUATION

def in_pieces(*sizes, last=END_HEADERS):
    """The block of a request, cut: HEADERS of sizes[0] bytes, CONTINUATION of the others and of the rest."""
    def send(probe):
        fields, at = probe.fields(("x-some", "field")), 0
        for index, size in enumerate((*sizes, len(fields))):
            end = last if index == len(sizes) else 0
            kind = CONTINUATION if index else HEADERS
            probe.send(frame(kind, end | (0 if index else END_STREAM), 1, fields[at:at + size]))
            at += size
    return send


rows({
    "6.10/1 CONTINUATION": (in_pieces(10), answered()),
    "6.10/1 many CONTINUATION": (in_pieces(5, 5, 5, 5), answered()),
    "6.10/1 CONTINUATION of one byte, and of none": (in_pieces(0, 1, 0, 1), answered()),
    "6.10/2 another frame than CONTINUATION": (
        lambda probe: (in_pieces(5, last=0)(probe), probe.send(data())), connection_error(PROTOCOL)),
    "6.10/3 CONTINUATION on stream 0": (
        lambda probe: probe.send(again(probe, flags=END_STREAM), frame(CONTINUATION, END_HEADERS, 0, b"")),
        connection_error(PROTOCOL)),
    "6.10 CONTINUATION of another stream": (
        lambda probe: probe.send(again(probe, flags=END_STREAM), frame(CONTINUATION, END_HEADERS, 3, b"")),
        connection_error(PROTOCOL)),
    "6.10/4 CONTINUATION after HEADERS with END_HEADERS": (
        asked(frame(CONTINUATION, END_HEADERS, 1, b""), end=False), connection_error(PROTOCOL)),
    "6.10/5 CONTINUATION after CONTINUATION with END_HEADERS": (
        lambda probe: (in_pieces(5)(probe), probe.send(frame(CONTINUATION, END_HEADERS, 1, b""))),
        connection_error(PROTOCOL)),
    "6.10/6 CONTINUATION after DATA": (
        asked(data(end=False), frame(CONTINUATION, END_HEADERS, 1, b""), end=False), connection_error(PROTOCOL)),
    "6.10 SETTINGS inside a header block": (
        lambda probe: probe.send(again(probe, flags=END_STREAM), settings()), connection_error(PROTOCOL)),
    "6.10 PING inside a header block": (
        lambda probe: probe.send(again(probe, flags=END_STREAM), frame(PING, 0, 0, bytes(8))),
        connection_error(PROTOCOL)),
})


# ---- 8 Expressing HTTP semantics

def malformed(*more, **words):
    return asked(more=more, **words), only_stream_error(PROTOCOL)


def pseudo_after(probe):
    fields = block(("x-test", "ok")) + probe.fields()
    probe.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, fields))


def trailers(*more, end=True, body=b"test", length=None):
    """POST, DATA, then a second header block."""
    def send(probe):
        given = () if length is None else (("content-length", length),)
        probe.ask(1, ("trailer", "x-end"), *given, end=False, method="POST")
        probe.send(data(body, end=False), frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), 1, block(*more)))
    return send


rows({
    "8.1/1 a second HEADERS without END_STREAM": (trailers(("x-end", "1"), end=False), only_stream_error(PROTOCOL)),
    "8.1 trailers": (trailers(("x-end", "1")), answered()),
    "8.1 DATA after trailers": (
        lambda probe: (trailers(("x-end", "1"))(probe), probe.send(data())), stream_error(CLOSED)),
    "8.1 pseudo-header fields in trailers": (trailers((":path", "/x")), only_stream_error(PROTOCOL)),
    "8.1.1/1 content-length that DATA does not fulfil": (
        asked(data(), end=False, method="POST", more=(("content-length", "1"),)), only_stream_error(PROTOCOL)),
    "8.1.1/2 content-length that DATA in frames does not fulfil": (
        asked(data(end=False), data(), end=False, method="POST", more=(("content-length", "1"),)),
        only_stream_error(PROTOCOL)),
    "8.1.1 DATA shorter than content-length": (
        asked(data(), end=False, method="POST", more=(("content-length", "5"),)), only_stream_error(PROTOCOL)),
    "8.1.1 content-length and no DATA": malformed(("content-length", "5"), method="POST"),
    "8.1.1 content-length that trailers end too early": (
        trailers(("x-end", "1"), length=9), only_stream_error(PROTOCOL)),
    "8.1.1 content-length twice": malformed(("content-length", "0"), ("content-length", "0"), method="POST"),
    "8.1.1 content-length with a sign": malformed(("content-length", "+0"), method="POST"),
    "8.1.1 content-length that DATA fulfils": (
        asked(data(end=False), data(), end=False, method="POST", more=(("content-length", "8"),)), answered()),
    "8.2/1 upper case in a field's name": malformed(("X-TEST", "ok")),
    "8.2.1 space in a field's name": malformed(("x test", "ok")),
    "8.2.1 colon in a field's name": malformed(("x:test", "ok")),
    "8.2.1 an empty field's name": malformed(("", "ok")),
    "8.2.1 NUL in a field's value": malformed(("x-test", "a\0b")),
    "8.2.1 LF in a field's value": malformed(("x-test", "a\nb")),
    "8.2.1 CR in a field's value": malformed(("x-test", "a\rb")),
    "8.2.1 space before a field's value": malformed(("x-test", " a")),
    "8.2.1 space after a field's value": malformed(("x-test", "a ")),
    "8.2.1 an empty field's value is one": (asked(more=(("x-test", ""),)), answered()),
    "8.2.2/1 connection": malformed(("connection", "keep-alive")),
    "8.2.2/2 te with another value than trailers": malformed(("te", "trailers, deflate")),
    "8.2.2 te: trailers": (asked(more=(("te", "trailers"),)), answered()),
    "8.2.2 proxy-connection": malformed(("proxy-connection", "keep-alive")),
    "8.2.2 keep-alive": malformed(("keep-alive", "timeout=5")),
    "8.2.2 transfer-encoding": malformed(("transfer-encoding", "chunked"), method="POST"),
    "8.2.2 upgrade": malformed(("upgrade", "h2c")),
    "8.2.3 cookies in pieces": (asked(more=(("cookie", "a=1"), ("cookie", "b=2"))), answered()),
    "8.3/1 an unknown pseudo-header field": malformed((":test", "ok")),
    "8.3/2 the pseudo-header field of an answer": malformed((":status", "200")),
    "8.3/3 a pseudo-header field in trailers": (trailers((":method", "GET")), only_stream_error(PROTOCOL)),
    "8.3/4 a pseudo-header field after others": (pseudo_after, only_stream_error(PROTOCOL)),
    "8.3.1/1 :path that is empty": malformed(path=""),
    "8.3.1/2 no :method": malformed(without=(":method",)),
    "8.3.1/3 no :scheme": malformed(without=(":scheme",)),
    "8.3.1/4 no :path": malformed(without=(":path",)),
    "8.3.1/5 :method twice": (
        lambda probe: probe.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block((":method", "GET")) + probe.fields())),
        only_stream_error(PROTOCOL)),
    "8.3.1/6 :scheme twice": (
        lambda probe: probe.send(frame(HEADERS, END_HEADERS | END_STREAM, 1,
                                       block((":scheme", "https")) + probe.fields())), only_stream_error(PROTOCOL)),
    "8.3.1/7 :path twice": (
        lambda probe: probe.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block((":path", "/")) + probe.fields())),
        only_stream_error(PROTOCOL)),
    "8.3.1 :authority twice": (
        lambda probe: probe.send(frame(HEADERS, END_HEADERS | END_STREAM, 1,
                                       block((":authority", probe.host)) + probe.fields())),
        only_stream_error(PROTOCOL)),
    "8.3.1 :path that does not begin with a slash": malformed(path="index"),
    "8.3.1 * for another method than OPTIONS": malformed(path="*"),
    "8.3.1 OPTIONS *": (asked(method="OPTIONS", path="*"), lambda probe: probe.head()),
    "8.3.1 userinfo in :authority": (
        lambda probe: probe.send(frame(HEADERS, END_HEADERS | END_STREAM, 1,
                                       block((":authority", "user@" + probe.host))
                                       + probe.fields(without=(":authority",)))),
        only_stream_error(PROTOCOL)),
    "8.3.1 neither :authority nor host": malformed(without=(":authority",)),
    "8.3.1 host that is not :authority": malformed(("host", "other.example.org")),
    "8.5 CONNECT with :path and :scheme and no :protocol": malformed(method="CONNECT"),
    "8.5 :protocol without CONNECT (RFC 8441 4)": (
        lambda probe: probe.send(frame(HEADERS, END_HEADERS | END_STREAM, 1,
                                       block((":protocol", "websocket")) + probe.fields())),
        only_stream_error(PROTOCOL)),
    "8.7 a request can be HEAD": (asked(method="HEAD"), lambda probe: probe.head()),
    "8.7 a request can be POST": (asked(data(), end=False, method="POST"), answered()),
    "8.7 a request can have trailers": (trailers(("x-end", "ok")), answered()),
})


# ---- RFC 7541

HUFFMAN_NAME, HUFFMAN_VALUE = b"\x85\xf2\xb2\x4a\x84\xff", b"\x84\x9c\x48\xac\xa4"   # x-test: h2spec
AGENT = b"\x0auser-agent"

rows({
    "hpack 2.3.3/1 an index past both tables": (with_block(b"\xc6"), connection_error(COMPRESSION)),
    "hpack 2.3.3/2 a literal whose name's index is past both tables": (
        with_block(b"\x7f\x07\x00"), connection_error(COMPRESSION)),
    "hpack 4.2/1 a table size update after the fields": (with_block(b"\x20"), connection_error(COMPRESSION)),
    "hpack 5.2/1 Huffman padding longer than 7 bits": (
        with_block(b"\x00\x85\xf2\xb2\x4a\x87\xff\xff\xff\xfd\x25\x42\x7f"), connection_error(COMPRESSION)),
    "hpack 5.2/2 Huffman padding that is not of ones": (
        with_block(b"\x00\x85\xf2\xb2\x4a\x87\xff\x83\xfd\x25\x42\x7f\x00"), connection_error(COMPRESSION)),
    "hpack 5.2/3 a Huffman string with the end-of-string symbol": (
        with_block(b"\x00\x85\xf2\xb2\x4a\x84\xff\x87\xff\xff\xff\xff\x25\x42\x7f"), connection_error(COMPRESSION)),
    "hpack 6.1/1 index 0": (with_block(b"\x80"), connection_error(COMPRESSION)),
    "hpack 6.3/1 a table size update above HEADER_TABLE_SIZE": (
        with_block(b"", before=b"\x3f\xe1\xff\x03"), connection_error(COMPRESSION)),
    "hpack 5.1 an integer that never ends": (
        with_block(b"\x7f" + b"\xff" * 20), connection_error(COMPRESSION)),
    "hpack 5.2 a string longer than its block": (with_block(b"\x00\x01x\x7f\xff\x00y"), connection_error(COMPRESSION)),
    "hpack 6.1 an indexed field": (with_block(b"\xba"), answered()),
    "hpack 6.2.1 incremental indexing, new name": (with_block(b"\x40\x06x-test\x06h2spec"), answered()),
    "hpack 6.2.1 incremental indexing, new name, Huffman": (
        with_block(b"\x40" + HUFFMAN_NAME + HUFFMAN_VALUE), answered()),
    "hpack 6.2.1 incremental indexing, indexed name": (with_block(b"\x7a\x06h2spec"), answered()),
    "hpack 6.2.1 incremental indexing, indexed name, Huffman": (with_block(b"\x7a" + HUFFMAN_VALUE), answered()),
    "hpack 6.2.2 without indexing, new name": (with_block(b"\x00\x06x-test\x06h2spec"), answered()),
    "hpack 6.2.2 without indexing, new name, Huffman": (with_block(b"\0" + HUFFMAN_NAME + HUFFMAN_VALUE), answered()),
    "hpack 6.2.2 without indexing, indexed name": (with_block(b"\x0f\x2b\x06h2spec"), answered()),
    "hpack 6.2.2 without indexing, spelt name": (with_block(b"\0" + AGENT + b"\x06h2spec"), answered()),
    "hpack 6.2.3 never indexed, new name": (with_block(b"\x10\x06x-test\x06h2spec"), answered()),
    "hpack 6.2.3 never indexed, new name, Huffman": (with_block(b"\x10" + HUFFMAN_NAME + HUFFMAN_VALUE), answered()),
    "hpack 6.2.3 never indexed, indexed name": (with_block(b"\x1f\x2b\x06h2spec"), answered()),
    "hpack 6.2.3 never indexed, indexed name, Huffman": (with_block(b"\x1f\x2b" + HUFFMAN_VALUE), answered()),
    "hpack 6.3 a table size update": (with_block(b"", before=b"\x20"), answered()),
    "hpack 4.2 two table size updates": (with_block(b"", before=b"\x20\x3f\xe1\x1f"), answered()),
    "hpack 2.3.2 an entry of the dynamic table": (with_block(b"\x40\x06x-test\x06h2spec\xbe"), answered()),
})


# ---- and all of them

@pytest.fixture(scope="module")
def host(world):
    origin = world.origin()
    _, name = world.zone(origin.port)
    return name


@pytest.mark.parametrize("whose", ("zone", "edge"))
@pytest.mark.parametrize("run,options", CASES)
def test_31(world, host, whose, run, options):
    hello = options.get("hello", PREFACE + settings(
        *([(INITIAL_WINDOW, options["window_bytes"])] if "window_bytes" in options else [])))
    authority = None if whose == "zone" else f"no-such-{host}"
    with Probe(world.edge, host, authority, hello) as probe:
        run(probe)
