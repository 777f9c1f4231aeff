"""Behind a load balancer: the PROXY protocol and X-Forwarded-For, of those the operator trusts and of nobody else."""
import socket
import ssl
import struct
import subprocess

import pytest

from conftest import World
from harness.process import Process, free_port, wait_until

VISITOR = "203.0.113.7"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source=VISITOR):
    return f"PROXY TCP{6 if ':' in source else 4} {source} {'::1' if ':' in source else '192.0.2.1'} 51000 443\r\n".encode()


def v2(source=VISITOR, command=0x21, tlvs=b""):
    rest = socket.inet_aton(source) + socket.inet_aton("192.0.2.1") + struct.pack(">HH", 51000, 443) + tlvs
    return SIGNATURE + bytes((command, 0x11)) + struct.pack(">H", len(rest)) + rest


@pytest.fixture(scope="module")
def trusting(build, authority, tmp_path_factory):
    """127.0.0.1 is a trusted proxy, and so is 10.0.0.0/8; 127.0.0.2 is anybody."""
    flags = ("--trusted-proxy", "127.0.0.1", "--trusted-proxy", "10.0.0.0/8", "--client-head-timeout", "3s")
    made = World(build, tmp_path_factory.mktemp("trusting"), authority, workers=1, edge_flags=flags).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def site(trusting):
    origin = trusting.origin()
    _, host = trusting.zone(origin.port)
    return origin, host


def ask(world, host, path, before=b"", fields="", secure=False, source="127.0.0.1"):
    """The status of one request behind these bytes; 0 when there is no answer."""
    port = world.edge.https if secure else world.edge.http
    sock = socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))
    try:
        sock.sendall(before)
        if secure:
            settings = ssl.create_default_context()
            settings.check_hostname, settings.verify_mode = False, ssl.CERT_NONE
            sock = settings.wrap_socket(sock, server_hostname=host)
        sock.sendall(f"GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{fields}\r\n".encode())
        got = b""
        while piece := sock.recv(65536):
            got += piece
        return int(got.split(b" ", 2)[1]) if got else 0
    except (OSError, ssl.SSLError):
        return 0
    finally:
        sock.close()


def told(origin, path):
    """(CF-Connecting-IP, X-Forwarded-For) as the origin saw them."""
    seen = origin.seen(path)[0]
    return seen.header("cf-connecting-ip"), seen.header("x-forwarded-for")


