"""A slow end holds its own stream and nobody else's; a long path is filled; what is held has a limit."""
import os
import statistics
import threading
import time

import pytest

from conftest import World
from harness.origin import pattern
from harness.paths import FlowOrigin, FrameVisitor, LongPath
from harness.process import wait_until
from harness.visitor import timed, tls_socket

KIB, MIB = 1024, 1024 * 1024
ROUND_TRIP_S = 0.05
BODY_BYTES = 24 * MIB
TICKS = os.sysconf("SC_CLK_TCK")
# common/model/limits.h
FLOW_BYTES, FLOW_BYTES_MAX, TRANSPORT_OUT_BYTES = 64 * KIB, MIB, 256 * KIB
# TLS, HPACK and what AddressSanitizer adds to every block: 320 to 580 KiB a connection seen, none to speak of in a release.
UNCOUNTED_BYTES = MIB
CANCEL_BURST, CANCEL_PER_S = 500, 30


@pytest.fixture(scope="module")
def lane(build, authority, tmp_path_factory):
    """One worker, so that all meet in it."""
    made = World(build, tmp_path_factory.mktemp("lane"), authority, workers=1).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def files(lane):
    """nginx with large files: (origin, host)."""
    origin = lane.nginx()
    (origin.directory / "www/1m").write_bytes(bytes(1000000))
    (origin.directory / "www/40m").write_bytes(bytes(40 * MIB))
    _, host = lane.zone(origin.port)
    return origin, host


@pytest.fixture
def flows(lane):
    """An origin of frames: (origin, host)."""
    origin = FlowOrigin(lane.certificate)
    zone, host = lane.zone(origin.port, plan="enterprise",
                        settings={"origin_h2_max_streams": 1000, "origin_max_http_version": "2"})
    yield origin, host
    origin.stop()


def worker(lane):
    return lane.edge.worker_pids()[0]


