"""Connections to origins end in order, dead ones are noticed, and what fails is tried again, but nothing twice."""
import json
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.frames import CALM, GOOD, GOOD_BODY, PING, FrameOrigin, ACK, close_notify, goaway, head, rst, settings, wait
from harness.names import Blackhole, Names
from harness.origin import Origin
from harness.process import free_port, wait_until
from harness.visitor import h2load, timed
from test_06_origin_faults import Mute

VISITORS = ("h1", "h2")
QUIET_S, PING_S = 3, 2  # LIMIT_ORIGIN_QUIET_MS, LIMIT_ORIGIN_PING_MS
BODY = b"once" * 5000


@pytest.fixture(scope="module")
def names():
    """example.test names that the edge's resolver knows."""
    made = Names({"dual.example.test": ["::1", "127.0.0.1"], "four.example.test": ["127.0.0.3", "127.0.0.4"]})
    yield made
    made.stop()


@pytest.fixture(scope="module")
def place(build, authority, tmp_path_factory, names):
    """One worker; uploads of 100 KB; two seconds for connections."""
    from conftest import World
    made = World(build, tmp_path_factory.mktemp("pool"), authority, workers=1,
                 edge_flags=("--resolver", f"127.0.0.1:{names.port}", "--max-upload", "100k",
                             "--origin-connect-timeout", "2s")).start()
    yield made
    made.stop()


@pytest.fixture
def framed(place):
    """Makes origins that speak in frames; ends them."""
    made = []

    def make(**options):
        made.append(FrameOrigin(place.certificate, **options))
        _, host = place.zone(made[-1].port)
        return made[-1], host

    yield make
    for one in made:
        one.stop()


def warm(place, host, path="/warm"):
    assert place.visitor("h2").get(host, path).status == 200


# ---- connections end in order

@pytest.mark.parametrize("alpn", (("h2",), ("http/1.1",)), ids=("h2", "h1"))
def test_25_01_a_connection_is_drained_after_its_requests(make_world, alpn):
    lone = make_world(workers=1, edge_flags=("--origin-connection-requests", "20")).start()
    origin = lone.origin(alpn=alpn)
    _, host = lone.zone(origin.port)

    counts = h2load(lone.edge, host, "/n", clients=2, streams=4, requests=400)

    assert counts["succeeded"] == 400, counts["text"]
    per_connection = {}
    for seen in origin.seen("/n"):
        per_connection[seen.connection] = per_connection.get(seen.connection, 0) + 1
    assert max(per_connection.values()) <= 20
    assert 20 <= len(per_connection) <= 40
    # They differ, so that connections that opened together do not end together.
    assert min(per_connection.values()) < 20


def test_25_02_a_connection_is_drained_when_it_is_old_and_not_cut(make_world):
    lone = make_world(workers=1, edge_flags=("--origin-connection-age", "1s")).start()
    origin = lone.origin()
    _, host = lone.zone(origin.port)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(lone.visitor("h2").get, host, "/slow?chunks=10&chunk_delay_ms=250&bytes=1000")
        wait_until(lambda: origin.seen("/slow"), "the slow one runs")
        wait_until(lambda: lone.visitor("h2").get(host, "/quick").status == 200 and origin.connections == 2,
                   "a second connection")
        page = slow.result()

    assert page.status == 200 and len(page.body) == 1000
    assert origin.seen("/slow")[0].connection == 1


# ---- liveness

def test_25_03_a_dead_connection_holds_nobody_longer_than_a_ping(framed, place):
    """The socket stays open and nothing answers; the second connection is a good one."""
    def die(connection, _):
        connection.take = lambda *_: None

    def one(visitor, kind, origin, host):
        origin.plan("/die", [*GOOD, die])
        warm(place, host, "/die")
        if kind != "running":
            time.sleep(QUIET_S + 0.2)  # what is tested is what silence does
        data = BODY if kind == "post" else None
        page, took_s = timed(lambda: place.visitor(visitor).get(host, "/page", data=data))
        return visitor, kind, page.status, took_s, [(r.connection, r.body) for r in origin.seen("/page")]

    cases = [(visitor, kind, *framed()) for visitor in VISITORS for kind in ("get", "post", "running")]
    with ThreadPoolExecutor(len(cases)) as pool:
        for visitor, kind, status, took_s, seen in pool.map(lambda case: one(*case), cases):
            assert status == 200, (visitor, kind)
            assert took_s < PING_S + 1.5 + (QUIET_S if kind == "running" else 0), (visitor, kind, took_s)
            assert seen == [(2, BODY if kind == "post" else b"")], (visitor, kind)


