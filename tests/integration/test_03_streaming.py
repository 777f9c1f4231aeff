"""Bodies stream with bounded memory, and what was cut looks cut."""
import hashlib
import socket
import time
from pathlib import Path

import pytest

from harness.origin import pattern
from harness.process import wait_until
from harness.visitor import read_all, tls_socket

KINDS = {"h1": ("http/1.1",), "h2": ("h2", "http/1.1")}


def resident_kib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


@pytest.fixture(params=KINDS)
def site(request, world):
    origin = world.origin(alpn=KINDS[request.param])
    zone, host = world.zone(origin.port)
    return origin, host


@pytest.mark.parametrize("visitor", ("h1", "h2"))
def test_03_01_a_large_body_does_not_grow_the_edge(site, world, visitor):
    _, host = site
    world.visitor(visitor).get(host, "/warm?bytes=100000")
    before = sum(map(resident_kib, world.edge.worker_pids()))

    page = world.visitor(visitor).get(host, "/large?bytes=30000000&chunks=30")

    grown = sum(map(resident_kib, world.edge.worker_pids())) - before
    assert hashlib.sha256(page.body).digest() == hashlib.sha256(pattern(30000000)).digest()
    assert grown < 12000, f"{grown} KiB"


def test_03_02_a_visitor_that_reads_nothing_holds_little(site, world):
    origin, host = site
    world.visitor("h2").get(host, "/warm")
    before = sum(map(resident_kib, world.edge.worker_pids()))
    socks = []
    for number in range(10):
        sock = tls_socket(world.edge, host)
        sock.sendall(b"GET /stuck-%d?bytes=20000000 HTTP/1.1\r\nHost: %s\r\n\r\n" % (number, host.encode()))
        socks.append(sock)
    wait_until(lambda: len(origin.seen("/stuck-")) == 10, "the origin saw all ten")

    page = world.visitor("h2").get(host, "/lively?bytes=200000")

    assert page.body == pattern(200000)
    grown = sum(map(resident_kib, world.edge.worker_pids())) - before
    assert grown < 10 * 1024 + 12000, f"{grown} KiB"
    for sock in socks:
        sock.close()


@pytest.mark.parametrize("visitor", ("h1", "h2"))
@pytest.mark.parametrize("framing", ("", "&chunked=1"))
def test_03_03_a_cut_answer_looks_cut(site, world, visitor, framing):
    _, host = site

    page = world.visitor(visitor).get(host, f"/cut?bytes=100000&chunks=4&chunk_delay_ms=20&fail=truncate{framing}")

    assert page.code != 0, "curl took a truncated answer for a whole one"
    assert len(page.body) < 100000


def test_03_04_a_visitor_that_leaves_mid_upload_is_seen_as_aborted(site, world):
    origin, host = site
    sock = tls_socket(world.edge, host)
    sock.sendall(b"POST /gone HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000000\r\n\r\n" % host.encode() + b"x" * 50000)
    wait_until(lambda: origin.seen("/gone"), "the origin saw the upload begin")

    sock.close()

    wait_until(lambda: origin.seen("/gone")[0].aborted, "the origin saw it end early")
    assert not origin.seen("/gone")[0].ended


def test_03_05_a_visitor_that_leaves_mid_answer_frees_the_origin(site, world):
    origin, host = site
    sock = tls_socket(world.edge, host)
    sock.sendall(b"GET /left?bytes=50000000&chunks=50 HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode())
    assert sock.recv(1000)

    sock.close()

    line = world.edge.await_access(host=host, path="/left?bytes=50000000&chunks=50")[-1]
    assert line["err"] == "client_gone"
    assert world.visitor("h1").get(host, "/next").status == 200


def test_03_06_a_trickling_upload_arrives(site, world):
    origin, host = site
    body = pattern(3000)
    sock = tls_socket(world.edge, host)
    sock.sendall(b"POST /trickle?echo=1 HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: 3000\r\n\r\n"
                 % host.encode())
    for at in range(0, 3000, 100):
        sock.sendall(body[at:at + 100])
        time.sleep(0.005)

    got, error = read_all(sock)

    assert error is None and got.endswith(body)


def test_03_07_half_a_request_and_silence_costs_nobody(site, world):
    _, host = site
    idle = [socket.create_connection(("127.0.0.1", world.edge.http)) for _ in range(50)]
    for sock in idle:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: ")

    assert world.visitor("plain").get(host, "/x").status == 200

    for sock in idle:
        sock.close()
