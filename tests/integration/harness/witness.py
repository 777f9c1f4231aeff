"""A visitor that notes exactly how an answer came: interims, heads, trailers, and whether it was whole or cut."""
import socket
import ssl
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from .visitor import tls_socket


@dataclass
class Answer:
    status: int = 0
    fields: list = field(default_factory=list)
    body: bytes = b""
    trailers: list = field(default_factory=list)
    interims: list = field(default_factory=list)
    whole: bool = False
    how: str = ""
    code: int = None  # of the RST_STREAM that cut it

    def header(self, name):
        return [value for key, value in self.fields if key == name]


class Witness:
    """One visitor of one host; keeps its connection while it is good."""

    def __init__(self, edge, host, protocol, timeout_s=8):
        self.edge, self.host, self.protocol, self.timeout_s = edge, host, protocol, timeout_s
        self.sock = None
        self.connections = 0

    def close(self):
        if self.sock:
            self.sock.close()
            self.sock = None

    def connect(self):
        self.connections += 1
        alpn = ("h2",) if self.protocol == "h2" else ("http/1.1",)
        self.sock = tls_socket(self.edge, self.host, alpn, self.timeout_s)
        self.sock.suppress_ragged_eofs = False
        self.pending = b""
        if self.protocol == "h2":
            self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
                header_encoding="latin-1", normalize_outbound_headers=False, validate_outbound_headers=False))
            self.h2.initiate_connection()
            self.h2.increment_flow_control_window(1 << 24)
            self.sock.sendall(self.h2.data_to_send())

    def ask(self, path="/", method="GET", fields=(), body=None, trailers=None, version="1.1", chunked=False):
        """body: bytes or a list of pieces, or None."""
        if not self.sock:
            self.connect()
        pieces = [body] if isinstance(body, bytes) else body
        if self.protocol == "h2":
            return self._ask_h2(path, method, fields, pieces, trailers)
        return self._ask_h1(path, method, fields, pieces, trailers, version, chunked)

    # ---- HTTP/2

    def _ask_h2(self, path, method, fields, pieces, trailers):
        answer, stream = Answer(), self.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "https"), (":authority", self.host), (":path", path), *fields]
        self.h2.send_headers(stream, head, end_stream=pieces is None and trailers is None)
        try:
            self.sock.sendall(self.h2.data_to_send())
            for index, piece in enumerate(pieces or ()):
                last = index == len(pieces) - 1 and trailers is None
                for at in range(0, len(piece), 16384):
                    while self.h2.local_flow_control_window(stream) < len(piece[at:at + 16384]):
                        self._turn(answer, stream)
                        if answer.how:
                            return answer
                    self.h2.send_data(stream, piece[at:at + 16384], end_stream=last and at + 16384 >= len(piece))
                    self.sock.sendall(self.h2.data_to_send())
                if not piece and last:
                    self.h2.send_data(stream, b"", end_stream=True)
            if trailers is not None:
                self.h2.send_headers(stream, trailers, end_stream=True)
            self.sock.sendall(self.h2.data_to_send())
            while not answer.how:
                self._turn(answer, stream)
        except socket.timeout:
            answer.how = "silence"
        except (OSError, ssl.SSLError, h2.exceptions.ProtocolError) as error:
            answer.how = answer.how or f"{type(error).__name__} {error}"
        if answer.how not in ("ended", "reset"):
            self.close()
        return answer

    def _turn(self, answer, stream):
        piece = self.sock.recv(65536)
        if not piece:
            answer.how = "closed"
            return
        for event in self.h2.receive_data(piece):
            self._happened(answer, stream, event)
        self.sock.sendall(self.h2.data_to_send())

    def _happened(self, answer, stream, event):
        if isinstance(event, h2.events.ConnectionTerminated):
            answer.how = answer.how or f"goaway {event.error_code}"
        if getattr(event, "stream_id", None) != stream:
            return
        if isinstance(event, h2.events.InformationalResponseReceived):
            answer.interims.append((int(dict(event.headers)[":status"]), event.headers))
        elif isinstance(event, h2.events.ResponseReceived):
            answer.status = int(dict(event.headers)[":status"])
            answer.fields = [(k, v) for k, v in event.headers if not k.startswith(":")]
        elif isinstance(event, h2.events.DataReceived):
            answer.body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.TrailersReceived):
            answer.trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            answer.whole, answer.how = True, "ended"
        elif isinstance(event, h2.events.StreamReset) and not answer.whole:
            answer.how, answer.code = "reset", int(event.error_code)

    # ---- HTTP/1.1

    def _ask_h1(self, path, method, fields, pieces, trailers, version, chunked):
        chunked = chunked or trailers is not None
        lines = [f"{method} {path} HTTP/{version}", f"host: {self.host}", *(f"{k}: {v}" for k, v in fields)]
        if chunked:
            lines.append("transfer-encoding: chunked")
        elif pieces is not None and not any(k == "content-length" for k, _ in fields):
            lines.append(f"content-length: {sum(map(len, pieces))}")
        answer, reading = Answer(), False
        try:
            self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
            try:
                for piece in pieces or ():
                    self.sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                if chunked:
                    extra = "".join(f"{k}: {v}\r\n" for k, v in trailers or ())
                    self.sock.sendall(f"0\r\n{extra}\r\n".encode("latin-1"))
            except OSError:
                pass  # an early answer may close; it is still to be read
            reading = True
            self._read_h1(answer, method)
        except socket.timeout:
            answer.how = "silence"
        except (OSError, ssl.SSLError, ValueError) as error:
            answer.how = f"{type(error).__name__} {error}" if reading else f"unsent: {error}"
        if not answer.whole or "close" in answer.header("connection") or self.ended:
            self.close()
        return answer

    def _more(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise ConnectionResetError("closed")
        self.pending += piece

    def _line(self):
        while b"\r\n" not in self.pending:
            self._more()
        line, _, self.pending = self.pending.partition(b"\r\n")
        return line.decode("latin-1")

    def _fields(self):
        out = []
        while line := self._line():
            name, _, value = line.partition(":")
            out.append((name.lower(), value.strip()))
        return out

    def _read_h1(self, answer, method):
        self.ended = False
        while True:
            status = int(self._line().split(" ")[1])
            fields = self._fields()
            if status >= 200 or status == 101:
                break
            answer.interims.append((status, fields))
        answer.status, answer.fields = status, fields
        lengths = answer.header("content-length")
        if method == "HEAD" or status in (204, 304):
            pass
        elif answer.header("transfer-encoding"):
            while size := int(self._line(), 16):
                self._exactly(answer, size)
                self._line()
            answer.trailers = self._fields()
        elif lengths:
            self._exactly(answer, int(lengths[0]))
        else:
            self._rest(answer)
        answer.whole, answer.how = True, "ended"

    def _exactly(self, answer, count):
        while count:
            if not self.pending:
                self._more()
            piece, self.pending = self.pending[:count], self.pending[count:]
            answer.body, count = answer.body + piece, count - len(piece)

    def _rest(self, answer):
        self.ended = True
        answer.body, self.pending = answer.body + self.pending, b""
        while piece := self.sock.recv(65536):
            answer.body += piece
