"""The main job: a toggle changes the protocol that a real origin is spoken to in."""
import threading

import pytest

from harness.process import wait_until
from harness.visitor import h2load, read_all, tls_socket


def toggle(world, zone, value):
    """PATCH and wait until the edge has acknowledged it."""
    answer = world.api.setting(zone["id"], "origin_max_http_version", value)
    assert answer.result["value"] == value
    world.api.applied(answer, zone["id"])


def test_04_01_nginx_sees_the_toggle_from_the_first_request(world):
    nginx = world.nginx()
    zone, host = world.zone(nginx.port)
    visitor = world.visitor("h2")

    for number, (value, protocol) in enumerate([("2", "HTTP/2.0"), ("1", "HTTP/1.1")] * 5):
        toggle(world, zone, value)
        page = visitor.get(host, f"/echo?n={number}")
        assert page.body.decode().strip() == protocol
        wait_until(lambda n=number: nginx.seen(f"/echo?n={n}"), "nginx logged it")
        assert nginx.seen(f"/echo?n={number}")[0][0] == protocol


@pytest.mark.parametrize("plan,protocol", (("free", "HTTP/2.0"), ("pro", "HTTP/2.0"), ("business", "HTTP/2.0"),
                                           ("enterprise", "HTTP/1.1")))
def test_04_02_the_default_follows_the_plan(world, plan, protocol):
    nginx = world.nginx()
    _, host = world.zone(nginx.port, plan=plan)

    assert world.visitor("h2").get(host, "/echo").body.decode().strip() == protocol


def test_04_03_an_origin_without_http2_gets_http1(world):
    nginx = world.nginx(http2=False)
    _, host = world.zone(nginx.port)

    for number in range(5):
        assert world.visitor("h2").get(host, f"/echo?{number}").body == b"HTTP/1.1\n"


def test_04_04_running_exchanges_end_as_they_began(world):
    origin = world.origin()
    zone, host = world.zone(origin.port)
    sock = tls_socket(world.edge, host)
    sock.sendall(b"GET /long?bytes=100000&chunks=20&chunk_delay_ms=50 HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
                 % host.encode())
    wait_until(lambda: origin.seen("/long"), "it runs")

    toggle(world, zone, "1")

    assert world.visitor("h2").get(host, "/new").headers["x-origin"] == "h1"
    got, error = read_all(sock)
    assert error is None and got.count(b"x-origin: h2") == 1
    assert len(got.split(b"\r\n\r\n", 1)[1]) == 100000


def test_04_05_flipping_under_load_loses_nothing(make_world):
    world = make_world(workers=2).start()
    nginx = world.nginx()
    zone, host = world.zone(nginx.port)
    flips = []
    done = threading.Event()

    def flip():
        while not done.wait(0.05):
            toggle(world, zone, "1" if len(flips) % 2 == 0 else "2")
            flips.append(1)

    flipper = threading.Thread(target=flip)
    flipper.start()
    counts = h2load(world.edge, host, "/1k", clients=8, streams=16, duration_s=8)
    done.set()
    flipper.join(30)

    assert counts["failed"] == counts["errored"] == counts["timeout"] == 0, counts["text"]
    assert counts["status"]["5xx"] == counts["status"]["4xx"] == 0, counts["text"]
    assert counts["status"]["2xx"] > 500
    assert len(flips) >= 20
    protocols = {protocol for protocol, *_ in nginx.seen("/1k")}
    assert protocols == {"HTTP/1.1", "HTTP/2.0"}


def test_04_06_a_deleted_zone_is_unknown_at_once(world):
    origin = world.origin()
    zone, host = world.zone(origin.port)
    other, other_host = world.zone(origin.port)
    assert world.visitor("plain").get(host).status == 200

    answer = world.api.ok("DELETE", f"/zones/{zone['id']}")

    world.api.applied(answer, other["id"])
    assert world.visitor("plain").get(host).status == 404
    assert world.visitor("plain").get(other_host).status == 200


def test_04_07_a_changed_origin_is_used_at_once(world):
    first, second = world.origin(), world.origin()
    zone, host = world.zone(first.port)
    assert world.visitor("h2").get(host, "/a").status == 200
    record = world.api.ok("GET", f"/zones/{zone['id']}/dns_records").result[0]

    answer = world.api.ok("PATCH", f"/zones/{zone['id']}/dns_records/{record['id']}", {"origin_port": second.port})

    world.api.applied(answer, zone["id"])
    assert world.visitor("h2").get(host, "/b").status == 200
    assert [r.path for r in second.seen("/b")] == ["/b"]


def test_04_08_paused_means_plain_http1(world):
    origin = world.origin()
    zone, host = world.zone(origin.port)

    world.api.applied(world.api.ok("PATCH", f"/zones/{zone['id']}", {"paused": True}), zone["id"])

    assert world.visitor("h2").get(host).headers["x-origin"] == "h1"
