"""A real nginx as origin, with or without HTTP/2; its own log says what protocol it was spoken to in."""
import os
from pathlib import Path

from .process import Process, free_port, listening, wait_until

CONF = """
{user} daemon off; master_process on; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  log_format seen '$server_protocol $connection $connection_requests $request_method $request_uri $status';
  access_log {directory}/access.log seen;
  keepalive_requests {keepalive_requests}; client_max_body_size 64m; {http}
  server {{
    listen 127.0.0.1:{port} {listen} backlog=4096 reuseport;
    server_name _;
    {tls}
    root {directory}/www;
    location /echo {{ add_header x-protocol $server_protocol; add_header x-host $http_host; return 200 "$server_protocol\\n"; }}
    location = / {{ return 200 "This origin was spoken to over $server_protocol (connection $connection, request $connection_requests on it).\n"; }}
    location /post {{ proxy_pass http://127.0.0.1:{sink}; proxy_request_buffering on; }}
  }}
  server {{ listen 127.0.0.1:{sink} backlog=4096; access_log off; location / {{ return 200 "ok\\n"; }} }}
}}
"""


class Nginx(Process):
    def __init__(self, directory, name, certificate=None, http2=True, keepalive_requests=1000000, http="", port=None):
        self.directory = Path(directory, name)
        (self.directory / "www").mkdir(parents=True, exist_ok=True)
        (self.directory / "www/1k").write_bytes(b"x" * 1024)
        (self.directory / "www/100k").write_bytes(b"y" * 102400)
        self.port = port or free_port()
        tls, listen = "", ""
        if certificate:
            tls = f"ssl_certificate {certificate[0]}; ssl_certificate_key {certificate[1]};"
            listen = "ssl http2" if http2 else "ssl"
        (self.directory / "nginx.conf").write_text(CONF.format(
            user="user root;" if os.geteuid() == 0 else "",
            directory=self.directory, port=self.port, sink=free_port(), tls=tls, listen=listen,
            keepalive_requests=keepalive_requests, http=http))
        super().__init__(name, ["/usr/sbin/nginx", "-p", self.directory, "-c", self.directory / "nginx.conf"],
                         directory)

    def start(self, wait_ready=True):
        super().start(wait_ready=False)
        wait_until(lambda: listening(self.port), f"{self.name} accepts: {self.log_text()}")
        return self

    def seen(self, path=None):
        """(protocol, connection, requests on it, path) of every request that nginx logged."""
        log = self.directory / "access.log"
        found = []
        for line in log.read_text().splitlines() if log.exists() else ():
            protocol, connection, requests, _, uri, _ = line.split(" ", 5)
            if path is None or uri == path:
                found.append((protocol, int(connection), int(requests), uri))
        return found