HEADERS = {
    "v1": (v1(), VISITOR),
    "v1-ipv6": (v1("2001:db8::7"), "2001:db8::7"),
    "v1-unknown": (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    "v2": (v2(), VISITOR),
    "v2-tlv": (v2(tlvs=b"\x04\0\x01\0" * 50), VISITOR),
    "v2-local": (v2(command=0x20), "127.0.0.1"),
    "none": (b"", "127.0.0.1"),
}


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_35_01_a_trusted_proxy_says_whose_connection_it_is(trusting, site, name, secure):
    origin, host = site
    before, visitor = HEADERS[name]
    path = f"/{name}-{secure}"

    assert ask(trusting, host, path, before, secure=secure) == 200

    assert told(origin, path) == ([visitor], [visitor])
    assert trusting.edge.await_access(path=path)[0]["client"] == visitor


@pytest.mark.parametrize("name", ["v1", "v2"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_35_02_of_anybody_else_it_is_garbage(trusting, site, name, secure):
    origin, host = site
    path = f"/stranger-{name}-{secure}"
    assert ask(trusting, host, path, HEADERS[name][0], secure=secure, source="127.0.0.2") in (0, 400)
    assert not origin.seen(path)


BROKEN = [b"PROXY TCP4 nobody 192.0.2.1 1 2\r\n", b"PROXY TCP4 1.2.3.4 192.0.2.1 1 99999\r\n", v2(command=0x31),
          SIGNATURE + b"\x21\x11\xff\xff", b"PROXY " + b"x" * 200]


@pytest.mark.parametrize("before", BROKEN, ids=range(len(BROKEN)))
def test_35_03_a_broken_header_is_refused(trusting, site, before):
    assert ask(trusting, site[1], "/broken", before) == 0
    assert not site[0].seen("/broken")


def test_35_04_a_header_may_come_in_pieces_and_must_come_in_time(trusting, site):
    origin, host = site
    sock = socket.create_connection(("127.0.0.1", trusting.edge.http), 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for octet in v2() + f"GET /pieces HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode():
        sock.sendall(bytes((octet,)))
    assert sock.recv(65536).startswith(b"HTTP/1.1 200")
    assert told(origin, "/pieces") == ([VISITOR], [VISITOR])

    sock = socket.create_connection(("127.0.0.1", trusting.edge.http), 10)
    sock.sendall(v1()[:20])
    sock.settimeout(15)
    try:
        assert sock.recv(1) == b""
    except ConnectionResetError:
        pass


FORWARDED = [
    # X-Forwarded-For as it comes from a trusted proxy, and who the visitor then is.
    (VISITOR, VISITOR),
    (f"192.0.2.66, {VISITOR}", VISITOR),
    (f"192.0.2.66, {VISITOR}, 10.1.2.3", VISITOR),
    ("2001:db8::7", "2001:db8::7"),
    ("10.1.2.3", "10.1.2.3"),
    (f"{VISITOR}, nonsense", "127.0.0.1"),
]


@pytest.mark.parametrize("case", range(len(FORWARDED)))
def test_35_05_a_trusted_proxy_forwards_for_others(trusting, site, case):
    origin, host = site
    sent, visitor = FORWARDED[case]
    path = f"/forwarded-{case}"

    assert ask(trusting, host, path, fields=f"X-Forwarded-For: {sent}\r\n") == 200

    assert told(origin, path) == ([visitor], [f"{sent}, 127.0.0.1"])
    assert trusting.edge.await_access(path=path)[0]["client"] == visitor


def test_35_06_a_visitor_behind_a_header_forwards_for_nobody(trusting, site):
    origin, host = site
    assert ask(trusting, host, "/forged", v1(), "X-Forwarded-For: 192.0.2.66\r\n") == 200
    assert told(origin, "/forged") == ([VISITOR], [f"192.0.2.66, {VISITOR}"])


def test_35_07_strangers_are_appended_to_and_never_believed(trusting, site):
    origin, host = site
    fields = "X-Forwarded-For: 192.0.2.66\r\nCF-Connecting-IP: 192.0.2.67\r\nX-Forwarded-Proto: https\r\n" \
             "CF-Visitor: {}\r\nCF-Ray: mine\r\n"
    assert ask(trusting, host, "/stranger", fields=fields, source="127.0.0.2") == 200
    assert told(origin, "/stranger") == (["127.0.0.2"], ["192.0.2.66, 127.0.0.2"])
    seen = origin.seen("/stranger")[0]
    assert seen.header("x-forwarded-proto") == ["http"]
    assert seen.header("cf-visitor") == ['{"scheme":"http"}']
    assert len(seen.header("cf-ray")) == 1 and seen.header("cf-ray") != ["mine"]


def test_35_08_limits_are_those_of_the_visitor_behind_the_proxy(make_world):
    world = make_world(workers=1, edge_flags=("--trusted-proxy", "127.0.0.1", "--max-connections-per-address", "3"))
    world.start()
    origin = world.origin()
    _, host = world.zone(origin.port)
    held = []

    def hold(source):
        sock = socket.create_connection(("127.0.0.1", world.edge.http), 10)
        sock.sendall(v1(source) + f"GET / HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        held.append(sock)
        try:
            return sock.recv(65536)[:12]
        except ConnectionResetError:
            return b""

    assert [hold(VISITOR) for _ in range(5)] == [b"HTTP/1.1 200"] * 3 + [b""] * 2
    assert hold("203.0.113.8") == b"HTTP/1.1 200"
    for sock in held:
        sock.close()


@pytest.mark.parametrize("source,said,status,scheme", [
    ("127.0.0.1", "https", 200, "https"), ("127.0.0.1", "http", 301, None), ("127.0.0.1", "http, https", 200, "https"),
    ("127.0.0.1", "https, http", 301, None), ("127.0.0.2", "https", 301, None)])
def test_35_10_a_trusted_proxy_that_ends_tls_is_not_redirected(trusting, source, said, status, scheme):
    origin = trusting.origin()
    _, host = trusting.zone(origin.port, settings={"always_use_https": "on"})

    assert ask(trusting, host, "/once", fields=f"X-Forwarded-Proto: {said}\r\n", source=source) == status

    assert [(seen.header("x-forwarded-proto"), seen.header("cf-visitor")) for seen in origin.seen("/once")] == \
        ([([scheme], [f'{{"scheme":"{scheme}"}}'])] if scheme else [])


def test_35_11_a_trusted_proxy_may_tell_of_plain_http_over_tls(trusting, site):
    origin, host = site
    for source, scheme in (("127.0.0.1", "http"), ("127.0.0.2", "https")):
        path = f"/told-over-tls-{scheme}"
        assert ask(trusting, host, path, fields="X-Forwarded-Proto: http\r\n", secure=True, source=source) == 200
        assert origin.seen(path)[0].header("x-forwarded-proto") == [scheme]


HAPROXY = """
global
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend visitors
  bind 127.0.0.2:{port}
  default_backend edge
backend edge
  server edge 127.0.0.1:{edge} {how} source 127.0.0.1
"""


@pytest.mark.parametrize("how", ["send-proxy", "send-proxy-v2", "send-proxy-v2-ssl-cn"])
def test_35_09_haproxy_in_front_of_tls(trusting, site, tmp_path, how):
    origin, host = site
    port = free_port()
    (tmp_path / "haproxy.cfg").write_text(HAPROXY.format(port=port, edge=trusting.edge.https, how=how))
    balancer = Process("haproxy", ["/usr/sbin/haproxy", "-db", "-f", tmp_path / "haproxy.cfg"], tmp_path)
    balancer.start(wait_ready=False)
    try:
        def answered():
            done = subprocess.run(["curl", "-sk", "--http2", "--interface", "127.0.0.3", "--resolve",
                                   f"{host}:{port}:127.0.0.2", f"https://{host}:{port}/{how}?bytes=5"],
                                  stdout=subprocess.PIPE, timeout=20)
            return len(done.stdout) == 5
        wait_until(answered, "haproxy passes it on")
        assert told(origin, f"/{how}")[0] == ["127.0.0.3"]
    finally:
        balancer.kill()
