"""Long paths, and the two ends of flow control under the test's own control: a visitor and an origin of single frames."""
import collections
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import hpack

from .frames import (ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS,
                     WINDOW_UPDATE, Wire, block, frame, settings)
from .process import listen

MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 3, 4
WINDOW_BYTES = 65535
FRAME_BYTES = 16384


class LongPath:
    """A TCP relay to `port` whose bytes take half a round trip each way; it loses nothing and has any bandwidth."""

    def __init__(self, port, round_trip_s):
        self.far, self.one_way_s = port, round_trip_s / 2
        self.listener = listen(backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.far))
            except OSError:
                return
            for source, sink in ((near, far), (far, near)):
                sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                way = collections.deque()
                arrived = threading.Condition()
                threading.Thread(target=self._take, args=(source, way, arrived), daemon=True).start()
                threading.Thread(target=self._give, args=(sink, way, arrived), daemon=True).start()

    def _take(self, source, way, arrived):
        piece = b"."
        while piece:
            try:
                piece = source.recv(262144)
            except OSError:
                piece = b""
            with arrived:
                way.append((time.monotonic() + self.one_way_s, piece))
                arrived.notify()

    def _give(self, sink, way, arrived):
        while True:
            with arrived:
                arrived.wait_for(lambda: way)
                due, piece = way.popleft()
            time.sleep(max(0, due - time.monotonic()))
            try:
                if not piece:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(piece)
            except OSError:
                return


