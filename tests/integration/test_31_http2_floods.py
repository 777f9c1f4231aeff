"""What one visitor may do over HTTP/2 that costs it nothing, and where that ends: the limits LIMIT_H2_* on the wire."""
import struct
import time

import pytest

from harness.frames import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM,
                            SETTINGS, WINDOW_UPDATE, frame)
from harness.probe import CODES, Probe

# common/model/limits.h
RESET, SETTINGS_BURST, PING_BURST, WINDOW, GLITCH, CONTINUATIONS = 200, 10, 20, 1000, 1000, 8
SEEN_S = 5   # 1 s is the aim; this runs under AddressSanitizer beside others


def request(probe, stream, *more, end=True):
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, probe.fields(*more))


def ids(count):
    return range(1, 2 * count + 1, 2)


def rst(stream):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", 8))


def bomb(probe, references):
    """One large entry of the HPACK table, and so many references to it."""
    value = b"v" * 3900
    entry = b"\x40\x01x\x7f" + bytes((len(value) - 127 & 127 | 128, len(value) - 127 >> 7)) + value
    return frame(HEADERS, END_HEADERS | END_STREAM, 1, probe.fields() + entry + b"\xbe" * references)


# name -> (what is sent at once, given a count; the most of it that is borne; how much of it is a flood)
FLOODS = {
    "rapid reset": (lambda p, n: b"".join(request(p, i) + rst(i) for i in ids(n)), RESET - 20, 3 * RESET),
    "SETTINGS": (lambda p, n: frame(SETTINGS, 0, 0) * n, SETTINGS_BURST - 2, 10 * SETTINGS_BURST),
    "PING": (lambda p, n: frame(PING, 0, 0, bytes(8)) * n, PING_BURST - 2, 10 * PING_BURST),
    "the ack of a PING": (lambda p, n: frame(PING, ACK, 0, bytes(8)) * n, GLITCH - 10, 3 * GLITCH),
    "PRIORITY": (lambda p, n: frame(PRIORITY, 0, 1, b"\0\0\0\0\x07") * n, GLITCH - 10, 3 * GLITCH),
    "unknown frames": (lambda p, n: frame(0x16, 0, 0, b"?") * n, GLITCH - 10, 3 * GLITCH),
    "PRIORITY_UPDATE": (lambda p, n: frame(0x10, 0, 0, b"\0\0\0\1u=1") * n, GLITCH - 10, 3 * GLITCH),
    "WINDOW_UPDATE of the connection": (
        lambda p, n: frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1") * n, WINDOW - 10, 3 * WINDOW),
    "empty DATA": (
        lambda p, n: request(p, 1, end=False) + frame(DATA, 0, 1) * n, GLITCH - 10, 3 * GLITCH),
    "padding alone": (
        lambda p, n: request(p, 1, end=False) + frame(DATA, 8, 1, b"\0") * n, GLITCH - 10, 3 * GLITCH),
    "CONTINUATION": (
        lambda p, n: frame(HEADERS, END_STREAM, 1, p.fields()) + frame(CONTINUATION, 0, 1) * (n - 1)
        + frame(CONTINUATION, END_HEADERS, 1), CONTINUATIONS, 200),
    "HPACK references": (bomb, 6, 12000),
}


@pytest.fixture(scope="module")
def place(world):
    origin = world.origin()
    return origin, world.zone(origin.port)[1]


def neighbour_is_served(probe):
    probe.ask(probe.next)
    probe.ended(probe.next)
    probe.next += 2


@pytest.mark.parametrize("name", FLOODS)
def test_31_40_a_flood_is_told_to_calm_down(world, place, name):
    send, _, count = FLOODS[name]
    with Probe(world.edge, place[1]) as neighbour, Probe(world.edge, place[1]) as probe:
        neighbour.next = 1
        neighbour_is_served(neighbour)
        probe.settled()
        started = time.monotonic()
        probe.send(send(probe, count))
        _, _, _, payload = probe.until(lambda kind, *_: kind == GOAWAY)
        seen_s = time.monotonic() - started
        neighbour_is_served(neighbour)

    assert CODES[struct.unpack(">I", payload[4:8])[0]] == "ENHANCE_YOUR_CALM"
    assert seen_s < SEEN_S


@pytest.mark.parametrize("name", FLOODS)
def test_31_41_as_much_as_is_allowed_is_no_flood(world, place, name):
    send, count, _ = FLOODS[name]
    with Probe(world.edge, place[1]) as probe:
        probe.settled()
        probe.send(send(probe, count))
        probe.ask(1001)
        probe.ended(1001)
        assert not any(kind == GOAWAY for kind, *_ in probe.frames), probe.story()


# What makes the edge reset a stream (MadeYouReset).
MADE_RESETS = {
    "malformed requests": lambda p, i: request(p, i, ("connection", "x")),
    "windows too large": lambda p, i: request(p, i, end=False) + frame(WINDOW_UPDATE, 0, i, b"\x7f\xff\xff\xff"),
    "bodies that do not come": lambda p, i: request(p, i, ("content-length", "9")),
}


@pytest.mark.parametrize("name", MADE_RESETS)
def test_31_45_resets_that_a_visitor_causes_count_as_its_own(world, place, name):
    with Probe(world.edge, place[1]) as probe:
        probe.settled()
        codes = []
        for first in range(1, 6 * RESET, 100):   # each fifty within MAX_CONCURRENT_STREAMS
            probe.send(b"".join(MADE_RESETS[name](probe, i) for i in range(first, first + 100, 2)))
            codes.append(probe.stream_failed(first + 98))
            if codes[-1] == "ENHANCE_YOUR_CALM":
                break
    assert codes[-1] == "ENHANCE_YOUR_CALM"
    assert len(codes) > (RESET - 20) // 50 and "ENHANCE_YOUR_CALM" not in codes[:-1]


def test_31_42_what_is_reset_in_its_read_never_reaches_the_origin(world):
    origin = world.origin()
    _, host = world.zone(origin.port)
    with Probe(world.edge, host) as probe:
        probe.settled()
        for first in range(1, 1 + 2 * (RESET - 20), 40):
            probe.send(b"".join(request(probe, i) + rst(i) for i in range(first, first + 40, 2)))
        probe.ask(1001)
        probe.ended(1001)
    assert len(origin.seen()) == 1


def test_31_43_a_head_in_pieces_is_waited_for_two_seconds(world, place):
    with Probe(world.edge, place[1]) as probe:
        probe.settled()
        started = time.monotonic()
        probe.send(frame(HEADERS, END_STREAM, 1, probe.fields()))
        assert probe.failed() == "ENHANCE_YOUR_CALM"
        assert 1.9 < time.monotonic() - started < 8


def test_31_44_heads_between_announced_and_hard_limit_are_answered_431(world, place):
    with Probe(world.edge, place[1]) as probe:
        probe.settled()
        for stream, size in ((1, 10000), (3, 12000)):
            fields = probe.fields(*((f"x-{i}", "v" * size) for i in range(4)))
            for at in range(0, len(fields), 16000):
                last = END_HEADERS if at + 16000 >= len(fields) else 0
                probe.send(frame(CONTINUATION if at else HEADERS, last | (0 if at else END_STREAM), stream,
                                 fields[at:at + 16000]))
            probe.ended(stream)
        probe.ask(5)
        probe.ended(5)
    world.edge.await_access(2, host=place[1], status=431)
