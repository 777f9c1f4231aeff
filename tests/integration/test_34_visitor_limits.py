"""What visitors may take: connections, handshakes, time, descriptors.  Slow ones go, the others notice nothing."""
import os
import resource
import socket
import ssl
import threading
import time

import pytest

from conftest import World
from harness.paths import FrameVisitor
from harness.process import wait_until
from harness.visitor import tls_socket

TICKS = os.sysconf("SC_CLK_TCK")
# A second instead of ten, and a tenth of the rate's bytes in it; a stall is seen after 5/4 of the grace.
QUICK = ("--client-head-timeout", "1s", "--client-grace", "1s", "--client-idle-timeout", "4s")
GONE_S = 10


@pytest.fixture(scope="module")
def tight(build, authority, tmp_path_factory):
    """One worker with little patience, so that all meet in it."""
    made = World(build, tmp_path_factory.mktemp("tight"), authority, workers=1, edge_flags=QUICK).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def site(tight):
    """(origin, host) of a scriptable origin."""
    origin = tight.origin()
    _, host = tight.zone(origin.port)
    return origin, host


def plain_socket(edge, rcvbuf=None):
    sock = socket.socket()
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.settimeout(20)
    sock.connect(("127.0.0.1", edge.http))
    return sock


def gone(sock, within_s=GONE_S):
    """The edge has ended the connection: how, as text."""
    sock.settimeout(within_s)
    last = b"ended"
    try:
        while piece := sock.recv(65536):
            last = piece
    except TimeoutError:
        raise AssertionError(f"still there after {within_s} s") from None
    except OSError:
        return "reset"
    return last[:15].decode("latin-1")


def established(sock):
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\1"


class Dribble:
    """Sends a byte now and then, until the connection ends; `gone_s` says when that was."""

    def __init__(self, sock, octets=b"x", pause_s=0.2):
        self.sock, self.octets, self.pause_s = sock, octets, pause_s
        self.gone_s, self.started = None, time.monotonic()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while True:
                self.sock.sendall(self.octets)
                time.sleep(self.pause_s)
        except OSError:
            self.gone_s = time.monotonic() - self.started

    def join(self):
        self.thread.join(GONE_S)
        assert self.gone_s is not None, "it may still send"


# ---- time

@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: a\r\nx: "])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_34_01_a_head_that_does_not_come_is_not_waited_for(tight, site, said, secure):
    sock = tls_socket(tight.edge, site[1]) if secure else plain_socket(tight.edge)
    sock.sendall(said)

    how = gone(sock)

    assert how.startswith("HTTP/1.1 408") if said else how == "ended"


def test_34_02_a_dribbled_head_is_late_as_a_whole(tight):
    sock = plain_socket(tight.edge)
    sock.sendall(b"GET / HTTP/1.1\r\nhost: a\r\nx: ")
    Dribble(sock).join()


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00"])
def test_34_03_a_handshake_that_does_not_end_is_cut(tight, said):
    sock = socket.create_connection(("127.0.0.1", tight.edge.https))
    sock.sendall(said)
    assert gone(sock) in ("ended", "reset")