class FrameVisitor:
    """An HTTP/2 visitor that credits nothing by itself: what it has not allowed, the edge has to hold."""

    # Shared: 200 visitors need no 200 copies of the system's certificates.
    TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
    TLS.set_alpn_protocols(["h2"])

    def __init__(self, edge, host, window_bytes=WINDOW_BYTES, timeout_s=20):
        self.host = host
        plain = socket.create_connection(("127.0.0.1", edge.https), timeout=timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self.TLS.wrap_socket(plain, server_hostname=host)
        self.next_stream = 1
        self.got = collections.Counter()
        self.ended, self.reset = set(), set()
        self.window = collections.defaultdict(lambda: self.peer_window)
        self.peer_window, self.conn_window = WINDOW_BYTES, WINDOW_BYTES
        self.buffer = b""
        self.send(PREFACE + settings((INITIAL_WINDOW_SIZE, window_bytes)))

    def send(self, octets):
        self.sock.sendall(octets)

    def close(self):
        self.sock.close()

    def ask(self, path, method="GET", end=True):
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        fields = block((":method", method), (":scheme", "https"), (":authority", self.host), (":path", path))
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, fields))
        return stream

    def allow(self, stream, count):
        self.send(frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", count)))

    def cancel(self, stream):
        self.send(frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))

    def upload(self, stream, count, end=False):
        """Sends as much of it as the windows allow, at most one frame; how much that was."""
        size = min(count, self.window[stream], self.conn_window, FRAME_BYTES)
        if size > 0:
            self.window[stream] -= size
            self.conn_window -= size
            last = end and size == count
            self.send(frame(DATA, END_STREAM if last else 0, stream, bytes(size)))
        return max(0, size)

    def turn(self, timeout_s=20):
        """Takes what has come; False when nothing came in time, or the end."""
        self.sock.settimeout(timeout_s)
        try:
            piece = self.sock.recv(65536)
        except (TimeoutError, OSError):
            return False
        finally:
            self.sock.settimeout(20)
        self.buffer += piece
        while len(self.buffer) >= 9:
            length = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + length:
                break
            kind, flags, stream = self.buffer[3], self.buffer[4], struct.unpack(">I", self.buffer[5:9])[0]
            self._frame(kind, flags, stream, self.buffer[9:9 + length])
            self.buffer = self.buffer[9 + length:]
        return bool(piece)

    def _frame(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            told = dict(struct.unpack(">HI", payload[at:at + 6]) for at in range(0, len(payload), 6))
            self.peer_window = told.get(INITIAL_WINDOW_SIZE, self.peer_window)
            self.send(frame(SETTINGS, ACK, 0))
        elif kind == WINDOW_UPDATE:
            count = struct.unpack(">I", payload)[0]
            if stream == 0:
                self.conn_window += count
            else:
                self.window[stream] += count
        elif kind == DATA:
            self.got[stream] += len(payload)
        elif kind == RST_STREAM:
            self.reset.add(stream)
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            self.ended.add(stream)

    def await_end(self, stream, credit=True):
        """Reads the answer to its end, crediting it."""
        credited = self.got[stream]
        while stream not in self.ended and stream not in self.reset:
            if not self.turn():
                return False
            if credit and self.got[stream] > credited and stream not in self.ended:
                self.allow(stream, self.got[stream] - credited)
                self.allow(0, self.got[stream] - credited)
                credited = self.got[stream]
        return stream in self.ended


@dataclass
class Stream:
    path: str
    connection: int
    id: int
    got: int = 0
    at_ack: int = None       # what had come when the edge acknowledged the last SETTINGS
    ended: bool = False
    reset_at: float = None
    late: int = 0            # sent after the edge's RST_STREAM
    query: dict = field(default_factory=dict)


class FlowOrigin:
    """An HTTP/2 origin that does to each stream what its path says:

    /endless   takes an upload and credits all of it; never answers       /hang   answers nothing
    /stalled   the same, credits the connection alone                     /late   half an answer; the rest after the edge's RST
    others     answer, after the request's end, with ?bytes= as far as the windows allow
    """

    def __init__(self, certificate, window_bytes=WINDOW_BYTES, conn_window_bytes=1 << 30):
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(*map(str, certificate))
        self.tls.set_alpn_protocols(["h2"])
        self.window_bytes, self.conn_window_bytes = window_bytes, conn_window_bytes
        self.streams, self.connections = [], []
        self.lock = threading.Lock()
        self.listener = listen()
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.listener.close()
        for one in self.connections:
            try:
                one.cut(socket.SHUT_RDWR)
            except OSError:
                pass

    def taken(self, connection, one):
        """For tests: more of an upload has come."""

    def seen(self, start="/"):
        with self.lock:
            return [one for one in self.streams if one.path.startswith(start)]

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            with self.lock:
                number = len(self.connections)
            connection = FlowConnection(self, sock, number)
            self.connections.append(connection)
            connection.serve()
        except (OSError, ValueError, hpack.HPACKError):
            pass
        finally:
            sock.close()


class FlowConnection(Wire):
    def __init__(self, origin, sock, number):
        super().__init__(sock, origin.tls)
        self.origin, self.number = origin, number
        self.streams, self.bodies = {}, {}
        self.decoder = hpack.Decoder()
        self.initial, self.room = WINDOW_BYTES, WINDOW_BYTES   # what the edge allows us: a new stream, the connection
        self.rooms, self.acks = {}, 0

    def serve(self):
        hello = settings((MAX_CONCURRENT_STREAMS, 1000), (INITIAL_WINDOW_SIZE, self.origin.window_bytes))
        grant = self.origin.conn_window_bytes - WINDOW_BYTES
        self.send(hello + (frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", grant)) if grant > 0 else b""))
        buffer = bytearray()
        skip = len(PREFACE)
        while piece := self.receive():
            buffer += piece
            at = skip
            while len(buffer) >= at + 9:
                length = int.from_bytes(buffer[at:at + 3], "big")
                if len(buffer) < at + 9 + length:
                    break
                stream = int.from_bytes(buffer[at + 5:at + 9], "big")
                self.take(buffer[at + 3], buffer[at + 4], stream, bytes(buffer[at + 9:at + 9 + length]))
                at += 9 + length
                skip = 0
            if skip == 0:
                del buffer[:at]

    def take(self, kind, flags, sid, payload):
        if kind == SETTINGS and not flags & ACK:
            told = dict(struct.unpack(">HI", payload[at:at + 6]) for at in range(0, len(payload), 6))
            self.initial = told.get(INITIAL_WINDOW_SIZE, self.initial)
            self.send(frame(SETTINGS, ACK, 0))
        elif kind == SETTINGS:
            self.acks += 1
            for one in self.streams.values():
                one.at_ack = one.got
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == HEADERS:
            named = dict(self.decoder.decode(payload))
            path = named.get(":path", "")
            one = Stream(path, self.number, sid, query=dict(parse_qsl(urlsplit(path).query)))
            self.streams[sid], self.rooms[sid] = one, self.initial
            with self.origin.lock:
                self.origin.streams.append(one)
            self.begun(one, flags)
        elif kind == DATA:
            self.take_data(self.streams[sid], flags, len(payload))
        elif kind == RST_STREAM:
            self.take_reset(self.streams[sid])
        elif kind == WINDOW_UPDATE:
            count = struct.unpack(">I", payload)[0]
            if sid == 0:
                self.room += count
            elif sid in self.rooms:
                self.rooms[sid] += count
            self.pour()
        elif kind == GOAWAY:
            pass

    def credit(self, sid, count):
        self.send(frame(WINDOW_UPDATE, 0, sid, struct.pack(">I", count)))

    def begun(self, one, flags):
        if one.path.startswith("/late"):
            self.send(frame(HEADERS, END_HEADERS, one.id, block((":status", "200"))))
            self.give(one, 1000)
        if flags & END_STREAM:
            self.ended(one)

    def take_data(self, one, flags, count):
        one.got += count
        self.origin.taken(self, one)
        if count:
            self.credit(0, count)
            if not one.path.startswith(("/stalled", "/shrink")) and not flags & END_STREAM:
                self.credit(one.id, count)
        if flags & END_STREAM:
            self.ended(one)

    def take_reset(self, one):
        one.reset_at = time.monotonic()
        self.bodies.pop(one.id, None)
        if one.path.startswith("/late"):
            one.late = max(0, min(self.rooms[one.id], self.room))
            self.give(one, one.late)

    def ended(self, one):
        one.ended = True
        if one.path.startswith(("/hang", "/late", "/endless", "/stalled")):
            return
        count = int(one.query.get("bytes", 10))
        self.send(frame(HEADERS, END_HEADERS, one.id, block((":status", "200"), ("content-length", count))))
        self.bodies[one.id] = count
        self.pour()

    def give(self, one, count, end=False):
        """DATA within what the edge allows; the caller has looked."""
        self.rooms[one.id] -= count
        self.room -= count
        while count > FRAME_BYTES:
            self.send(frame(DATA, 0, one.id, bytes(FRAME_BYTES)))
            count -= FRAME_BYTES
        self.send(frame(DATA, END_STREAM if end else 0, one.id, bytes(count)))

    def pour(self):
        for sid in list(self.bodies):
            count = min(self.bodies[sid], self.rooms[sid], self.room)
            if count > 0:
                self.bodies[sid] -= count
                self.give(self.streams[sid], count, end=self.bodies[sid] == 0)
            if self.bodies[sid] == 0:
                del self.bodies[sid]
