"""grpc, proxy_read_timeout and origin_h2_ping: what a zone sets is what its visitors and its origins see, at once."""
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from harness.frames import ACK, PING, FrameOrigin
from harness.process import wait_until
from test_22_grpc import Server, channel_to, kind, refused

SLOW = "/slow?head_delay_ms=2500"


@pytest.fixture(scope="module")
def server(world):
    made = Server(world.certificate)
    yield made
    made.stop()


def set_live(world, zone, name, value):
    world.api.applied(world.api.setting(zone["id"], name, value), zone["id"])


@pytest.mark.parametrize("plan,name,value,status,code", (
    (None, "grpc", "maybe", 400, 1007),
    (None, "grpc", True, 400, 1007),
    (None, "proxy_read_timeout", 0, 400, 1007),
    (None, "proxy_read_timeout", "60", 400, 1007),
    (None, "proxy_read_timeout", 6001, 400, 1007),
    (None, "proxy_read_timeout", 121, 403, 1135),
    ("business", "proxy_read_timeout", 6000, 403, 1135),
    (None, "origin_h2_ping", -1, 400, 1007),
    (None, "origin_h2_ping", 3601, 400, 1007),
    (None, "grpc", "off", 200, None),
    (None, "proxy_read_timeout", 1, 200, None),
    ("enterprise", "proxy_read_timeout", 6000, 200, None),
    (None, "origin_h2_ping", 3600, 200, None),
))
def test_51_01_what_each_plan_may_set(world, plan, name, value, status, code):
    zone = world.api.zone(world.control.account_id, f"more{next(world.names)}.example.net", plan)
    path = f"/zones/{zone['id']}/settings/{name}"
    before = world.api.ok("GET", path).result
    assert before["value"] == {"grpc": "on", "proxy_read_timeout": 120, "origin_h2_ping": 0}[name]
    assert before["editable"] is True and before["modified_on"] is None
    answer = world.api.call("PATCH", path, {"value": value})
    assert answer.status == status, answer.text
    assert world.api.ok("GET", path).result["value"] == (before["value"] if code else value)
    if code:
        assert answer.codes[0] == code, answer.text


@pytest.mark.parametrize("alpn", ("h2", "http/1.1"))
def test_51_02_a_zone_s_own_read_timeout(world, alpn):
    """One zone gives up after its second, live; another waits for the same origin."""
    origin = world.origin(alpn=(alpn,))
    hasty, hasty_host = world.zone(origin.port)
    _, patient_host = world.zone(origin.port)
    visitor = world.visitor("h2")
    assert visitor.get(hasty_host, "/warm").status == 200
    set_live(world, hasty, "proxy_read_timeout", 1)
    with ThreadPoolExecutor(2) as pool:
        began = time.monotonic()
        waits = pool.submit(visitor.get, patient_host, SLOW)
        page = visitor.get(hasty_host, SLOW)
        assert page.status == 524 and time.monotonic() - began >= 1
        assert waits.result().status == 200
    line = world.edge.await_access(host=hasty_host, path=SLOW)[0]
    assert line["status"] == 524, line
    set_live(world, hasty, "proxy_read_timeout", 60)
    assert visitor.get(hasty_host, SLOW).status == 200


def test_51_03_an_answer_that_stalls_is_cut_after_the_zone_s_own_time(world):
    origin = world.origin(alpn=("h2",))
    _, host = world.zone(origin.port, settings={"proxy_read_timeout": 1})
    visitor = world.visitor("h2")
    stalls = visitor.get(host, "/stalls?bytes=100&chunks=2&chunk_delay_ms=3000", timeout_s=10)
    assert stalls.code != 0 and len(stalls.body) < 100
    drips = visitor.get(host, "/drips?bytes=100&chunks=10&chunk_delay_ms=200")
    assert drips.status == 200 and len(drips.body) == 100


def test_51_04_grpc_switched_off(world, server):
    zone, host = world.zone(server.port)
    with channel_to(world, host) as channel:
        assert kind(channel, "unary_unary", "Unary")(b"abc", timeout=10) == b"cba"
        set_live(world, zone, "grpc", "off")
        with pytest.raises(grpc.RpcError) as caught:
            kind(channel, "unary_unary", "Unary")(b"abc", timeout=10)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert caught.value.details() == "gRPC is switched off for this site."
        set_live(world, zone, "grpc", "on")
        assert kind(channel, "unary_unary", "Unary")(b"abc", timeout=10) == b"cba"


