"""A client under load that counts: what it asked, what was answered, what a connection's end took with it.

It is as careful as RFC 9113 6.8 allows and no more: after GOAWAY it opens another connection; what is above
last-stream-id it asks again there and does not count as failed; everything else must be answered.
"""
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field

import hpack

from .frames import (ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS,
                     WINDOW_UPDATE, block, frame, settings)

NOTICE = 2**31 - 1
BODY_BYTES = 1024


def _tls(alpn):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_alpn_protocols([alpn])
    return made


TLS = {alpn: _tls(alpn) for alpn in ("h2", "http/1.1")}


@dataclass
class Lost:
    """A connection that ended with requests unanswered."""
    port: int
    at_s: float
    requests: int
    why: str


@dataclass
class Count:
    answered: int = 0
    returned: int = 0                                # above last-stream-id, asked again
    wrong: list = field(default_factory=list)        # another status or length
    lost: list = field(default_factory=list)         # of Lost
    refused: list = field(default_factory=list)      # connections that could not be opened
    goaways: list = field(default_factory=list)      # the last-stream-ids of each connection that got any
    closes: int = 0                                  # HTTP/1.1 answers that said `connection: close`

    def connect(self, edge, host, alpn):
        """A connection, or None and a line in the count."""
        try:
            plain = socket.create_connection(("127.0.0.1", edge.https), timeout=20)
        except OSError as error:
            self.refused.append(repr(error))
            time.sleep(0.01)
            return None
        port = plain.getsockname()[1]
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return TLS[alpn].wrap_socket(plain, server_hostname=host)
        except OSError as error:
            self.lost.append(Lost(port, time.monotonic(), 0, repr(error)))
            return None


class H2Client(threading.Thread):
    """`streams` requests at a time; eager: goes on opening streams between the notice and the real GOAWAY."""

    def __init__(self, edge, host, streams=8, eager=False):
        super().__init__(daemon=True)
        self.edge, self.host, self.streams, self.eager = edge, host, streams, eager
        self.count, self.ended = Count(), threading.Event()
        self.start()

    def run(self):
        while not self.ended.is_set():
            sock = self.count.connect(self.edge, self.host, "h2")
            if sock:
                self.serve(sock)
                sock.close()

    def serve(self, sock):
        self.open, self.next_stream, self.goaways, self.buffer = {}, 1, [], b""
        self.decoder = hpack.Decoder()
        port, why = sock.getsockname()[1], "end"
        try:
            sock.sendall(PREFACE + settings((4, 1 << 24)) + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30)))
            while self.may_ask() or self.open:
                self.ask(sock)
                piece = sock.recv(65536)
                if not piece:
                    break
                self.buffer += piece
                self.take(sock)
        except OSError as error:
            why = repr(error)
        last = self.goaways[-1] if self.goaways else NOTICE
        due = [stream for stream in self.open if stream <= last]
        self.count.returned += len(self.open) - len(due)
        if due:
            self.count.lost.append(Lost(port, time.monotonic(), len(due), why))
        if self.goaways:
            self.count.goaways.append(self.goaways)

    def may_ask(self):
        return not self.ended.is_set() and (not self.goaways or self.eager and self.goaways == [NOTICE])

    def ask(self, sock):
        out = b""
        while self.may_ask() and len(self.open) < self.streams:
            fields = block((":method", "GET"), (":scheme", "https"), (":authority", self.host), (":path", "/1k"))
            out += frame(HEADERS, END_HEADERS | END_STREAM, self.next_stream, fields)
            self.open[self.next_stream] = [0, 0]
            self.next_stream += 2
        if out:
            sock.sendall(out)

    def take(self, sock):
        while len(self.buffer) >= 9:
            length = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + length:
                break
            kind, flags, stream = self.buffer[3], self.buffer[4], struct.unpack(">I", self.buffer[5:9])[0]
            self.frame(sock, kind, flags, stream, self.buffer[9:9 + length])
            self.buffer = self.buffer[9 + length:]

    def frame(self, sock, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            sock.sendall(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            sock.sendall(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            last, code = struct.unpack(">II", payload[:8])
            self.goaways.append(last)
            if code:
                self.count.wrong.append(f"GOAWAY {code}")
        elif kind == HEADERS:
            self.open[stream][0] = int(dict(self.decoder.decode(payload)).get(":status", 0))
        elif kind == DATA:
            self.open[stream][1] += len(payload)
        elif kind == RST_STREAM:
            del self.open[stream]
            self.count.wrong.append(f"RST_STREAM {struct.unpack('>I', payload)[0]}")
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            status, length = self.open.pop(stream)
            if (status, length) == (200, BODY_BYTES):
                self.count.answered += 1
            else:
                self.count.wrong.append((status, length))


class H1Client(threading.Thread):
    """One request after the other on a connection that it keeps until it is told to close it."""

    def __init__(self, edge, host):
        super().__init__(daemon=True)
        self.edge, self.host = edge, host
        self.count, self.ended = Count(), threading.Event()
        self.start()

    def run(self):
        while not self.ended.is_set():
            sock = self.count.connect(self.edge, self.host, "http/1.1")
            if not sock:
                continue
            port = sock.getsockname()[1]
            try:
                while not self.ended.is_set() and self.exchange(sock):
                    pass
            except OSError as error:
                self.count.lost.append(Lost(port, time.monotonic(), 1, repr(error)))
            sock.close()

    def exchange(self, sock):
        """False: this was the connection's last."""
        sock.sendall(f"GET /1k HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
        got = b""
        while b"\r\n\r\n" not in got:
            got += self.more(sock)
        head, _, body = got.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:])
        while len(body) < int(fields.get("content-length", 0)):
            body += self.more(sock)
        if lines[0].split(" ")[1] == "200" and len(body) == BODY_BYTES:
            self.count.answered += 1
        else:
            self.count.wrong.append((lines[0], len(body)))
        closing = fields.get("connection") == "close"
        self.count.closes += closing
        return not closing

    @staticmethod
    def more(sock):
        piece = sock.recv(65536)
        if not piece:
            raise ConnectionResetError("the end, and no answer")
        return piece


class Load:
    """Careful and eager HTTP/2 clients, and HTTP/1.1 ones."""

    def __init__(self, edge, host, h2=2, eager=1, h1=2, streams=8):
        self.streams = streams
        self.clients = [H2Client(edge, host, streams, number < eager) for number in range(h2 + eager)]
        self.clients += [H1Client(edge, host) for _ in range(h1)]

    def answered(self):
        return sum(client.count.answered for client in self.clients)

    def stop(self):
        """What all of them counted."""
        for client in self.clients:
            client.ended.set()
        for client in self.clients:
            client.join(30)
            assert not client.is_alive(), "a request was never answered"
        sums = Count()
        for client in self.clients:
            for name, value in vars(client.count).items():
                setattr(sums, name, getattr(sums, name) + value)
        return sums
