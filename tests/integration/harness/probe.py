"""A visitor who sends any frames whatever and notes what comes back: for one question to the edge's HTTP/2 at a time."""
import socket
import ssl
import struct
import time

from .frames import ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, block, \
    frame, settings
from .paths import FrameVisitor

CODES = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
         "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
         "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED")
PATIENCE_S = 8


class Probe:
    """hello: what is sent first; the edge's SETTINGS are acknowledged as they come."""

    def __init__(self, edge, host, authority=None, hello=PREFACE + settings()):
        self.host = authority or host
        plain = socket.create_connection(("127.0.0.1", edge.https), timeout=PATIENCE_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = FrameVisitor.TLS.wrap_socket(plain, server_hostname=host)
        self.buffer, self.frames, self.closed, self.told = b"", [], False, {}
        self.send(hello)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    # -- what is said

    def send(self, *octets):
        """All in one write, so that the edge sees them together.  What it no longer wants to hear is no failure: it is
        asked what it said."""
        try:
            self.sock.sendall(b"".join(octets))
        except OSError:
            pass

    def fields(self, *more, method="GET", path="/", scheme="https", without=()):
        pseudo = ((":method", method), (":scheme", scheme), (":path", path), (":authority", self.host))
        return block(*(pair for pair in pseudo if pair[0] not in without), *more)

    def ask(self, stream=1, *more, end=True, flags=END_HEADERS, payload=None, **words):
        self.send(frame(HEADERS, flags | (END_STREAM if end else 0), stream,
                        self.fields(*more, **words) if payload is None else payload))

    # -- what is heard

    def take(self):
        """One more frame as (kind, flags, stream, payload); None at the end of the connection."""
        while not self.closed:
            length = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) >= 9 + length:
                kind, flags, stream = self.buffer[3], self.buffer[4], struct.unpack(">I", self.buffer[5:9])[0]
                one = (kind, flags, stream, self.buffer[9:9 + length])
                self.buffer = self.buffer[9 + length:]
                self.frames.append(one)
                self.note(*one)
                return one
            try:
                piece = self.sock.recv(65536)
            except TimeoutError:
                raise AssertionError(f"nothing came any more after {self.story()}") from None
            except OSError:
                piece = b""
            self.closed = not piece
            self.buffer += piece
        return None

    def note(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            self.told.update(struct.unpack(">HI", payload[at:at + 6]) for at in range(0, len(payload), 6))
            self.send(frame(SETTINGS, ACK, 0))

    def story(self):
        """All that came, for people."""
        names = ("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
                 "WINDOW_UPDATE", "CONTINUATION")
        lines = []
        for kind, flags, stream, payload in self.frames:
            code = ""
            if kind in (RST_STREAM, GOAWAY):
                code = " " + CODES[struct.unpack(">I", payload[-4:] if kind == RST_STREAM else payload[4:8])[0]]
            lines.append(f"{names[kind]}[{stream},{flags:#x},{len(payload)}]{code}")
        return " ".join(lines) + (" closed" if self.closed else "")

    def until(self, wanted):
        """The first frame, of those still to come, of which wanted(kind, flags, stream, payload) is true."""
        while one := self.take():
            if wanted(*one):
                return one
        raise AssertionError(f"the connection ended: {self.story()}")

    def head(self, stream=1):
        self.until(lambda kind, _, sid, __: kind == HEADERS and sid == stream)

    def data(self, stream=1):
        """The payload of the next DATA frame."""
        return self.until(lambda kind, _, sid, __: kind == DATA and sid == stream)[3]

    def ended(self, stream=1):
        self.until(lambda kind, flags, sid, _: kind in (DATA, HEADERS) and sid == stream and flags & END_STREAM)

    def pong(self, word=b"question"):
        self.send(frame(PING, 0, 0, word))
        self.until(lambda kind, flags, _, payload: kind == PING and flags & ACK and payload == word)

    def settled(self):
        """The edge has taken all that was sent so far."""
        self.pong(b"settled?")

    def failed(self):
        """The code of the connection error: GOAWAY with it came, and then the end."""
        code = None
        ends = time.monotonic() + PATIENCE_S
        while (one := self.take()) is not None and time.monotonic() < ends:
            if one[0] == GOAWAY:
                code = CODES[struct.unpack(">I", one[3][4:8])[0]]
        assert self.closed, f"not closed: {self.story()}"
        assert code is not None, f"no GOAWAY: {self.story()}"
        return code

    def stream_failed(self, stream=1):
        """The code of the error of a stream, or of the connection because of it (RFC 9113 5.4.1)."""
        kind, _, _, payload = self.until(
            lambda kind, _, sid, __: kind == GOAWAY or (kind == RST_STREAM and sid == stream))
        return CODES[struct.unpack(">I", payload[4:8] if kind == GOAWAY else payload)[0]]

    def reset(self, stream=1):
        """The same, where the connection has to live on."""
        kind, _, _, payload = self.until(
            lambda kind, _, sid, __: kind == GOAWAY or (kind == RST_STREAM and sid == stream))
        assert kind == RST_STREAM, self.story()
        return CODES[struct.unpack(">I", payload)[0]]