def test_34_04_h2_without_a_request_is_told_goodbye(tight, site):
    sock = tls_socket(tight.edge, site[1], alpn=("h2",))
    sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
    gone(sock)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_34_05_a_dribbled_upload_is_cut(tight, site, secure):
    origin, host = site
    sock = tls_socket(tight.edge, host) if secure else plain_socket(tight.edge)
    path = f"/slow-{secure}"
    sock.sendall(f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 100000\r\n\r\n".encode() + b"x" * 5000)

    Dribble(sock).join()

    wait_until(lambda: origin.seen(path)[0].aborted, "the origin sees that it was cut")


def test_34_06_a_dribbled_h2_upload_is_cut(tight, site):
    visitor = FrameVisitor(tight.edge, site[1])
    stream = visitor.ask("/slow-h2", "POST", end=False)

    def cut():
        visitor.turn(0.1)
        if stream in visitor.reset or not established(visitor.sock):
            return True
        visitor.upload(stream, 1)
        return False

    wait_until(cut, "it is cut", GONE_S)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_34_07_who_does_not_take_its_answer_is_cut(tight, site, secure):
    _, host = site
    sock = plain_socket(tight.edge, rcvbuf=4096)
    if secure:
        sock.close()
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", tight.edge.https))
        settings = ssl.create_default_context()
        settings.check_hostname, settings.verify_mode = False, ssl.CERT_NONE
        sock = settings.wrap_socket(sock, server_hostname=host)
    sock.sendall(f"GET /big?bytes=8000000 HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    wait_until(lambda: not sock.recv(1) or not established(sock), "it is reset", GONE_S)


def test_34_08_who_takes_its_answer_slowly_enough_is_served(tight, site):
    _, host = site
    sock = plain_socket(tight.edge, rcvbuf=16384)
    sock.sendall(f"GET /big?bytes=600000 HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
    got = b""
    while piece := sock.recv(4000):
        got += piece
        time.sleep(0.02)
    assert len(got.partition(b"\r\n\r\n")[2]) == 600000


def test_34_09_a_closed_window_is_not_waited_for(tight, site):
    visitor = FrameVisitor(tight.edge, site[1], window_bytes=0)
    stream = visitor.ask("/window?bytes=100000")
    started = time.monotonic()
    while visitor.turn(GONE_S):
        if stream in visitor.reset:
            break
    assert time.monotonic() - started < GONE_S


@pytest.mark.parametrize("protocol", ["h1", "h2", "plain"])
def test_34_10_an_origin_may_be_silent_for_as_long_as_it_likes(tight, site, protocol):
    page = tight.visitor(protocol).get(site[1], "/events?bytes=30&chunks=3&chunk_delay_ms=1400&head_delay_ms=1500")
    assert (page.code, page.status, len(page.body)) == (0, 200, 30)


def test_34_11_a_connection_between_requests_is_kept_for_its_time(tight, site):
    sock = plain_socket(tight.edge)
    for pause_s in (0, 1.4, 1.4):  # longer than a head may take
        time.sleep(pause_s)
        sock.sendall(f"GET /kept?bytes=5 HTTP/1.1\r\nhost: {site[1]}\r\n\r\n".encode())
        got = b""
        while len(got.partition(b"\r\n\r\n")[2]) < 5:
            got += sock.recv(65536)
        assert got.startswith(b"HTTP/1.1 200")
    assert gone(sock) == "ended"


def processor_s(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@pytest.fixture
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_34_12_two_thousand_slow_visitors_go_and_one_is_always_served(tight, site, many_descriptors):
    _, host = site
    starts = [b"", b"GET /", f"POST /up HTTP/1.1\r\nhost: {host}\r\ncontent-length: 9\r\n\r\nx".encode(),
              f"GET / HTTP/1.1\r\nhost: {host}\r\nx-slow: ".encode()]
    slow = []
    for i in range(2000):
        sock = plain_socket(tight.edge)
        sock.sendall(starts[i % len(starts)])
        sock.setblocking(False)
        slow.append(sock)

    def left():
        page = tight.visitor("h2").get(host, "/victim?bytes=100")
        assert (page.code, page.status, len(page.body)) == (0, 200, 100)
        for sock in list(slow):
            try:
                while sock.recv(4096):
                    pass
                slow.remove(sock)
                sock.close()
            except BlockingIOError:
                pass
            except ConnectionResetError:
                slow.remove(sock)
                sock.close()
        return not slow

    wait_until(left, "all slow visitors are gone", 40)


# ---- numbers

def test_34_13_an_address_has_so_many_connections(make_world):
    world = make_world(workers=1, edge_flags=("--max-connections-per-address", "8"))
    world.start()
    _, host = world.zone(world.origin().port)
    held = [plain_socket(world.edge) for _ in range(8)]
    for sock in held:  # accepted, not only queued
        sock.sendall(f"GET / HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")

    for connect in (lambda: plain_socket(world.edge),
                    lambda: socket.create_connection(("127.0.0.1", world.edge.https))):
        assert gone(connect()) in ("ended", "reset")

    held.pop().close()
    wait_until(lambda: world.visitor("h2").get(host).status == 200, "there is room for another one")


def test_34_14_an_address_has_so_many_handshakes_a_second(make_world):
    world = make_world(workers=1, edge_flags=("--max-handshakes-per-second", "5"))
    world.start()
    _, host = world.zone(world.origin().port)
    quick = [socket.create_connection(("127.0.0.1", world.edge.https)) for _ in range(60)]

    def refused():
        return [sock for sock in quick if not established(sock)]

    # The burst: 1,024 at 500/s.
    wait_until(lambda: 20 <= len(refused()) <= 49, "those beyond the burst are closed")
    assert world.visitor("plain").get(host).status == 200
    wait_until(lambda: world.visitor("h2").get(host).status == 200, "tokens come back")


def set_descriptors(pid, count):
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (count, hard))


def test_34_15_without_descriptors_it_neither_spins_nor_stops(make_world):
    world = make_world(workers=1)
    world.start()
    _, host = world.zone(world.origin().port)
    assert world.visitor("h2").get(host).status == 200
    worker = world.edge.worker_pids()[0]
    soft, _ = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    set_descriptors(worker, 64)
    idle = [socket.create_connection(("127.0.0.1", world.edge.http)) for _ in range(120)]

    # Those who wait give way to who asks.
    assert world.visitor("h2").get(host, "/during").status == 200
    open_count = len(os.listdir(f"/proc/{worker}/fd"))
    assert open_count <= 64

    # None at all is left: not even an origin can be dialled, and nothing crashes.
    set_descriptors(worker, open_count - 20)
    started_s, used_s = time.monotonic(), processor_s(worker)
    late = [socket.create_connection(("127.0.0.1", world.edge.http)) for _ in range(20)]
    time.sleep(2)
    used = (processor_s(worker) - used_s) / (time.monotonic() - started_s)
    assert used < 0.05, f"{used:.0%} of a processor"

    set_descriptors(worker, soft)
    wait_until(lambda: world.visitor("h2").get(host, "/after", timeout_s=5).status == 200, "it recovers by itself")
    assert world.edge.worker_pids() == [worker]
    for sock in idle + late:
        sock.close()


# ---- zones

def test_34_16_a_flooded_zone_is_told_so_and_the_others_notice_nothing(make_world):
    world = make_world(workers=1, edge_flags=("--max-requests-per-zone", "40"))
    world.start()
    slow, quick = world.origin(), world.origin()
    _, flooded = world.zone(slow.port, plan="enterprise", settings={"origin_h2_max_streams": 1000})
    _, other = world.zone(quick.port)
    visitor = FrameVisitor(world.edge, flooded)
    streams = [visitor.ask("/hang?head_delay_ms=6000") for _ in range(100)]
    wait_until(lambda: (visitor.turn(0.1), len(visitor.ended) >= 60)[1], "those beyond the limit are answered")
    assert len(visitor.ended) == 60

    page = world.visitor("h1").get(flooded, "/one-more")
    assert (page.status, page.headers["x-edge-error"]) == (503, "zone_busy")
    assert int(page.headers["retry-after"]) > 0
    for _ in range(20):
        assert world.visitor("h2").get(other, "/other").status == 200
    assert "zone_busy" in world.edge.log_text()
    assert len(world.edge.access(err="zone_busy")) == 61

    wait_until(lambda: (visitor.turn(0.1), len(visitor.ended) == len(streams))[1], "the others are answered", 30)
    assert world.visitor("h1").get(flooded, "/again").status == 200