def test_25_04_a_slow_answer_is_asked_about_once_and_waited_for(framed, place):
    origin, host = framed()
    warm(place, host)
    origin.plan("/slow", [wait(QUIET_S * 2 + 1.5), *GOOD])

    page = place.visitor("h2").get(host, "/slow")

    assert page.status == 200 and page.body == GOOD_BODY
    assert len([1 for number, kind, flags, *_ in origin.frames if kind == PING and not flags & ACK]) == 1


# ---- addresses

def dual_zone(place, port, name):
    zone, host = place.zone(free_port())
    record = place.api.ok("GET", f"/zones/{zone['id']}/dns_records").result[0]
    place.api.ok("DELETE", f"/zones/{zone['id']}/dns_records/{record['id']}")
    place.api.applied(place.api.origin(zone["id"], host, port, name), zone["id"])
    return host


@pytest.mark.parametrize("fault", ("silent", "refused"))
def test_25_05_the_addresses_of_a_name_are_raced(place, fault):
    origin = place.origin()
    hole = Blackhole("::1", origin.port) if fault == "silent" else None
    host = dual_zone(place, origin.port, "dual.example.test")

    page, took_s = timed(lambda: place.visitor("h2").get(host, "/first"))

    assert page.status == 200
    assert took_s < 1.5
    if hole:
        hole.stop()


def test_25_06_ipv6_is_tried_first(place):
    six = Origin(certificate=place.certificate, host="::1")
    four = place.origin(port=six.port)
    host = dual_zone(place, six.port, "dual.example.test")
    assert place.visitor("h2").get(host, "/six").status == 200
    assert six.connections == 1 and four.connections == 0
    six.stop()


def test_25_07_an_origin_that_dies_and_comes_back_is_never_seen_to(place):
    first, second = place.origin(), place.origin(host="127.0.0.2")
    zone, host = place.zone(first.port)
    place.api.applied(place.api.origin(zone["id"], host, second.port, address="127.0.0.2"), zone["id"])

    def burst(path, count=60):
        counts = h2load(place.edge, host, path, clients=4, streams=5, requests=count)
        assert counts["succeeded"] == count, counts["text"]

    burst("/both?head_delay_ms=20")
    assert first.seen("/both") and second.seen("/both")
    port = first.port
    first.listener.shutdown(socket.SHUT_RDWR)
    first.stop()
    burst("/one")
    assert len(second.seen("/one")) == 60

    back = place.origin(port=port)
    wait_until(lambda: burst("/back?head_delay_ms=20") or back.seen("/back"), "it gets its share again", 8)


@pytest.mark.parametrize("visitor", VISITORS)
def test_25_08_an_address_that_hangs_is_left_for_another(place, visitor):
    hole, origin = Blackhole(), place.origin(host="127.0.0.2")
    zone, host = place.zone(hole.port)
    place.api.applied(place.api.origin(zone["id"], host, origin.port, address="127.0.0.2"), zone["id"])

    pages = [timed(lambda n=n: place.visitor(visitor).get(host, f"/n{n}")) for n in range(4)]

    assert [page.status for page, _ in pages] == [200] * 4
    assert max(took_s for _, took_s in pages) < 1.8
    hole.stop()


def test_25_09_all_attempts_together_have_one_deadline(place):
    hosts = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    holes = [Blackhole(host) for host in hosts]
    zone, host = place.zone(holes[0].port)
    for hole, address in list(zip(holes, hosts))[1:]:
        answer = place.api.origin(zone["id"], host, hole.port, address=address)
    place.api.applied(answer, zone["id"])

    page, took_s = timed(lambda: place.visitor("h2").get(host, "/none"))

    assert page.status == 522 and took_s < 3
    assert page.headers["x-edge-error"] == "origin_connect_timeout"
    for hole in holes:
        hole.stop()


# ---- GOAWAY, refusals

@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.parametrize("method", ("GET", "POST"))
@pytest.mark.parametrize("how", ("after-the-head", "refused", "at-once", "idle", "two-steps"))
def test_25_10_what_was_handed_back_is_sent_once_more(framed, place, visitor, method, how):
    origin, host = framed()
    if how == "at-once":
        origin.preface = [*CALM, lambda c, s: goaway(0)(c, s) if c.number == 1 else b""]
    if how in ("idle", "two-steps"):
        last = (goaway(1),) if how == "idle" else (goaway(2**31 - 1), goaway(1))
        origin.plan("/warm", [*GOOD, *last], GOOD)
        warm(place, host)
    script = {"after-the-head": [goaway(0)], "refused": [rst(7)]}.get(how)
    if script:
        origin.plan("/page", script, GOOD)

    page = place.visitor(visitor).get(host, "/page", data=BODY if method == "POST" else None)

    assert page.status == 200 and page.body == GOOD_BODY
    taken = [one for one in origin.seen("/page") if one.connection == 2 or how in ("idle", "two-steps")]
    assert len(taken) == 1
    assert taken[0].body == (BODY if method == "POST" else b"")


