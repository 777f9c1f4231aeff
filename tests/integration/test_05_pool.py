"""Few connections: one while the protocol is unknown, then many requests on each, up to the limits."""
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.process import wait_until
from harness.visitor import h2load


@pytest.fixture
def lone(make_world):
    """One worker, nothing warm."""
    return make_world(workers=1).start()


def test_05_01_a_hundred_cold_requests_open_one_connection(lone):
    nginx = lone.nginx()
    _, host = lone.zone(nginx.port)

    counts = h2load(lone.edge, host, "/1k", clients=1, streams=100, requests=100)

    assert counts["succeeded"] == 100, counts["text"]
    wait_until(lambda: len(nginx.seen("/1k")) == 100, "nginx logged all")
    assert len({connection for _, connection, _, _ in nginx.seen("/1k")}) == 1


def test_05_02_a_hundred_cold_visitors_open_one_connection(lone):
    nginx = lone.nginx()
    _, host = lone.zone(nginx.port)

    counts = h2load(lone.edge, host, "/1k", clients=100, streams=1, requests=100)

    assert counts["succeeded"] == 100, counts["text"]
    wait_until(lambda: len(nginx.seen("/1k")) == 100, "nginx logged all")
    assert len({connection for _, connection, _, _ in nginx.seen("/1k")}) == 1


def test_05_03_a_thousand_at_once_open_at_most_eleven(lone):
    origin = lone.origin(max_streams=100)
    _, host = lone.zone(origin.port)

    counts = h2load(lone.edge, host, "/slow?head_delay_ms=1500", clients=16, streams=64, requests=1024)

    assert counts["succeeded"] == 1024, counts["text"]
    assert origin.connections <= 11


def test_05_04_the_setting_limits_the_streams(lone):
    origin = lone.origin()
    zone, host = lone.zone(origin.port, settings={"origin_h2_max_streams": 4})

    counts = h2load(lone.edge, host, "/few?head_delay_ms=700", clients=1, streams=16, requests=16)

    assert counts["succeeded"] == 16
    assert origin.connections == 4
    per_connection = {}
    for seen in origin.seen("/few"):
        per_connection[seen.connection] = per_connection.get(seen.connection, 0) + 1
    assert set(per_connection.values()) == {4}


def test_05_05_the_origins_limit_wins_when_it_is_lower(lone):
    origin = lone.origin(max_streams=3)
    _, host = lone.zone(origin.port)
    assert lone.visitor("h2").get(host, "/warm").status == 200

    counts = h2load(lone.edge, host, "/three?head_delay_ms=300", clients=1, streams=12, requests=24)

    assert counts["succeeded"] == 24
    assert 2 <= origin.connections <= 5


def test_05_06_one_stream_at_a_time_is_no_multiplexing(lone):
    origin = lone.origin()
    _, host = lone.zone(origin.port, settings={"origin_h2_max_streams": 1})

    counts = h2load(lone.edge, host, "/one?head_delay_ms=500", clients=1, streams=5, requests=5)

    assert counts["succeeded"] == 5 and origin.connections == 5


@pytest.mark.parametrize("alpn", (("h2", "http/1.1"), ("http/1.1",), ()), ids=("h2", "h1", "no-alpn"))
def test_05_07_connections_are_kept_and_reused(lone, alpn):
    origin = lone.origin(alpn=alpn)
    _, host = lone.zone(origin.port)

    for number in range(10):
        assert lone.visitor("h1").get(host, f"/again-{number}").status == 200

    assert origin.connections == 1
    lines = lone.edge.await_access(10, host=host)
    assert [line["origin_connection_reused"] for line in lines] == [False] + [True] * 9
    assert len({line["origin_connection_id"] for line in lines}) == 1


def test_05_08_h1_origins_get_a_connection_per_request_in_flight(lone):
    origin = lone.origin(alpn=("http/1.1",))
    _, host = lone.zone(origin.port)

    counts = h2load(lone.edge, host, "/h1?head_delay_ms=400", clients=1, streams=8, requests=8)

    assert counts["succeeded"] == 8
    assert origin.connections == 8


def test_05_09_an_idle_connection_that_the_origin_closed_is_not_noticed(lone):
    origin = lone.origin()
    _, host = lone.zone(origin.port)
    assert lone.visitor("h2").get(host, "/a").status == 200
    with origin.lock:
        for sock in origin.open:
            sock.shutdown(2)

    assert lone.visitor("h2").get(host, "/b").status == 200
    assert origin.connections == 2


def test_05_10_zones_never_share_a_connection(lone):
    origin = lone.origin()
    _, one = lone.zone(origin.port, origin_sni="same.example.net")
    _, two = lone.zone(origin.port, origin_sni="same.example.net")

    lone.visitor("h2").get(one, "/1")
    lone.visitor("h2").get(two, "/2")

    assert origin.connections == 2


def test_05_11_many_visitors_while_the_dial_is_slow(lone):
    origin = lone.origin()
    _, host = lone.zone(origin.port)
    gate = threading.Barrier(20)

    def get(number):
        gate.wait(20)
        return lone.visitor("h2").get(host, f"/n{number}?bytes=5000")

    with ThreadPoolExecutor(20) as pool:
        pages = list(pool.map(get, range(20)))

    assert all(page.status == 200 and len(page.body) == 5000 for page in pages)
    assert origin.connections == 1
