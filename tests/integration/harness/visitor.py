"""Visitors: curl in each protocol, and raw sockets for what curl would not send."""
import socket
import ssl
import time
from dataclasses import dataclass

from .process import run

PROTOCOLS = ("h1", "h2", "plain")


@dataclass
class Page:
    status: int
    protocol: str
    headers: dict
    body: bytes
    interim: list
    code: int


def _parse(raw):
    """Heads and body of what `curl -i` printed; interim heads apart."""
    interim = []
    while True:
        head, _, rest = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            name = name.lower()
            headers[name] = headers[name] + "\n" + value if name in headers else value
        if not 100 <= status < 200:
            return status, words[0], headers, rest, interim
        interim.append((status, headers))
        raw = rest


class Visitor:
    """Speaks to one edge; `protocol` is h1, h2 (TLS) or plain."""

    def __init__(self, edge, protocol="h2"):
        self.edge = edge
        self.protocol = protocol

    def get(self, host, path="/", *flags, data=None, timeout_s=60):
        secure = self.protocol != "plain"
        port = self.edge.https if secure else self.edge.http
        scheme = "https" if secure else "http"
        command = ["curl", "-sS", "-i", "-k", "--max-time", timeout_s, "--http2" if self.protocol == "h2" else "--http1.1",
                   "--resolve", f"{host}:{port}:127.0.0.1", *flags, f"{scheme}://{host}:{port}{path}"]
        if data is not None:
            command[1:1] = ["--data-binary", "@-"]
        import subprocess
        done = subprocess.run([str(part) for part in command], input=data, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout_s + 10)
        status, protocol, headers, body, interim = _parse(done.stdout) if done.stdout else (0, "", {}, b"", [])
        return Page(status, protocol, headers, body, interim, done.returncode)


def tls_socket(edge, host, alpn=("http/1.1",), timeout_s=20, verify=None):
    """A TLS connection to the edge with SNI `host`."""
    settings = ssl.create_default_context(cafile=verify)
    if not verify:
        settings.check_hostname = False
        settings.verify_mode = ssl.CERT_NONE
    if alpn:
        settings.set_alpn_protocols(list(alpn))
    plain = socket.create_connection(("127.0.0.1", edge.https), timeout=timeout_s)
    return settings.wrap_socket(plain, server_hostname=host)


def read_all(sock):
    """Everything until the end; a reset ends it too, and shows as the second value."""
    got = b""
    try:
        while piece := sock.recv(65536):
            got += piece
    except (ConnectionResetError, ssl.SSLError) as error:
        return got, error
    return got, None


def h2load(edge, host, path="/1k", clients=1, streams=1, requests=None, duration_s=None, flags=()):
    """Runs h2load against the edge and returns its counts."""
    command = ["h2load", "-c", clients, "-m", streams, *flags, "--connect-to", f"127.0.0.1:{edge.https}"]
    command += ["-D", duration_s] if duration_s else ["-n", requests]
    done = run([*command, f"https://{host}:{edge.https}{path}"], timeout=(duration_s or 0) + 180)
    return parse_h2load(done.stdout + done.stderr)


def parse_h2load(text):
    """requests: {total, started, done, succeeded, failed, errored, timeout}; status: {"2xx": n, ...}."""
    counts, status = {}, {}
    for line in text.splitlines():
        if line.startswith("requests:"):
            for part in line.split(":", 1)[1].split(","):
                number, word = part.split()[:2]
                counts[word] = int(number)
        if line.startswith("status codes:"):
            for part in line.split(":", 1)[1].split(","):
                number, word = part.split()[:2]
                status[word] = int(number)
    assert counts, text
    counts["status"] = status
    counts["text"] = text
    return counts


def timed(action):
    """(result, seconds)."""
    started = time.monotonic()
    return action(), time.monotonic() - started
