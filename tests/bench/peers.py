"""The proxies that are measured: each is started alone, pinned to one core, between the same visitors and the same origin."""
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))

from harness.control import Control  # noqa: E402
from harness.edge import Edge  # noqa: E402
from harness.process import Process, free_port, listening, wait_until  # noqa: E402

PROXY_CORE, OTHER_CORE = "0", "1"
HOST = "bench.example.net"

HAPROXY = """
global
    nbthread 1
    maxconn 8000
defaults
    mode http
    timeout connect 10s
    timeout client 120s
    timeout server 120s
frontend visitors
    bind 127.0.0.1:{port} ssl crt {directory}/both.pem alpn h2,http/1.1
    default_backend origin
backend origin
    http-reuse always
    server one 127.0.0.1:{origin} ssl verify none alpn {alpn}
"""

NGINX = """
{user} daemon off; worker_processes 1; pid {directory}/proxy.pid; error_log {directory}/proxy-error.log crit;
events {{ worker_connections 20000; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s; client_max_body_size 64m;
  client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 1024; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} ssl http2 backlog=8192; http2_max_concurrent_streams 128;
    ssl_certificate {chain}; ssl_certificate_key {key}; ssl_session_tickets on;
    location / {{ proxy_pass https://origin; proxy_http_version 1.1; proxy_set_header Connection "";
                  proxy_request_buffering off; }}
  }}
}}
"""


class Peer(Process):
    """A proxy as the scorecard sees it: where visitors connect, which processes are it."""

    speaks_h2_to_origins = True

    def __init__(self, name, command, directory, port):
        super().__init__(name, ["taskset", "-c", PROXY_CORE, *command], directory)
        self.port = port

    def start(self, wait_ready=True):
        super().start(wait_ready=False)
        try:
            wait_until(lambda: listening(self.port) or not self.running(), f"{self.name} accepts", 60)
            assert self.running(), f"{self.name} ended: {self.log_text()}"
        except AssertionError:
            self.stop()
            raise
        return self

    def pids(self):
        """The process and all below it."""
        found, new = [], [self.pid]
        while new:
            pid = new.pop()
            found.append(pid)
            try:
                new += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            except OSError:
                pass
        return found

    def stop(self):
        if self.running():
            self.popen.terminate()
            try:
                self.popen.wait(15)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(15)
            self.log.close()


def haproxy(bench, directory, wrap=()):
    port = free_port()
    chain, key = bench.certificate
    (directory / "both.pem").write_bytes(chain.read_bytes() + key.read_bytes())
    (directory / "haproxy.cfg").write_text(HAPROXY.format(directory=directory, port=port, origin=bench.origin.port,
                                                          alpn="h2" if bench.origin_h2 else "http/1.1"))
    return Peer("haproxy", [*wrap, "/usr/sbin/haproxy", "-db", "-f", directory / "haproxy.cfg"], directory, port)


def nghttpx(bench, directory, wrap=()):
    port = free_port()
    chain, key = bench.certificate
    proto = "h2" if bench.origin_h2 else "http/1.1"
    return Peer("nghttpx", [*wrap, "/usr/sbin/nghttpx", "--conf=/dev/null", "--workers=1", f"--frontend=127.0.0.1,{port}",
                            f"--backend=127.0.0.1,{bench.origin.port};;proto={proto};tls", "--insecure",
                            "--log-level=FATAL", "--accesslog-file=/dev/null", "--no-ocsp",
                            "--frontend-http2-max-concurrent-streams=128", str(key), str(chain)], directory, port)


def nginx(bench, directory, wrap=()):
    port = free_port()
    chain, key = bench.certificate
    (directory / "proxy.conf").write_text(NGINX.format(
        user="user root;" if os.geteuid() == 0 else "", directory=directory, port=port, origin=bench.origin.port,
        chain=chain, key=key))
    peer = Peer("nginx", [*wrap, "/usr/sbin/nginx", "-p", directory, "-c", directory / "proxy.conf"], directory, port)
    peer.speaks_h2_to_origins = False
    return peer


class Trunkline(Peer):
    """The edge; its control runs unpinned beside it and is not part of the figures."""

    def __init__(self, bench, directory, wrap=()):
        self.control = Control(bench.build, directory).bootstrap()
        edge = Edge(bench.build, directory, self.control.socket, 1)
        edge.command = edge.command[:edge.command.index("--access-log")] + \
            edge.command[edge.command.index("--access-log") + 2:]
        super().__init__("trunkline", [*wrap, *edge.command], directory, edge.https)
        self.bench = bench

    def start(self, wait_ready=True):
        self.control.start()
        zone = self.control.api.zone(self.control.account_id, HOST)
        if not self.bench.origin_h2:
            self.control.api.setting(zone["id"], "origin_max_http_version", "1")
        answer = self.control.api.origin(zone["id"], HOST, self.bench.origin.port)
        Process.start(self, wait_ready=False)
        self.wait_ready(120)
        self.control.api.applied(answer, zone["id"], "20s")
        return self

    def stop(self):
        super().stop()
        self.control.stop()


PEERS = {"trunkline": Trunkline, "haproxy": haproxy, "nghttpx": nghttpx, "nginx": nginx}