def test_51_05_grpc_off_is_about_grpc_alone_and_not_for_paused_zones(world, server):
    origin = world.origin()
    _, host = world.zone(origin.port, settings={"grpc": "off"})
    visitor = world.visitor("h2")
    assert visitor.get(host, "/page").status == 200
    assert visitor.get(host, "/web", "-H", "content-type: application/grpc-web", data=b"x").status == 200
    assert refused(world, host)[0] == grpc.StatusCode.UNIMPLEMENTED
    assert [seen.path for seen in origin.seen()] == ["/page", "/web"]
    zone, host = world.zone(server.port, settings={"grpc": "off"})
    world.api.applied(world.api.ok("PATCH", f"/zones/{zone['id']}", {"paused": True}), zone["id"])
    with channel_to(world, host) as channel:
        assert kind(channel, "unary_unary", "Unary")(b"abc", timeout=10) == b"cba"


@pytest.fixture
def framed(world):
    made = []

    def make(settings=None):
        made.append(FrameOrigin(world.certificate))
        zone, host = world.zone(made[-1].port, settings=settings)
        return made[-1], zone, host

    yield make
    for one in made:
        one.stop()


def pings(origin):
    return [number for number, kind, flags, *_ in list(origin.frames) if kind == PING and not flags & ACK]


def test_51_06_pings_at_the_interval_while_nothing_runs(world, framed):
    origin, zone, host = framed()
    visitor = world.visitor("h2")
    assert visitor.get(host, "/before").status == 200
    set_live(world, zone, "origin_h2_ping", 1)
    began = time.monotonic()
    assert visitor.get(host, "/after").status == 200
    asked = origin.seen("/after")[0].connection
    wait_until(lambda: pings(origin).count(asked) >= 3, "three PINGs", 30)
    assert time.monotonic() - began >= 2.5  # not more often than it was asked for
    assert visitor.get(host, "/again").status == 200


def test_51_07_a_silent_origin_is_replaced_and_no_request_fails(world, framed):
    origin, _, host = framed({"origin_h2_ping": 1})
    visitor = world.visitor("h2")
    assert visitor.get(host, "/first").status == 200
    origin.answers_pings = False
    opened = origin.connections
    wait_until(lambda: origin.closed == opened, "the silent connection is given up", 30)
    origin.answers_pings = True
    assert pings(origin)
    assert visitor.get(host, "/second").status == 200
    assert visitor.get(host, "/post", data=b"once").status == 200
    assert len(origin.seen("/second")) == len(origin.seen("/post")) == 1
    assert origin.seen("/second")[0].connection > origin.seen("/first")[0].connection


def test_51_08_without_it_an_idle_connection_is_left_alone(world, framed):
    quiet, zone, quiet_host = framed({"origin_h2_ping": 1})
    loud, _, loud_host = framed({"origin_h2_ping": 1})
    visitor = world.visitor("h2")
    set_live(world, zone, "origin_h2_ping", 0)
    assert visitor.get(quiet_host, "/quiet").status == 200 and visitor.get(loud_host, "/loud").status == 200
    wait_until(lambda: len(pings(loud)) >= 2, "the other zone's PINGs", 30)
    assert not pings(quiet) and quiet.connections == 1


def test_51_09_a_paused_zone_passes_through_over_http1_live_and_back(world):
    """Nothing that the zone has set is done to what passes; whoever was on HTTP/2 to the origin is not cut."""
    origin = world.origin()
    zone, host = world.zone(origin.port, settings={"always_use_https": "on", "grpc": "off"})
    visitor, plain = world.visitor("h2"), world.visitor("plain")

    def paused(value):
        world.api.applied(world.api.ok("PATCH", f"/zones/{zone['id']}", {"paused": value}), zone["id"])

    assert visitor.get(host, "/before").headers["x-origin"] == "h2" and plain.get(host, "/moved").status == 301
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(visitor.get, host, "/running?head_delay_ms=1500")
        wait_until(lambda: origin.seen("/running"), "it runs")
        paused(True)
        assert visitor.get(host, "/during").headers["x-origin"] == "h1" and plain.get(host, "/stays").status == 200
        answer = running.result()
        assert answer.status == 200 and answer.headers["x-origin"] == "h2"
    assert {seen.protocol for path in ("/during", "/stays") for seen in origin.seen(path)} == {"http/1.1"}
    paused(False)
    assert visitor.get(host, "/after").headers["x-origin"] == "h2" and plain.get(host, "/moved").status == 301
    assert not origin.seen("/moved")