def resident_bytes(lane):
    for line in open(f"/proc/{worker(lane)}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * KIB
    raise AssertionError("no VmRSS")


def settled(lane):
    """Waits until the worker has nothing more to do."""
    def idle():
        used_s = processor_s(lane)
        time.sleep(0.1)
        return processor_s(lane) == used_s
    wait_until(idle, "the worker is idle")


def processor_s(lane):
    fields = open(f"/proc/{worker(lane)}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


# ---- long paths

def rate_of_window():
    """What 64 KiB a round trip would give, and no more: a window that grew gives twice that on any machine."""
    return FLOW_BYTES / ROUND_TRIP_S


@pytest.mark.parametrize("visitor", ("h1", "h2"))
def test_23_01_a_download_fills_a_long_path_to_the_origin(lane, files, visitor):
    with LongPath(files[0].port, ROUND_TRIP_S) as path:
        _, host = lane.zone(path.port)
        assert lane.visitor(visitor).get(host, "/1k").status == 200

        page, took_s = timed(lambda: lane.visitor(visitor).get(host, "/40m"))

        assert page.code == 0 and len(page.body) == 40 * MIB
        assert 40 * MIB / took_s > 2 * rate_of_window(), f"{40 * MIB / took_s / 1e6:.1f} MB/s"


@pytest.mark.parametrize("visitor", ("h1", "h2"))
def test_23_02_an_upload_fills_a_long_path_to_the_visitor(lane, files, visitor):
    _, host = files
    with LongPath(lane.edge.https, ROUND_TRIP_S) as path:
        body = pattern(BODY_BYTES)
        page, took_s = timed(lambda: lane.visitor(visitor).get(
            host, "/post", "--connect-to", f"::127.0.0.1:{path.port}", "-H", "Expect:", data=body))

        assert page.code == 0 and page.status == 200
        assert BODY_BYTES / took_s > 2 * rate_of_window(), f"{BODY_BYTES / took_s / 1e6:.1f} MB/s"


# ---- slow ends

class Regular:
    """Asks for the same small page again and again over one connection."""

    def __init__(self, lane, host):
        self.host, self.sock = host, tls_socket(lane.edge, host)

    def once(self):
        started = time.monotonic()
        self.sock.sendall(b"GET /1k HTTP/1.1\r\nHost: %s\r\n\r\n" % self.host.encode())
        got = b""
        while b"\r\n\r\n" not in got or len(got.split(b"\r\n\r\n", 1)[1]) < 1024:
            piece = self.sock.recv(65536)
            assert piece, got
            got += piece
        return time.monotonic() - started

    def p99_ms(self, count=300):
        return statistics.quantiles((self.once() for _ in range(count)), n=100)[98] * 1000


def stuck_visitor(lane, host, kind):
    """Its kernel would take a body of 1 MB over HTTP/1.1 from the edge: there it is of 40."""
    if kind == "h2":
        made = FrameVisitor(lane.edge, host)
        made.ask("/1m")
        return made
    sock = tls_socket(lane.edge, host)
    sock.sendall(b"GET /40m HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode())
    return sock


@pytest.mark.parametrize("kind", ("h1", "h2"))
def test_23_03_visitors_that_never_read_do_not_slow_a_fast_one(lane, files, kind):
    _, host = files
    regular = Regular(lane, host)
    regular.p99_ms(100)
    seen, best = [], None
    # The machine has other things to do: the best of three, as what is measured is ours.
    for _ in range(3):
        alone_ms = regular.p99_ms()
        before = resident_bytes(lane)
        stuck = [stuck_visitor(lane, host, kind) for _ in range(20)]
        settled(lane)

        beside_ms = regular.p99_ms()

        grown = resident_bytes(lane) - before
        for one in stuck:
            one.close()
        seen.append((alone_ms, beside_ms, grown))
        if best is None or beside_ms / alone_ms < best:
            best = beside_ms / alone_ms
        if best <= 2:
            break
    assert best <= 2, seen
    # A kernel that takes the first megabytes is a fast reader at first.
    held = FLOW_BYTES if kind == "h2" else FLOW_BYTES_MAX
    assert all(grown < 20 * (held + TRANSPORT_OUT_BYTES + UNCOUNTED_BYTES) for *_, grown in seen), seen


@pytest.mark.parametrize("kind", ("h1", "h2"))
def test_23_04_stalled_uploads_hold_only_themselves(lane, flows, kind):
    origin, host = flows
    stuck = []
    for number in range(20):
        if kind == "h2":
            one = FrameVisitor(lane.edge, host)
            stream = one.ask("/stalled", "POST", end=False)
            one.turn()
            while one.upload(stream, 200000):
                pass
        else:
            one = tls_socket(lane.edge, host)
            one.sendall(b"POST /stalled HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000000\r\n\r\n" % host.encode()
                        + bytes(100000))
        stuck.append(one)
    # Each has sent as much as the origin's stream window takes.
    wait_until(lambda: [one.got for one in origin.seen("/stalled")].count(65535) == 20, "all are stalled")

    page = lane.visitor("h2").get(host, "/lively", data=bytes(1000000))

    assert page.status == 200 and page.code == 0
    assert {one.connection for one in origin.seen("/")} == {0}, "all met on one connection"
    assert origin.seen("/lively")[0].got == 1000000
    for one in stuck:
        one.close()


@pytest.mark.parametrize("visitor", ("h1", "h2"))
def test_23_05_a_window_that_becomes_negative_is_kept(lane, visitor):
    origin = ShrinkingOrigin(lane.certificate, window_bytes=100000)
    _, host = lane.zone(origin.port)

    page = lane.visitor(visitor).get(host, "/shrink", data=pattern(400000))

    assert page.status == 200 and page.code == 0
    assert origin.seen("/shrink")[0].got == 400000
    assert origin.broken == []
    origin.stop()


class ShrinkingOrigin(FlowOrigin):
    """Takes 50,000 bytes, shrinks windows to 1,000, then lets 500 bytes come, then the rest."""

    def __init__(self, *arguments, **options):
        self.broken = []
        super().__init__(*arguments, **options)

    def watch(self, connection, one):
        from harness.frames import settings
        connection.send(settings((4, 1000)))
        wait_until(lambda: connection.acks == 2, "SETTINGS are acknowledged")
        held = one.at_ack
        time.sleep(0.3)  # nothing may come in it: there is no condition to wait for
        if one.got != held:
            self.broken.append(("negative", held, one.got))
        connection.credit(one.id, held - 1000 + 500)
        wait_until(lambda: one.got >= held + 500, "what was allowed comes")
        time.sleep(0.2)
        if one.got != held + 500:
            self.broken.append(("allowed", held, one.got))
        connection.credit(one.id, 1 << 20)

    def taken(self, connection, one):
        if one.got >= 50000 and not hasattr(one, "watched"):
            one.watched = True
            threading.Thread(target=self.watch, args=(connection, one), daemon=True).start()


def test_23_06_late_bytes_of_cancelled_streams_do_not_use_up_the_connection(lane, flows):
    origin, host = flows
    for _ in range(2):
        visitor = FrameVisitor(lane.edge, host)
        visitor.allow(0, MIB)
        streams = [visitor.ask("/late") for _ in range(100)]
        wait_until(lambda: all(visitor.got[one] for one in streams) or (visitor.turn(1) and False), "all have begun")
        for one in streams:
            visitor.cancel(one)
        visitor.close()
    wait_until(lambda: sum(one.reset_at is not None for one in origin.seen("/late")) == 200, "all were cancelled")
    late = sum(one.late for one in origin.seen("/late"))
    assert late > 9 * MIB, f"{late} bytes: more than the connection's window of 8 MiB"

    page = lane.visitor("h2").get(host, "/after?bytes=3000000")

    assert len(page.body) == 3000000 and page.code == 0
    assert origin.seen("/after")[0].connection == 0 and len(origin.connections) == 1


@pytest.mark.parametrize("shared", (True, False), ids=("one-visitor", "three-visitors"))
def test_23_07_three_endless_uploads_share_fairly(lane, shared):
    origin = FlowOrigin(lane.certificate, conn_window_bytes=65535)
    _, host = lane.zone(origin.port)
    done = threading.Event()

    def endless(visitor, streams):
        while not done.is_set():
            if not sum(visitor.upload(one, 1 << 20) for one in streams):
                visitor.turn(1)

    visitors = [FrameVisitor(lane.edge, host) for _ in range(1 if shared else 3)]
    streams = [[one.ask("/endless", "POST", end=False) for _ in range(3 // len(visitors))] for one in visitors]
    for one in visitors:
        one.turn()
    threads = [threading.Thread(target=endless, args=pair) for pair in zip(visitors, streams)]
    for one in threads:
        one.start()
    wait_until(lambda: sum(one.got for one in origin.seen("/endless")) > 60 * MIB, "60 MiB have come", 20)
    done.set()
    for one in threads:
        one.join()

    shares = [one.got for one in origin.seen("/endless")]
    assert len(shares) == 3 and min(shares) >= 0.2 * sum(shares), shares
    for one in visitors:
        one.close()
    origin.stop()


def test_23_11_three_endless_downloads_of_one_visitor_share_fairly(lane, files):
    _, host = files
    visitor = FrameVisitor(lane.edge, host, window_bytes=1 << 20)
    streams = [visitor.ask("/40m") for _ in range(3)]
    credited = dict.fromkeys(streams, 0)
    while sum(visitor.got.values()) < 20 * MIB:
        assert visitor.turn()
        for one in streams:
            count = visitor.got[one] - credited[one]
            if count:
                visitor.allow(one, count)
                visitor.allow(0, count)
                credited[one] += count

    shares = [visitor.got[one] for one in streams]
    assert min(shares) >= 0.2 * sum(shares), shares
    visitor.close()


def test_23_08_visitors_that_cancel_at_once_cost_the_origin_no_flood(lane, flows):
    origin, host = flows
    assert lane.visitor("h2").get(host, "/warm").status == 200  # its SETTINGS are known from now on
    visitors = [FrameVisitor(lane.edge, host) for _ in range(200)]
    for number, one in enumerate(visitors):
        for _ in range(3):
            one.ask(f"/hang-{number}")
    wait_until(lambda: len(origin.seen("/hang")) == 600, "the origin has all")

    started = time.monotonic()
    for one in visitors:
        one.close()
    owed = CANCEL_BURST + 20

    wait_until(lambda: sum(one.reset_at is not None for one in origin.seen("/hang")) >= owed, "they were cancelled", 20)
    assert len(origin.connections) == 1
    at = sorted(one.reset_at - started for one in origin.seen("/hang") if one.reset_at is not None)
    allowed = [CANCEL_BURST + CANCEL_PER_S * (when + 0.1) for when in at]
    assert all(number + 1 <= most for number, most in enumerate(allowed)), (len(at), at[-1])
    assert lane.visitor("h2").get(host, "/after").status == 200


def test_23_09_a_visitor_that_dribbles_its_window_costs_little(lane, files):
    _, host = files
    visitor = FrameVisitor(lane.edge, host, window_bytes=0)
    stream = visitor.ask("/1m")
    assert visitor.turn()
    used_s, started = processor_s(lane), time.monotonic()

    for number in range(300):
        visitor.allow(stream, 1)
        while visitor.got[stream] <= number:
            assert visitor.turn()
        time.sleep(0.002)
    dribbled_s, took_s = processor_s(lane) - used_s, time.monotonic() - started
    used_s = processor_s(lane)
    time.sleep(1)  # silence, in which nothing may happen
    silent_s = processor_s(lane) - used_s

    assert visitor.got[stream] == 300
    assert dribbled_s < 0.6 * took_s, f"{dribbled_s:.2f} s of {took_s:.2f} s"
    assert silent_s < 0.1, f"{silent_s:.2f} s"
    visitor.close()


def test_23_10_readers_that_stop_after_a_fast_start_hold_what_the_limit_says(lane, files):
    _, host = files
    lane.visitor("h2").get(host, "/1m")
    before = resident_bytes(lane)
    visitors = [FrameVisitor(lane.edge, host, window_bytes=1 << 20) for _ in range(10)]
    for one in visitors:
        one.allow(0, 100 * MIB)
        stream = one.ask("/40m")
        credited = 0
        while one.got[stream] < 8 * MIB:
            assert one.turn()
            if one.got[stream] > credited:
                one.allow(stream, one.got[stream] - credited)
            credited = one.got[stream]

    settled(lane)

    assert resident_bytes(lane) - before < 10 * (FLOW_BYTES_MAX + TRANSPORT_OUT_BYTES + UNCOUNTED_BYTES)
    for one in visitors:
        one.close()
