"""A scriptable origin: HTTP/2 by python3-h2, HTTP/1.1 by hand, or both by ALPN; it remembers all it saw.

What it answers is in the request's query:
  status=200 bytes=10 chunks=1 chunk_delay_ms=0 head_delay_ms=0 trailers=1 early=1 (answer before the body is read)
  interim=103 fail=reset|goaway|refuse|truncate|garbage|close|h1_required|silent nobody=1 (204-like) echo=1 (body back)
"""
import hashlib
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from .process import listen


@dataclass
class Seen:
    protocol: str
    connection: int
    method: str
    path: str
    headers: list
    body: bytes = b""
    trailers: list = field(default_factory=list)
    ended: bool = False
    aborted: bool = False

    def header(self, name):
        return [value for key, value in self.headers if key == name]

    @property
    def digest(self):
        return hashlib.sha256(self.body).hexdigest()


def pattern(count):
    """Bytes that show a hole or a swap."""
    block = b"".join(b"%07d " % i for i in range(0, 8192, 8))
    return (block * (count // len(block) + 1))[:count]


class Plan:
    def __init__(self, path):
        self.query = dict(parse_qsl(urlsplit(path).query))
        self.status = int(self.query.get("status", 200))
        self.bytes = int(self.query.get("bytes", 10))
        self.chunks = max(1, int(self.query.get("chunks", 1)))
        self.head_delay_s = int(self.query.get("head_delay_ms", 0)) / 1000
        self.chunk_delay_s = int(self.query.get("chunk_delay_ms", 0)) / 1000
        self.fail = self.query.get("fail")
        self.interim = int(self.query.get("interim", 0))
        if self.fail == "truncate":
            self.chunks = max(2, self.chunks)

    def flag(self, name):
        return self.query.get(name) == "1"

    def pieces(self, body):
        size = max(1, -(-len(body) // self.chunks))
        return [body[at:at + size] for at in range(0, len(body), size)]


class Origin:
    """alpn: what it announces ("h2", "http/1.1"); certificate: (chain, key) or None for plain HTTP/1.1."""

    def __init__(self, certificate=None, alpn=("h2", "http/1.1"), max_streams=None, settings=True, fail_first=None,
                 host="127.0.0.1", port=0):
        self.alpn, self.max_streams, self.settings = alpn, max_streams, settings
        self.fail_first = fail_first or {}
        self.requests, self.connections = [], 0
        self.lock = threading.Lock()
        self.open = set()
        self.listener = listen(host, port, backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*map(str, certificate))
            if alpn:
                self.tls.set_alpn_protocols(list(alpn))
        self.stopping = False
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.stopping = True
        self.listener.close()
        with self.lock:
            for sock in list(self.open):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def seen(self, path_start=""):
        with self.lock:
            return [r for r in self.requests if r.path.startswith(path_start)]

    def once(self, fault, path):
        """True the first time that this fault is asked for by this path: a retry then finds a healthy origin."""
        with self.lock:
            key = (fault, path)
            first = key not in self.fail_first
            self.fail_first[key] = True
            return first

    def _accept(self):
        while not self.stopping:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, plain, number):
        sock = plain
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                sock = self.tls.wrap_socket(plain, server_side=True)
            with self.lock:
                self.open.add(sock)
            if self.tls and sock.selected_alpn_protocol() == "h2":
                H2Service(self, sock, number).run()
            else:
                H1Service(self, sock, number).run()
        except (OSError, ssl.SSLError, h2.exceptions.ProtocolError):
            pass
        finally:
            with self.lock:
                self.open.discard(sock)
                for request in self.requests:
                    if request.connection == number and not request.ended:
                        request.aborted = True
            try:
                if self.tls and isinstance(sock, ssl.SSLSocket) and not getattr(sock, "broken", False):
                    sock.settimeout(1)
                    sock.unwrap()
            except (OSError, ssl.SSLError, ValueError):
                pass
            sock.close()

    def remember(self, seen):
        with self.lock:
            self.requests.append(seen)


class H1Service:
    def __init__(self, origin, sock, number):
        self.origin, self.sock, self.number = origin, sock, number
        self.pending = b""

    def more(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise ConnectionResetError
        self.pending += piece

    def line(self):
        while b"\r\n" not in self.pending:
            self.more()
        line, _, self.pending = self.pending.partition(b"\r\n")
        return line.decode("latin-1")

    def exactly(self, count):
        while len(self.pending) < count:
            self.more()
        piece, self.pending = self.pending[:count], self.pending[count:]
        return piece

    def run(self):
        while True:
            try:
                words = self.line().split(" ")
            except (ConnectionResetError, OSError):
                return
            headers = []
            while line := self.line():
                name, _, value = line.partition(":")
                headers.append((name.lower(), value.strip()))
            seen = Seen("http/1.1", self.number, words[0], words[1], headers)
            self.origin.remember(seen)
            plan = Plan(words[1])
            if not plan.flag("early"):
                self.read_body(seen)
            if not self.answer(seen, plan):
                return

    def read_body(self, seen):
        lengths, codings = seen.header("content-length"), seen.header("transfer-encoding")
        if codings:
            while True:
                size = int(self.line().split(";")[0], 16)
                if size == 0:
                    while line := self.line():
                        name, _, value = line.partition(":")
                        seen.trailers.append((name.lower(), value.strip()))
                    break
                seen.body += self.exactly(size)
                self.exactly(2)
        elif lengths:
            seen.body = self.exactly(int(lengths[0]))
        seen.ended = True

    def answer(self, seen, plan):
        time.sleep(plan.head_delay_s)
        body = seen.body if plan.flag("echo") else pattern(plan.bytes)
        if plan.fail == "silent":
            time.sleep(30)
        if plan.fail == "close" and self.origin.once("close", seen.path):
            return False
        if plan.fail == "garbage":
            self.sock.sendall(b"\x00\x01\x02 garbage\r\n\r\n")
            return False
        if plan.interim:
            self.sock.sendall(b"HTTP/1.1 %d Early\r\nlink: </style.css>; rel=preload\r\n\r\n" % plan.interim)
        bodyless = seen.method == "HEAD" or plan.status in (204, 304)
        head = f"HTTP/1.1 {plan.status} Fine\r\nx-origin: h1\r\nx-connection: {self.number}\r\n"
        if plan.flag("until_close"):
            self.sock.sendall(head.encode() + b"connection: close\r\n\r\n" + body)
            return False
        chunked = plan.flag("trailers") or plan.flag("chunked")
        if plan.status != 204:
            head += "transfer-encoding: chunked\r\n" if chunked and not bodyless else f"content-length: {len(body)}\r\n"
        head = head.encode() + b"\r\n"
        pieces = [] if bodyless else plan.pieces(body)
        if bodyless or not pieces:
            self.sock.sendall(head)
            if bodyless:
                return True
        for index, piece in enumerate(pieces):
            if plan.fail == "truncate" and index == max(1, plan.chunks // 2):
                self.sock.broken = True
                return False
            self.sock.sendall(head + (b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece))
            head = b""
            time.sleep(plan.chunk_delay_s)
        if plan.fail == "truncate":
            self.sock.broken = True
            return False
        if chunked:
            self.sock.sendall(b"0\r\n" + (b"x-trailer: end\r\n" if plan.flag("trailers") else b"") + b"\r\n")
        return True


class H2Service:
    def __init__(self, origin, sock, number):
        self.origin, self.sock, self.number = origin, sock, number
        self.lock = threading.RLock()
        self.room = threading.Condition(self.lock)
        self.streams = {}
        self.dead = False
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8",
                                           validate_inbound_headers=True)
        self.conn = h2.connection.H2Connection(config)
        if origin.max_streams is not None:
            self.conn.local_settings = h2.settings.Settings(client=False, initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: origin.max_streams})

    def flush(self):
        out = self.conn.data_to_send()
        if out:
            self.sock.sendall(out)

    def run(self):
        with self.lock:
            self.conn.initiate_connection()
            if self.origin.settings:
                self.flush()
        # One thread reads and feeds; answers run in their own, because a slow one must not stop the others.
        try:
            while True:
                got = self.sock.recv(65536)
                if not got:
                    return
                with self.lock:
                    for event in self.conn.receive_data(got):
                        self.happened(event)
                    self.flush()
        finally:
            with self.lock:
                self.dead = True
                self.room.notify_all()

    def happened(self, event):
        if isinstance(event, h2.events.RequestReceived):
            headers = [(k, v) for k, v in event.headers]
            named = dict(headers)
            seen = Seen("h2", self.number, named[":method"], named.get(":path", ""), headers)
            self.streams[event.stream_id] = seen
            self.origin.remember(seen)
            if Plan(seen.path).flag("early"):
                self.start_answer(event.stream_id, seen)
        elif isinstance(event, h2.events.DataReceived):
            seen = self.streams.get(event.stream_id)
            if seen:
                seen.body += event.data
            if not (seen and Plan(seen.path).flag("stall")):
                self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            self.streams[event.stream_id].trailers = [(k, v) for k, v in event.headers]
        elif isinstance(event, h2.events.StreamEnded):
            seen = self.streams[event.stream_id]
            seen.ended = True
            if not Plan(seen.path).flag("early"):
                self.start_answer(event.stream_id, seen)
        elif isinstance(event, h2.events.StreamReset):
            seen = self.streams.pop(event.stream_id, None)
            if seen and not seen.ended:
                seen.aborted = True
            self.room.notify_all()
        elif isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            self.room.notify_all()

    def start_answer(self, stream_id, seen):
        threading.Thread(target=self.answer, args=(stream_id, seen, Plan(seen.path)), daemon=True).start()

    def fault(self, stream_id, plan):
        """True when the plan asked for a fault and it was done."""
        if plan.fail == "reset":
            self.conn.reset_stream(stream_id, h2.errors.ErrorCodes.INTERNAL_ERROR)
        elif plan.fail == "refuse":
            self.conn.reset_stream(stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
        elif plan.fail == "h1_required":
            self.conn.reset_stream(stream_id, h2.errors.ErrorCodes.HTTP_1_1_REQUIRED)
        elif plan.fail == "goaway":
            self.conn.close_connection(last_stream_id=max(0, stream_id - 2))
        elif plan.fail == "garbage":
            self.sock.sendall(b"\x00\x00\x05\x00\xff\x00\x00\x00\x00")
            return True
        elif plan.fail == "close":
            self.sock.shutdown(socket.SHUT_RDWR)
            return True
        else:
            return False
        self.flush()
        return True

    def answer(self, stream_id, seen, plan):
        try:
            time.sleep(plan.head_delay_s)
            with self.lock:
                path = seen.path
                repeat = plan.flag("always") or plan.fail in (None, "truncate", "silent")
                if (repeat or self.origin.once(plan.fail, path)) and self.fault(stream_id, plan):
                    return
                if plan.fail == "silent":
                    return
                body = seen.body if plan.flag("echo") else pattern(plan.bytes)
                if plan.interim:
                    self.conn.send_headers(stream_id, [(":status", str(plan.interim)),
                                                       ("link", "</style.css>; rel=preload")])
                head = [(":status", str(plan.status)), ("x-origin", "h2"), ("x-connection", str(self.number))]
                bodyless = seen.method == "HEAD" or plan.status in (204, 304)
                if plan.status != 204 and not plan.flag("chunked") and not plan.flag("trailers"):
                    head.append(("content-length", str(len(body))))
                ends = bodyless or (not body and not plan.flag("trailers"))
                self.conn.send_headers(stream_id, head, end_stream=ends)
                self.flush()
            if not ends:
                self.send_body(stream_id, plan, body)
        except (h2.exceptions.ProtocolError, OSError, KeyError):
            pass

    def send_body(self, stream_id, plan, body):
        for index, piece in enumerate(plan.pieces(body) or [b""]):
            if plan.fail == "truncate" and index == max(1, plan.chunks // 2):
                with self.lock:
                    self.sock.broken = True
                    self.sock.shutdown(socket.SHUT_RDWR)
                return
            while piece:
                with self.room:
                    self.room.wait_for(lambda: self.dead or stream_id not in self.streams
                                       or self.conn.local_flow_control_window(stream_id) > 0, timeout=60)
                    if self.dead or stream_id not in self.streams:
                        return
                    size = min(len(piece), self.conn.local_flow_control_window(stream_id),
                               self.conn.max_outbound_frame_size)
                    self.conn.send_data(stream_id, piece[:size])
                    self.flush()
                    piece = piece[size:]
            time.sleep(plan.chunk_delay_s)
        with self.lock:
            if plan.fail == "truncate":
                self.sock.broken = True
                self.sock.shutdown(socket.SHUT_RDWR)
            elif plan.flag("trailers"):
                self.conn.send_headers(stream_id, [("x-trailer", "end")], end_stream=True)
                self.flush()
            else:
                self.conn.end_stream(stream_id)
                self.flush()