@pytest.mark.parametrize("visitor", VISITORS)
def test_25_11_streams_below_the_last_id_finish_where_they_are(framed, place, visitor):
    origin, host = framed()
    above = threading.Event()
    origin.plan("/below", [lambda *_: above.wait(10) and None, wait(0.3), *GOOD])
    origin.plan("/above", [lambda c, _: above.set(), lambda c, s: goaway(1)(c, s)], GOOD)

    with ThreadPoolExecutor(2) as pool:
        below = pool.submit(place.visitor(visitor).get, host, "/below", data=BODY)
        wait_until(lambda: origin.seen("/below"), "the first one runs")
        upper = pool.submit(place.visitor(visitor).get, host, "/above", data=BODY)
        pages = below.result(), upper.result()

    assert [page.status for page in pages] == [200, 200]
    assert [one.connection for one in origin.seen("/below")] == [1]
    assert [one.connection for one in origin.seen("/above")] == [1, 2]


@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.parametrize("how", ("stream", "goaway"))
def test_25_12_http_1_1_required_is_remembered(framed, place, visitor, how):
    origin, host = framed()
    origin.plan("/page", [rst(13) if how == "stream" else goaway(0, 13)])

    for _ in range(3):
        page = place.visitor(visitor).get(host, "/page", data=BODY)
        assert page.status == 200 and page.headers["x-origin"] == "h1"

    assert [one.protocol for one in origin.seen("/page")] == ["h2"] + ["http/1.1"] * 3


def test_25_13_an_origin_that_refuses_everything_is_asked_three_times_more(framed, place):
    origin, host = framed()
    origin.plan("/no", [rst(7)])

    page = place.visitor("h2").get(host, "/no", data=BODY)

    assert page.status == 503 and page.headers["x-edge-error"] == "origin_refused_stream"
    assert len(origin.seen("/no")) == 4


def test_25_14_a_dying_origin_is_not_stormed(framed, place):
    origin, host = framed(alpn=("http/1.1",))
    origin.plan("/dying", [close_notify])

    counts = h2load(place.edge, host, "/dying", clients=4, streams=10, requests=400)

    assert counts["status"]["5xx"] == 400
    assert 400 < len(origin.seen("/dying")) <= 400 * 1.2 + 128 + 1


@pytest.mark.parametrize("alpn", (("h2",), ("http/1.1",)), ids=("h2", "h1"))
@pytest.mark.parametrize("visitor", VISITORS)
def test_25_15_misdirected_is_tried_once_more_and_then_passes(framed, place, visitor, alpn):
    origin, host = framed(alpn=alpn)
    good = GOOD if alpn == ("h2",) else [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]
    wrong = [head(421, ("x-mine", "1"), end=True)] if alpn == ("h2",) else \
        [b"HTTP/1.1 421 Wrong\r\ncontent-length: 0\r\nx-mine: 1\r\n\r\n"]
    origin.plan("/once", wrong, good).plan("/always", wrong)

    once = place.visitor(visitor).get(host, "/once", data=BODY)
    always = place.visitor(visitor).get(host, "/always")

    assert once.status == 200
    seen = origin.seen("/once")
    assert [one.body for one in seen] == [BODY, BODY] and seen[0].connection != seen[1].connection
    assert always.status == 421 and always.headers["x-mine"] == "1"
    assert len({one.connection for one in origin.seen("/always")}) == 2 == len(origin.seen("/always"))


# ---- never twice, never complete

@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.parametrize("alpn", (("h2",), ("http/1.1",)), ids=("h2", "h1"))
def test_25_16_a_post_on_a_connection_that_dies_is_not_repeated(place, visitor, alpn):
    origin = place.origin(alpn=alpn)
    _, host = place.zone(origin.port)
    warm(place, host)

    page = place.visitor(visitor).get(host, "/post?fail=close", data=BODY)
    again = place.visitor(visitor).get(host, "/get?fail=close")

    assert page.status == 520 and len(origin.seen("/post")) == 1
    assert again.status == 200 and len(origin.seen("/get")) == 2


@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.parametrize("alpn", (("h2",), ("http/1.1",)), ids=("h2", "h1"))
def test_25_17_a_cut_answer_is_never_complete(place, visitor, alpn):
    origin = place.origin(alpn=alpn)
    _, host = place.zone(origin.port)

    page = place.visitor(visitor).get(host, "/cut?fail=truncate&bytes=50000&chunks=4&chunked=1")

    assert page.code != 0 and len(page.body) < 50000


# ---- TLS sessions

