"""A zone with an origin that keeps all it gets, a neighbour who does nothing wrong, and a visitor of raw HTTP/2 frames."""
import itertools
import socket
import struct

import hpack

from .frames import ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, block, frame
from .paths import FrameVisitor
from .recorder import ByteOrigin, FieldOrigin
from .visitor import tls_socket
from .witness import Witness

RESET, BYE = "reset", "goaway"


class Site:
    """One zone, its origin that keeps everything, and a neighbour: a visitor who does nothing wrong."""

    numbers = itertools.count(1)

    def __init__(self, world, kind):
        self.edge, self.kind = world.edge, kind
        self.origin = ByteOrigin() if kind == "h1" else FieldOrigin(world.certificate)
        _, self.host = world.zone(self.origin.port, settings={"ssl": "off"} if kind == "h1" else None)
        self.known = 0
        self.neighbour = Witness(world.edge, self.host, "h2" if kind == "h1" else "h1")

    def named(self, octets):
        return octets.replace(b"{h}", self.host.encode())

    def neighbour_is_well(self):
        path = f"/next/{next(self.numbers)}"
        answer = self.neighbour.ask(path)
        assert (answer.status, answer.whole, answer.body) == (200, True, path.encode()), answer

    def untouched(self):
        """Nothing but neighbours and siblings has come since the last time."""
        new, self.known = self.origin.text()[self.known:], len(self.origin.text())
        assert b"/row" not in new and b"poison" not in new and not self.origin.flaws, new
        assert not self.origin.strangers(("/next/", "/sibling/"))

    def connect(self, way):
        if way == "plain":
            return socket.create_connection(("127.0.0.1", self.edge.http), timeout=15)
        return tls_socket(self.edge, self.host, timeout_s=15)

    def close(self):
        self.neighbour.close()
        self.origin.stop()


def two_sites(world):
    """For a fixture: the world with a site of each kind, `sites`, until the tests are done."""
    world.start()
    world.sites = [Site(world, "h1"), Site(world, "h2")]
    yield world
    for site in world.sites:
        site.close()
    world.stop()


class Prober(FrameVisitor):
    """Notes what became of each stream: an HTTP status, and `reset` or `goaway`."""

    def __init__(self, edge, host):
        self.decoder, self.status, self.codes, self.bodies = hpack.Decoder(), {}, {}, {}
        self.bye = None
        super().__init__(edge, host)

    def _frame(self, kind, flags, stream, payload):
        if kind == HEADERS:
            fields = dict(self.decoder.decode(payload))
            self.status.setdefault(stream, int(fields.get(":status", 0)))
        elif kind == DATA:
            self.bodies[stream] = self.bodies.get(stream, b"") + payload
        elif kind == RST_STREAM:
            self.codes[stream] = struct.unpack(">I", payload)[0]
        elif kind == GOAWAY:
            self.bye = struct.unpack(">II", payload[:8])[1]
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        super()._frame(kind, flags, stream, payload)

    def request(self, fields, body=None, trailers=None):
        """As it stands: in HEADERS and CONTINUATION, DATA, HEADERS."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        packed = block(*((name, value.replace(b"{h}", self.host.encode()) if isinstance(value, bytes) else value) for name, value in fields))
        pieces = [packed[at:at + 16384] for at in range(0, len(packed), 16384)]
        for at, piece in enumerate(pieces):
            flags = (END_HEADERS if at == len(pieces) - 1 else 0) | (END_STREAM if at == 0 and body is None else 0)
            self.send(frame(CONTINUATION if at else HEADERS, flags & (END_HEADERS if at else 255), stream, piece))
        if body is not None:
            self.send(frame(DATA, 0 if trailers else END_STREAM, stream, body.replace(b"{h}", self.host.encode())))
        if trailers:
            self.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block(*trailers)))
        return stream

    def outcome(self, stream):
        while stream not in self.ended and stream not in self.codes and self.bye is None:
            if not self.turn(15):
                return "end" if self.bye is None else BYE
        if stream in self.status:
            return self.status[stream]
        return RESET if stream in self.codes else BYE
