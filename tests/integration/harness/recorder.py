"""Origins that keep every byte they got: a plain HTTP/1.1 one, and one of HTTP/2 frames; the answer's body is the path
(as far as SAID_BYTES)."""
import re
import socket
import threading

from .frames import FrameOrigin, data, head
from .process import listen


SAID_BYTES = 1000


def _chunked_end(octets):
    """Where a chunked body ends, or None; only what the edge may write is understood."""
    at = 0
    while (line := octets.find(b"\r\n", at)) >= 0:
        if not re.fullmatch(rb"[0-9a-f]+", octets[at:line]):
            raise ValueError(octets[at:line])
        size = int(octets[at:line], 16)
        if size == 0:
            end = octets.find(b"\r\n\r\n", line)
            return None if end < 0 else end + 4
        at = line + 2 + size + 2
        if octets[at - 2:at] not in (b"", b"\r", b"\r\n"):
            raise ValueError("a chunk that does not end by CR LF")
    return None


class Message:
    """One whole request: its raw head, its lines, its raw body."""

    def __init__(self, octets, body):
        self.head, self.body = octets, body
        first, *lines = octets.decode("latin-1").split("\r\n")
        self.method, self.path, self.version = first.split(" ")
        self.fields = [tuple(line.split(": ", 1)) for line in lines]

    def field(self, name):
        return [value for key, value in self.fields if key.lower() == name]


class ByteOrigin:
    """`whole`: the requests that came to their end; `octets`: all that came, by connection; `flaws`: what was no HTTP."""

    def __init__(self):
        self.octets, self.whole, self.flaws, self.open = {}, [], [], []
        self.all = bytearray()
        self.lock, self.ended = threading.Lock(), set()
        self.listener = listen()
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.listener.close()
        for sock in list(self.open):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def text(self):
        with self.lock:
            return bytes(self.all)

    def paths(self):
        with self.lock:
            return [one.path for one in self.whole]

    def strangers(self, known):
        """The whole requests for paths that do not begin so."""
        return [path for path in self.paths() if not path.startswith(known)]

    def begun(self, path):
        """Connections on which a request for this path began."""
        with self.lock:
            return [number for number, got in self.octets.items() if b" " + path.encode() + b" HTTP/1.1\r\n" in got]

    def cut(self, path):
        """True when all that began for this path was left without its end."""
        return path not in self.paths() and all(number in self.ended for number in self.begun(path))

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(sock)
            threading.Thread(target=self._serve, args=(sock, len(self.open)), daemon=True).start()

    def _serve(self, sock, number):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pending = b""
        try:
            while piece := sock.recv(65536):
                with self.lock:
                    self.octets[number] = self.octets.get(number, b"") + piece
                    self.all += piece
                pending += piece
                while (taken := self._take(sock, pending)) > 0:
                    pending = pending[taken:]
        except OSError:
            pass
        except ValueError as flaw:
            self.flaws.append(flaw)
        with self.lock:
            self.ended.add(number)
        sock.close()

    def _take(self, sock, pending):
        end = pending.find(b"\r\n\r\n")
        if end < 0:
            return 0
        message = Message(pending[:end], b"")
        size = 0
        if message.field("transfer-encoding"):
            size = _chunked_end(pending[end + 4:])
        elif message.field("content-length"):
            size = int(message.field("content-length")[0])
        if size is None or len(pending) < end + 4 + size:
            return 0
        message.body = pending[end + 4:end + 4 + size]
        with self.lock:
            self.whole.append(message)
        body = message.path.encode()[:SAID_BYTES]
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), b"" if message.method == "HEAD" else body))
        return end + 4 + size


class FieldOrigin(FrameOrigin):
    """The same questions of an HTTP/2 origin."""

    def __init__(self, certificate):
        super().__init__(certificate, ("h2",))
        self.flaws = []

    def begin(self, request, otherwise):
        with self.lock:
            self.requests.append(request)
        body = b"" if request.method == "HEAD" else request.path.encode()[:SAID_BYTES]
        return [head(200, ("content-length", len(body))), data(body, end=True)]

    def text(self):
        with self.lock:
            return b"\n".join(f"{name}: {value}".encode("latin-1", "replace") for one in self.requests
                              for name, value in one.headers) + b"".join(one.body for one in self.requests)

    def paths(self):
        with self.lock:
            return [one.path for one in self.requests if one.ended]

    def strangers(self, known):
        with self.lock:
            return [one.path for one in self.requests if not one.path.startswith(known)]

    def begun(self, path):
        return self.seen(path)

    def cut(self, path):
        return all(not one.ended and (one.reset is not None or self.closed) for one in self.seen(path))