def test_25_18_sessions_are_resumed_by_their_own_zone_only(place):
    origin = place.origin()
    hosts = [place.zone(origin.port, origin_sni="same.example.net")[1] for _ in range(2)]

    def hang_up():
        with origin.lock:
            for sock in origin.open:
                sock.shutdown(2)
        wait_until(lambda: not origin.open, "no connection")

    def hits(host):
        before = origin.tls.session_stats()["hits"]
        warm(place, host)
        hang_up()
        return origin.tls.session_stats()["hits"] - before

    assert [hits(hosts[0]), hits(hosts[1])] == [0, 0]
    assert [hits(hosts[0]), hits(hosts[1]), hits(hosts[0])] == [1, 1, 1]


# ---- limits and pages

@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.parametrize("alpn", (("h2",), ("http/1.1",)), ids=("h2", "h1"))
def test_25_19_an_upload_past_the_limit_is_413(place, visitor, alpn):
    origin = place.origin(alpn=alpn)
    _, host = place.zone(origin.port)

    fits = place.visitor(visitor).get(host, "/fits", data=b"u" * 102400)
    told = place.visitor(visitor).get(host, "/told", data=b"u" * 102401)
    found = place.visitor(visitor).get(host, "/found", "-H", "transfer-encoding: chunked", "-H", "content-length:",
                                       data=b"u" * 300000)

    assert fits.status == 200 and origin.seen("/fits")[0].digest
    assert told.status == 413 and not origin.seen("/told")
    assert found.status == 413, found
    assert told.headers["x-edge-error"] == found.headers["x-edge-error"] == "request_body_too_large"
    wait_until(lambda: all(one.aborted for one in origin.seen("/found")), "the origin saw it cut")
    assert not any(one.ended for one in origin.seen("/found"))


@pytest.mark.parametrize("why,said", (("name", "does not cover the name"), ("issuer", "issuer is unknown"),
                                      ("expired", "has expired")))
def test_25_20_a_wrong_certificate_is_told_in_page_and_log(place, why, said, tmp_path):
    from harness.certs import Authority
    certificate = {"name": lambda: place.authority.issue("other.example.org"),
                   "issuer": lambda: Authority(tmp_path, "stranger").issue("*.example.net"),
                   "expired": lambda: place.authority.issue("*.example.net", days=-5)}[why]()
    origin = place.origin(certificate=certificate)
    _, host = place.zone(origin.port, settings={"ssl": "strict"})

    html = place.visitor("h2").get(host, "/page")
    told = place.visitor("h1").get(host, "/page", "-H", "accept: application/json")

    for page in (html, told):
        assert page.status == 526 and page.headers["x-edge-error"] == "origin_certificate"
        assert said in page.body.decode()
    assert said in json.loads(told.body)["reason"]
    assert said in place.edge.await_access(host=host)[0]["reason"]


def test_25_21_a_failed_handshake_is_told_too(place):
    plain = Mute(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    _, host = place.zone(plain.port)

    page = place.visitor("h2").get(host, "/page", "-H", "accept: application/json")

    assert page.status == 525 and page.headers["x-edge-error"] == "origin_tls"
    assert json.loads(page.body)["reason"]
    plain.stop()


# ---- a real nginx, which recycles its connections

@pytest.mark.parametrize("kept", (50, 1000))
def test_25_22_recycled_connections_cost_nobody_anything(place, kept):
    nginx = place.nginx(keepalive_requests=kept)
    _, host = place.zone(nginx.port)

    counts = h2load(place.edge, host, "/1k", clients=10, streams=10, requests=3000)

    assert counts["succeeded"] == 3000 and counts["status"]["2xx"] == 3000, counts["text"]
    wait_until(lambda: len(nginx.seen("/1k")) >= 3000, "nginx logged all")
    connections = {connection for _, connection, _, _ in nginx.seen("/1k")}
    assert len(connections) <= 3000 / kept * 1.25 + 3


def test_25_23_reloads_under_load_are_not_noticed(place):
    nginx = place.nginx()
    _, host = place.zone(nginx.port)

    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(h2load, place.edge, host, "/1k", 8, 5, None, 4)
        for count in range(1, 6):
            wait_until(lambda count=count: len(nginx.seen("/1k")) > 50 * count, "load")
            os.kill(nginx.pid, signal.SIGHUP)
            time.sleep(0.4)  # apart, so that each finds connections of the one before
        counts = load.result()

    assert counts["failed"] == counts["errored"] == 0 and counts["succeeded"] > 300, counts["text"]
    assert set(status for status, count in counts["status"].items() if count) == {"2xx"}


def test_25_24_four_streams_a_connection_serve_everybody(place):
    nginx = place.nginx(http="http2_max_concurrent_streams 4;")
    _, host = place.zone(nginx.port)

    counts = h2load(place.edge, host, "/1k", clients=10, streams=10, requests=3000)

    assert counts["succeeded"] == 3000 and counts["status"]["2xx"] == 3000, counts["text"]
