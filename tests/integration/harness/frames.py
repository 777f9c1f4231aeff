"""An origin that says exactly what a script says, byte by byte, in HTTP/2 frames or HTTP/1.1 text.

A script is a list of steps; it runs once for each request, after the request has come whole (or, when it begins with
EARLY, as soon as its head is there).  A step is bytes, or a function of (connection, stream) that may return bytes.

    origin = FrameOrigin(certificate)                       # ALPN h2; over HTTP/1.1 it has only good answers
    origin.plan("/cut", [head(200, ("content-length", "9")), data(b"half"), rst(2)])
    origin.plan("/once", [goaway(0)], GOOD)                 # the first request, then all others
    origin = FrameOrigin(certificate, alpn=("http/1.1",))   # scripts of text; certificate=None: without TLS
    origin.plan("/two", [b"HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\n\\r\\nHTTP/1.1 200 OK\\r\\n\\r\\n"])
"""
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field

import hpack

from .process import listen

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITISED = 1, 1, 4, 8, 32
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EARLY = "early"


def frame(kind, flags, stream, payload=b"", length=None):
    """One frame; `length` may lie."""
    length = len(payload) if length is None else length
    return struct.pack(">I", length)[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def _integer(value, prefix_bits):
    full = (1 << prefix_bits) - 1
    if value < full:
        return bytes((value,))
    out, value = bytes((full,)), value - full
    while value >= 128:
        out, value = out + bytes((value & 127 | 128,)), value >> 7
    return out + bytes((value,))


def _octets(text):
    return text if isinstance(text, bytes) else str(text).encode("latin-1")


def block(*fields):
    """A header block of literals, whatever is in them; it leaves the HPACK table alone."""
    out = b""
    for name, value in fields:
        name, value = _octets(name), _octets(value)
        out += b"\0" + _integer(len(name), 7) + name + _integer(len(value), 7) + value
    return out


# ---- steps

def headers(fields, end=False, flags=END_HEADERS, stream=None):
    """HEADERS with these fields, pseudo-headers among them."""
    return lambda _, sid: frame(HEADERS, flags | (END_STREAM if end else 0), sid if stream is None else stream,
                                block(*fields))


def head(status, *fields, end=False):
    return headers([(":status", status), *fields], end)


def trailers(*fields, end=True):
    return headers(fields, end)


def data(body=b"", end=False, stream=None, flags=0):
    return lambda _, sid: frame(DATA, flags | (END_STREAM if end else 0), sid if stream is None else stream, body)


def rst(code, stream=None):
    return lambda _, sid: frame(RST_STREAM, 0, sid if stream is None else stream, struct.pack(">I", code))


def goaway(last=None, code=0, junk=b""):
    """last None: this stream's id."""
    return lambda _, sid: frame(GOAWAY, 0, 0, struct.pack(">II", sid if last is None else last, code) + junk)


def settings(*pairs, flags=0):
    return frame(SETTINGS, flags, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def window(increment, stream=None):
    return lambda _, sid: frame(WINDOW_UPDATE, 0, sid if stream is None else stream, struct.pack(">I", increment))


def on_stream(kind, flags=0, payload=b"", length=None):
    return lambda _, sid: frame(kind, flags, sid, payload, length)


def wait(seconds):
    return lambda *_: time.sleep(seconds)


def dripped(step, pause_s, size=1):
    """What the step says, in pieces."""
    def run(connection, sid):
        whole = step if isinstance(step, bytes) else step(connection, sid)
        for at in range(0, len(whole), size):
            connection.send(whole[at:at + size])
            time.sleep(pause_s)
    return run


def fin(connection, _):
    """TCP's end, without a word of TLS."""
    connection.cut(socket.SHUT_WR)


def close_notify(connection, _):
    connection.close_notify()


def tls_garbage(connection, _):
    """A record that cannot be decrypted."""
    connection.sock.sendall(b"\x17\x03\x03\0\x20" + b"garbage!" * 4)


def tcp_reset(connection, _):
    connection.reset()


GOOD_BODY = b"a good answer"
GOOD = [head(200, ("content-length", len(GOOD_BODY)), ("x-origin", "h2")), data(GOOD_BODY, end=True)]
GOOD_H1 = [b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nx-origin: h1\r\n\r\n%s" % (len(GOOD_BODY), GOOD_BODY)]
CALM = [settings((4, 1 << 20)), window(1 << 24, stream=0)]


@dataclass
class Request:
    protocol: str
    connection: int
    stream: int
    headers: list
    method: str = ""
    path: str = ""
    body: bytes = b""
    trailers: list = field(default_factory=list)
    ended: bool = False
    reset: int = None

    def header(self, name):
        return [value for key, value in self.headers if key == name]


class Wire:
    """A connection as bytes, with or without TLS, for two threads at once: one reads, one writes."""

    def __init__(self, sock, tls):
        self.sock, self.lock, self.tls = sock, threading.Lock(), None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.arrived, self.leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = tls.wrap_bio(self.arrived, self.leaving, server_side=True)
            while self._step(self.tls.do_handshake) is None:
                self._take()

    def _step(self, action, *arguments):
        """None when TLS needs more bytes."""
        with self.lock:
            try:
                return action(*arguments) or True
            except ssl.SSLWantReadError:
                return None
            finally:
                out = self.leaving.read()
                if out:
                    self.sock.sendall(out)

    def _take(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise ConnectionResetError
        with self.lock:
            self.arrived.write(piece)

    @property
    def protocol(self):
        return self.tls.selected_alpn_protocol() if self.tls else None

    def receive(self):
        if not self.tls:
            return self.sock.recv(65536)
        while True:
            with self.lock:
                try:
                    return self.tls.read(65536)
                except ssl.SSLWantReadError:
                    pass
                except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                    return b""
            self._take()

    def send(self, octets):
        if not octets:
            return
        if self.tls:
            self._step(self.tls.write, octets)
        else:
            with self.lock:
                self.sock.sendall(octets)

    def close_notify(self):
        if self.tls:
            self._step(self.tls.unwrap)
        self.cut(socket.SHUT_WR)

    def cut(self, how):
        self.sock.shutdown(how)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Connection(Wire):
    def __init__(self, origin, sock, number):
        super().__init__(sock, origin.tls)
        self.origin, self.number = origin, number
        self.buffer = b""
        self.changed = threading.Condition()
        self.streams = {}
        self.goaway = None

    def exactly(self, count):
        while len(self.buffer) < count:
            piece = self.receive()
            if not piece:
                raise ConnectionResetError
            self.buffer += piece
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def until(self, mark):
        while mark not in self.buffer:
            self.exactly(0)
            piece = self.receive()
            if not piece:
                raise ConnectionResetError
            self.buffer += piece
        taken, _, self.buffer = self.buffer.partition(mark)
        return taken

    def play(self, script, stream, request):
        """Runs the steps; the connection's end ends them."""
        try:
            steps = list(script)
            if steps and steps[0] == EARLY:
                steps = steps[1:]
            else:
                with self.changed:
                    self.changed.wait_for(lambda: request is None or request.ended or request.reset is not None, 20)
            for step in steps:
                self.send(step if isinstance(step, bytes) else step(self, stream))
        except (OSError, ssl.SSLError, ValueError):
            pass

    # -- HTTP/2

    def serve_h2(self):
        self.decoder = hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.play(self.origin.preface, 0, None)
        if self.exactly(len(PREFACE)) != PREFACE:
            return
        while True:
            start = self.exactly(9)
            length, kind, flags = struct.unpack(">I", b"\0" + start[:3])[0], start[3], start[4]
            stream = struct.unpack(">I", start[5:])[0] & 0x7fffffff
            self.take(kind, flags, stream, self.exactly(length))

    def take(self, kind, flags, stream, payload):
        self.origin.frames.append((self.number, kind, flags, stream, payload))
        if kind == SETTINGS and not flags & ACK:
            self.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK and self.origin.answers_pings:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == HEADERS:
            self.take_head(flags, stream, payload)
        elif kind == DATA:
            request = self.streams.get(stream)
            request.body += payload
            if payload and self.origin.credits:
                self.send(window(len(payload), 0)(self, 0) + window(len(payload))(self, stream))
            self.end(request, flags)
        elif kind == RST_STREAM:
            with self.changed:
                self.streams[stream].reset = struct.unpack(">I", payload)[0]
                self.changed.notify_all()
        elif kind == GOAWAY:
            self.goaway = struct.unpack(">II", payload[:8])

    def take_head(self, flags, stream, payload):
        while not flags & END_HEADERS:
            start = self.exactly(9)
            flags |= start[4] & END_HEADERS
            payload += self.exactly(struct.unpack(">I", b"\0" + start[:3])[0])
        fields = self.decoder.decode(payload)
        if stream in self.streams:
            self.streams[stream].trailers = fields
        else:
            named = dict(fields)
            made = Request("h2", self.number, stream, fields, named.get(":method", ""), named.get(":path", ""))
            self.streams[stream] = made
            script = self.origin.begin(made, GOOD)
            threading.Thread(target=self.play, args=(script, stream, made), daemon=True).start()
        self.end(self.streams[stream], flags)

    def end(self, request, flags):
        if flags & END_STREAM:
            with self.changed:
                request.ended = True
                self.changed.notify_all()

    # -- HTTP/1.1

    def serve_h1(self):
        while True:
            lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            words = lines[0].split(" ")
            fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
            made = Request("http/1.1", self.number, 0, fields, words[0], words[1])
            script = self.origin.begin(made, GOOD_H1)
            answering = threading.Thread(target=self.play, args=(script, 0, made), daemon=True)
            answering.start()
            self.read_body(made)
            self.end(made, END_STREAM)
            answering.join(20)

    def read_body(self, made):
        if made.header("transfer-encoding"):
            while size := int(self.until(b"\r\n").split(b";")[0], 16):
                made.body += self.exactly(size)
                self.exactly(2)
            while line := self.until(b"\r\n"):
                name, _, value = line.decode("latin-1").partition(":")
                made.trailers.append((name.lower(), value.strip()))
        elif made.header("content-length"):
            made.body = self.exactly(int(made.header("content-length")[0]))


class FrameOrigin:
    """preface: the steps at the beginning of each HTTP/2 connection."""

    def __init__(self, certificate=None, alpn=("h2", "http/1.1"), preface=None):
        self.alpn = alpn
        self.preface = CALM if preface is None else preface
        self.credits = self.answers_pings = True
        self.plans, self.requests, self.frames, self.opened = {}, [], [], []
        self.lock, self.closed = threading.Lock(), 0
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*map(str, certificate))
            if alpn:
                self.tls.set_alpn_protocols(list(alpn))
        self.listener = listen()
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def plan(self, path, *scripts):
        """What requests for this path get, one after the other; the last script stays."""
        self.plans[path] = list(scripts)
        return self

    def begin(self, request, otherwise):
        with self.lock:
            self.requests.append(request)
            scripts = self.plans.get(request.path)
            if not scripts or (request.protocol != "h2" and "h2" in self.alpn):
                return otherwise
            return scripts[0] if len(scripts) == 1 else scripts.pop(0)

    def seen(self, path):
        with self.lock:
            return [one for one in self.requests if one.path == path]

    @property
    def connections(self):
        return len(self.opened)

    def stop(self):
        self.listener.close()
        for sock in list(self.opened):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.opened.append(sock)
            threading.Thread(target=self._serve, args=(sock, len(self.opened)), daemon=True).start()

    def _serve(self, sock, number):
        try:
            connection = Connection(self, sock, number)
            if connection.protocol == "h2":
                connection.serve_h2()
            else:
                connection.serve_h1()
        except (OSError, ssl.SSLError, ValueError, KeyError, AttributeError, hpack.HPACKError):
            pass
        finally:
            with self.lock:
                self.closed += 1
            sock.close()
