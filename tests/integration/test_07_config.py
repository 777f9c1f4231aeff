"""The change path: feed, replica, acknowledgement; and everything that can be away for a while."""
import sqlite3
import time

from harness.process import Process, wait_until


def test_07_01_the_edge_boots_and_serves_from_its_replica(make_world):
    world = make_world().start()
    origin = world.origin()
    _, host = world.zone(origin.port)
    assert world.visitor("h2").get(host).status == 200
    world.edge.stop()
    world.control.stop()

    world.edge.start()

    assert world.visitor("h2").get(host).status == 200
    assert world.visitor("plain").get(host).status == 200


def test_07_02_an_edge_that_was_away_catches_up(make_world):
    world = make_world().start()
    origin = world.origin()
    zone, host = world.zone(origin.port)
    gone, gone_host = world.zone(origin.port)
    world.edge.stop()
    world.api.setting(zone["id"], "origin_max_http_version", "1")
    world.api.ok("DELETE", f"/zones/{gone['id']}")
    answer = world.api.setting(zone["id"], "origin_h2_max_streams", 7)

    world.edge.start()

    world.api.applied(answer, zone["id"])
    assert world.visitor("plain").get(host).headers["x-origin"] == "h1"
    assert world.visitor("plain").get(gone_host).status == 404


def test_07_03_control_comes_back_and_the_edge_finds_it(make_world):
    world = make_world().start()
    origin = world.origin()
    zone, host = world.zone(origin.port)
    world.control.kill()
    assert world.visitor("h2").get(host).status == 200

    world.control.start()

    world.api.applied(world.api.setting(zone["id"], "origin_max_http_version", "1"), zone["id"])
    assert world.visitor("h2").get(host).headers["x-origin"] == "h1"


def test_07_04_an_edge_that_starts_first_waits_for_control(make_world):
    world = make_world()
    world.edge.start()
    assert world.visitor("plain").get("nobody.example.net").status == 404

    world.control.start()

    origin = world.origin()
    _, host = world.zone(origin.port)
    assert world.visitor("h2").get(host).status == 200


def test_07_05_a_forked_store_is_noticed(make_world):
    """A store restored from before has smaller revisions and other chains: the edge must not believe the number."""
    world = make_world().start()
    origin = world.origin()
    kept, host = world.zone(origin.port)
    copy = world.directory / "copy.db"
    with sqlite3.connect(world.control.store) as source, sqlite3.connect(copy) as sink:
        source.backup(sink)
    _, lost_host = world.zone(origin.port)
    assert world.visitor("plain").get(lost_host).status == 200
    world.control.stop()
    for suffix in ("", "-wal", "-shm"):
        path = world.control.store.with_name(world.control.store.name + suffix)
        path.unlink(missing_ok=True)
    copy.rename(world.control.store)

    world.control.start()

    answer = world.api.setting(kept["id"], "origin_max_http_version", "1")
    world.api.applied(answer, kept["id"])
    assert world.visitor("plain").get(host).headers["x-origin"] == "h1"
    assert world.visitor("plain").get(lost_host).status == 404


def test_07_06_propagation_names_the_edge_and_its_workers(make_world):
    world = make_world(workers=2).start()
    origin = world.origin()
    zone, _ = world.zone(origin.port)
    answer = world.api.setting(zone["id"], "ssl", "strict")

    told = world.api.applied(answer, zone["id"])

    assert told["revision"] >= answer.revision
    edge = told["edges"][0]
    assert edge["id"] == "test-1" and edge["workers"] == edge["workers_applied"] == 2
    assert 0 <= edge["took_ms"] < 5000


def test_07_07_without_an_edge_nothing_is_applied(make_world):
    world = make_world()
    world.control.start()
    zone = world.api.zone(world.control.account_id, "lonely.example.net")
    answer = world.api.setting(zone["id"], "ssl", "strict")

    started = time.monotonic()
    told = world.api.ok("GET", f"/zones/{zone['id']}/propagation?wait={answer.revision}&timeout=1s").result

    assert not told["applied"]
    assert 0.8 < time.monotonic() - started < 5


def test_07_08_a_spoiled_replica_is_set_aside(make_world):
    world = make_world().start()
    origin = world.origin()
    zone, host = world.zone(origin.port)
    world.edge.stop()
    replica = world.edge.state / "replica.db"
    for suffix in ("-wal", "-shm"):
        replica.with_name(replica.name + suffix).unlink(missing_ok=True)
    replica.write_bytes(b"this is not a database" * 1000)

    world.edge.start()

    world.api.applied(world.api.setting(zone["id"], "ssl", "full"), zone["id"])
    assert world.visitor("h2").get(host).status == 200
    assert [path for path in world.edge.state.iterdir() if ".bad-" in path.name]


def test_07_09_a_second_edge_on_the_same_state_is_refused(make_world):
    world = make_world().start()
    second = Process("second", world.edge.command, world.directory)

    second.start(wait_ready=False)

    assert wait_until(lambda: second.popen.poll() is not None and second.popen.returncode, "it ends", 20) == 1
    assert "another" in second.log_text() or "lock" in second.log_text()


def test_07_10_keys_are_nowhere_in_clear(make_world):
    world = make_world().start()
    origin = world.origin()
    zone, host = world.zone(origin.port)
    chain, key = world.authority.issue(host)
    answer = world.api.ok("POST", f"/zones/{zone['id']}/custom_certificates",
                          {"certificate": chain.read_text(), "private_key": key.read_text()})
    world.api.applied(answer, zone["id"])
    secret = key.read_text().splitlines()[1].encode()

    files = [path for path in world.directory.rglob("*") if path.is_file()]

    assert any(path.name.startswith("control.db") for path in files)
    for path in files:
        content = path.read_bytes()
        assert secret not in content, path
        assert world.control.token.encode() not in content, path


def test_07_11_many_changes_at_once_all_arrive(make_world):
    world = make_world(workers=2).start()
    origin = world.origin()
    zones = [world.api.zone(world.control.account_id, f"burst-{n}.example.net") for n in range(40)]
    answers = [world.api.origin(zone["id"], zone["name"], origin.port) for zone in zones]

    world.api.applied(answers[-1], zones[-1]["id"])

    for zone in zones:
        assert world.visitor("plain").get(zone["name"]).status == 200
