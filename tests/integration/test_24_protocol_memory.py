"""What is learned about origins is shared by the workers, kept over a restart, and reported when HTTP/2 is suspended."""
import socket
import ssl
import time

import pytest

from harness.origin import H1Service, H2Service, Origin
from harness.process import wait_until
from harness.visitor import h2load

HANDSHAKE_S = 0.4


class Wayward(Origin):
    """An origin whose HTTP/2 does, after ALPN said h2, what `broken` says; None: it works.  Handshakes may be slow."""

    def __init__(self, broken=None, handshake_s=0.0, **options):
        self.broken, self.handshake_s = broken, handshake_s
        self.accepted_at, self.h2_dials = [], 0
        super().__init__(**options)

    def speak(self, *alpn):
        """Announces this from now on, and drops what is connected."""
        self.tls.set_alpn_protocols(list(alpn))
        with self.lock:
            for sock in list(self.open):
                sock.shutdown(socket.SHUT_RDWR)

    def _serve(self, plain, number):
        with self.lock:
            self.accepted_at.append(time.monotonic())
        sock = plain
        try:
            time.sleep(self.handshake_s)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock = self.tls.wrap_socket(plain, server_side=True)
            with self.lock:
                self.open.add(sock)
            h2 = sock.selected_alpn_protocol() == "h2"
            self.h2_dials += h2
            if h2 and self.broken:
                self.misbehave(sock)
            else:
                (H2Service if h2 else H1Service)(self, sock, number).run()
        except (OSError, ssl.SSLError):
            pass
        finally:
            with self.lock:
                self.open.discard(sock)
            sock.close()

    def misbehave(self, sock):
        if self.broken == "garbage":
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n" * 3)
        elif self.broken == "goaway":
            sock.recv(65536)
            sock.sendall(b"\0\0\0\4\0\0\0\0\0" + b"\0\0\x08\7\0\0\0\0\0" + b"\0\0\0\0" + b"\0\0\0\1")
        elif self.broken == "frames":
            sock.recv(65536)
            sock.sendall(b"\0\0\0\4\0\0\0\0\0" + b"\0\0\1\0\0\0\0\0\0x")  # DATA on stream 0
        if self.broken != "closed":
            while sock.recv(65536):
                pass


@pytest.fixture
def edge_world(make_world):
    made = make_world(workers=2, edge_flags=("--origin-suspension", "1500ms", "--origin-connect-timeout", "2s"))
    return made.start()


def wayward(world, **options):
    origin = Wayward(certificate=world.certificate, **options)
    world.origins.append(origin)
    return origin


def events_of(world, zone, **wanted):
    rows = world.api.ok("GET", f"/zones/{zone['id']}/origin_events").result
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def zone_learned_by_another(world, origin, streams):
    """A zone of which one worker heard first and another got the burst; returns the burst's accept times."""
    for attempt in range(24):
        _, host = world.zone(origin.port)
        assert world.visitor("h2").get(host, "/first").status == 200
        first = world.edge.await_access(1, host=host, path="/first")[0]["worker"]
        before = len(origin.accepted_at)
        counts = h2load(world.edge, host, f"/burst-{attempt}?head_delay_ms=300", clients=1, streams=streams,
                        requests=streams)
        assert counts["succeeded"] == streams, counts["text"]
        lines = world.edge.await_access(streams, host=host, path=f"/burst-{attempt}?head_delay_ms=300")
        if lines[0]["worker"] != first:
            return origin.accepted_at[before:]
    raise AssertionError("every connection came to the same worker")


def test_24_01_another_worker_dials_an_h2_origin_once(edge_world):
    origin = wayward(edge_world)

    dialled = zone_learned_by_another(edge_world, origin, 100)

    assert len(dialled) == 1


def test_24_02_another_worker_dials_an_h1_origin_for_each_at_once(edge_world):
    origin = wayward(edge_world, alpn=("http/1.1",), handshake_s=HANDSHAKE_S)

    dialled = zone_learned_by_another(edge_world, origin, 8)

    assert len(dialled) == 8
    assert max(dialled) - min(dialled) < HANDSHAKE_S, "nobody waited for a first ALPN"


@pytest.mark.parametrize("alpn", (("h2", "http/1.1"), ("http/1.1",)), ids=("h2", "h1"))
@pytest.mark.parametrize("end", ("stop", "kill"))
def test_24_03_knowledge_survives_a_restart(edge_world, alpn, end):
    origin = wayward(edge_world, alpn=alpn, handshake_s=HANDSHAKE_S)
    _, host = edge_world.zone(origin.port)
    assert edge_world.visitor("h2").get(host, "/first").status == 200
    if end == "kill":
        edge_world.edge.kill()
        for pid in edge_world.edge.orphan_pids():
            import os
            os.kill(pid, 9)
        wait_until(lambda: not edge_world.edge.orphan_pids(), "the workers are gone")
    else:
        edge_world.edge.stop()
    edge_world.edge.start()
    before = len(origin.accepted_at)

    counts = h2load(edge_world.edge, host, "/burst?head_delay_ms=300", clients=1, streams=8, requests=8)

    assert counts["succeeded"] == 8, counts["text"]
    dialled = origin.accepted_at[before:]
    assert len(dialled) == (1 if "h2" in alpn else 8)
    assert max(dialled) - min(dialled) < HANDSHAKE_S


