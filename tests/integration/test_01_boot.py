"""The programs start, say so, answer, and stop."""
import json
import signal

import pytest

from harness.process import run, wait_until
from harness.visitor import PROTOCOLS


def test_01_01_help_names_every_flag(build):
    for program, flags in (("trunkline-control", ("serve", "bootstrap")), ("trunkline-edge", ("--socket", "--workers"))):
        done = run([build / program, "--help"])
        assert done.returncode == 0
        for flag in flags:
            assert flag in done.stdout


def test_01_02_bootstrap_happens_once(make_world):
    world = make_world()

    again = run([world.control.program, "bootstrap", "--store", world.control.store, "--email", "x@example.com",
                 "--password-stdin"], input="another password\n")

    assert again.returncode == 3
    assert again.stdout == ""
    assert len(world.control.token) >= 40 and world.control.token.startswith("tl_")
    world.start()
    assert world.api.ok("GET", "/user/tokens/verify").result["status"] == "active"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("alpn", (("h2", "http/1.1"), ("http/1.1",)), ids=("origin-h2", "origin-h1"))
def test_01_03_a_page_arrives(world, protocol, alpn):
    origin = world.origin(alpn=alpn)
    _, host = world.zone(origin.port)

    page = world.visitor(protocol).get(host, "/hello?bytes=1000")

    assert page.status == 200
    assert len(page.body) == 1000
    assert page.headers["x-origin"] == ("h2" if "h2" in alpn else "h1")
    assert page.protocol == ("HTTP/2" if protocol == "h2" else "HTTP/1.1")
    assert origin.seen("/hello")[0].protocol == ("h2" if "h2" in alpn else "http/1.1")


def test_01_04_sigterm_ends_in_order(make_world):
    world = make_world().start()
    origin = world.origin()
    _, host = world.zone(origin.port)
    assert world.visitor().get(host).status == 200

    world.edge.stop()
    world.control.stop()

    assert world.edge.orphan_pids() == []


def test_01_05_an_unknown_host_is_told_so(world):
    plain = world.visitor("plain").get("nobody.example.org", "/")
    for literal in ("127.0.0.1", "[::1]"):
        assert world.visitor("plain").get("127.0.0.1", "/", "-H", f"host: {literal}:{world.edge.http}").status == 404
    secure = world.visitor("h2").get("nobody.example.org", "/")

    assert plain.status == 404 and b"host_unknown" in plain.body
    assert secure.code == 35  # curl: the TLS handshake failed (alert unrecognized_name)


def test_01_06_every_log_line_is_json(world):
    for process in (world.control, world.edge):
        for line in process.log_path.read_text().splitlines():
            entry = json.loads(line)
            assert {"ts", "level", "event"} <= entry.keys()


def test_01_07_the_config_file_says_what_flags_say(build, tmp_path):
    config = tmp_path / "edge.json"
    config.write_text('{"no-such-flag": 1}')

    done = run([build / "trunkline-edge", "--config", config])

    assert done.returncode == 2
    assert "no-such-flag" in done.stderr


def test_01_08_sighup_replaces_the_workers(make_world):
    world = make_world().start()
    origin = world.origin()
    _, host = world.zone(origin.port)
    before = world.edge.worker_pids()

    world.edge.signal(signal.SIGHUP)

    wait_until(lambda: len(world.edge.worker_pids()) == 2 and not set(before) & set(world.edge.worker_pids()),
               "two new workers, the old ones gone", 20)
    assert world.visitor().get(host).status == 200