@pytest.mark.parametrize("protocol", ("h1", "h2"))
def test_24_04_an_origin_that_changes_its_protocol_is_followed_within_one_dial(edge_world, protocol):
    origin = wayward(edge_world)
    _, host = edge_world.zone(origin.port)
    visitor = edge_world.visitor(protocol)
    assert visitor.get(host, "/before").headers["x-origin"] == "h2"

    for spoken, alpn in (("h1", ("http/1.1",)), ("h2", ("h2", "http/1.1"))):
        origin.speak(*alpn)
        wait_until(lambda: not origin.open, "connections are gone")
        before = len(origin.accepted_at)
        page = visitor.get(host, f"/now-{spoken}")
        assert (page.status, page.headers["x-origin"]) == (200, spoken)
        assert len(origin.accepted_at) == before + 1
        for number in range(6):
            page = visitor.get(host, f"/then-{spoken}-{number}")
            assert (page.status, page.headers["x-origin"]) == (200, spoken)


BROKEN = (("garbage", "h2_not_spoken"), ("silent", "h2_no_settings"), ("frames", "h2_protocol_errors"),
          ("goaway", "h2_goaways"), ("closed", "h2_closed"))


@pytest.mark.parametrize("broken, reason", BROKEN, ids=[one[0] for one in BROKEN])
@pytest.mark.parametrize("protocol", ("h1", "h2"))
def test_24_05_broken_h2_is_unseen_suspended_and_reported(make_world, protocol, broken, reason):
    world = make_world(workers=2, edge_flags=("--origin-connect-timeout", "500ms")).start()
    origin = wayward(world, broken=broken)
    zone, host = world.zone(origin.port)

    def served():
        page = world.visitor(protocol).get(host, "/page?bytes=2000")
        assert (page.status, page.headers.get("x-origin"), len(page.body)) == (200, "h1", 2000)
        return events_of(world, zone)

    events = wait_until(served, "HTTP/2 is suspended")

    assert [event["reason"] for event in events] == [reason]
    assert events[0]["origin"] == f"127.0.0.1:{origin.port}"
    assert events[0]["edge"] == "test-1" and events[0]["sni"] == host
    assert events[0]["until"] > events[0]["at"]
    assert '"event":"origin_event"' in world.control.log_path.read_text()
    dials = origin.h2_dials
    for _ in range(8):
        served()
    assert origin.h2_dials == dials, "nobody tries HTTP/2 while it rests, on either worker"


@pytest.mark.parametrize("protocol", ("h1", "h2"))
def test_24_06_a_reset_storm_is_unseen_and_suspends(edge_world, protocol):
    origin = wayward(edge_world)
    zone, host = edge_world.zone(origin.port)

    counts = 0
    while not events_of(edge_world, zone):
        assert (counts := counts + 1) < 60
        page = edge_world.visitor(protocol).get(host, f"/storm-{counts}?fail=reset&always=1")
        assert (page.status, page.headers["x-origin"]) == (200, "h1")

    assert [event["reason"] for event in events_of(edge_world, zone)] == ["h2_resets"]


def test_24_07_a_few_resets_among_answers_suspend_nothing(edge_world):
    origin = wayward(edge_world)
    zone, host = edge_world.zone(origin.port)

    for number in range(25):
        assert edge_world.visitor("h2").get(host, f"/bad-{number}?fail=reset&always=1").status == 200
        assert edge_world.visitor("h2").get(host, f"/good-{number}").headers["x-origin"] == "h2"

    assert events_of(edge_world, zone) == []


def test_24_08_h2_is_used_again_when_the_rest_is_over(edge_world):
    origin = wayward(edge_world, broken="garbage")
    zone, host = edge_world.zone(origin.port)
    visitor = edge_world.visitor("h2")
    assert visitor.get(host, "/broken").headers["x-origin"] == "h1"
    wait_until(lambda: events_of(edge_world, zone, reason="h2_not_spoken"), "it is suspended")
    origin.broken = None

    wait_until(lambda: visitor.get(host, "/again").headers["x-origin"] == "h2", "HTTP/2 is spoken again")

    rows = wait_until(lambda: events_of(edge_world, zone, reason="h2_resumed"), "it is reported")
    assert rows[0]["until"] is None
    for _ in range(6):
        assert visitor.get(host, "/and-again").headers["x-origin"] == "h2"


def test_24_09_events_wait_while_control_is_away(edge_world):
    origin = wayward(edge_world, broken="garbage")
    zone, host = edge_world.zone(origin.port)
    edge_world.control.stop()
    assert edge_world.visitor("h2").get(host, "/alone").headers["x-origin"] == "h1"

    edge_world.control.start()

    wait_until(lambda: events_of(edge_world, zone, reason="h2_not_spoken"), "the event came late")


def test_24_10_a_post_that_may_have_been_read_is_not_sent_again(edge_world):
    origin = wayward(edge_world)
    _, host = edge_world.zone(origin.port)

    page = edge_world.visitor("h2").get(host, "/post?fail=reset&always=1", data=b"once")

    assert page.status == 520
    assert len(origin.seen("/post")) == 1
