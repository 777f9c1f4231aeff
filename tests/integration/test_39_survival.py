"""Workers come and go under full load: replaced in order nothing fails, killed only what they held."""
import json
import os
import shutil
import signal
import socket
import threading
from pathlib import Path

import pytest

from harness.counting import NOTICE, TLS, Load
from harness.process import wait_until


def started(world):
    world.start()
    nginx = world.nginx()
    zone, host = world.zone(nginx.port)
    return zone, host


def loaded(world, **options):
    """A load that is under way."""
    _, host = started(world)
    load = Load(world.edge, host, **options)
    wait_until(lambda: load.answered() > 50, "the load runs", 20)
    return host, load


def more_answers(load, count=100):
    goal = load.answered() + count
    wait_until(lambda: load.answered() >= goal, f"{count} more answers", 20)


def none_failed(count):
    assert count.wrong == [] and count.lost == [] and count.refused == [], count
    assert count.answered > 100


def replaced(edge, old, count=2, timeout_s=30):
    """Waits until these workers are gone and as many others are there."""
    wait_until(lambda: not set(old) & set(edge.worker_pids()) and len(edge.worker_pids()) == count,
               "new workers instead of the old", timeout_s)


def test_39_01_sighup_under_load_fails_nothing(make_world):
    world = make_world(workers=2)
    _, load = loaded(world)

    for _ in range(3):
        old = world.edge.worker_pids()
        world.edge.signal(signal.SIGHUP)
        replaced(world.edge, old)
        more_answers(load)

    count = load.stop()
    none_failed(count)
    assert len(count.goaways) >= 3 and count.closes >= 3
    assert all(told[0] == NOTICE for told in count.goaways), count.goaways
    assert any(len(told) == 2 and told[1] < NOTICE for told in count.goaways), count.goaways


def test_39_02_a_rolling_restart_fails_nothing(make_world):
    world = make_world(workers=2)
    _, load = loaded(world)

    for _ in range(2):
        for pid in world.edge.worker_pids():
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: pid not in world.edge.worker_pids() and len(world.edge.worker_pids()) == 2,
                       "it drained, and another is there", 30)
        more_answers(load)

    count = load.stop()
    none_failed(count)
    assert len(count.goaways) >= 3 and count.closes >= 3


def test_39_03_a_new_binary_takes_over_without_a_failure(make_world, build, tmp_path):
    program = tmp_path / "bin" / "trunkline-edge"
    program.parent.mkdir()
    shutil.copy(Path(build, "trunkline-edge"), program)
    world = make_world(workers=2)
    world.edge.command[0] = str(program)
    _, load = loaded(world)
    old = world.edge.worker_pids()
    shutil.copy(program, f"{program}.new")
    os.replace(f"{program}.new", program)

    world.edge.signal(signal.SIGHUP)
    replaced(world.edge, old)
    more_answers(load)

    none_failed(load.stop())
    runs = {os.stat(f"/proc/{pid}/exe").st_ino for pid in world.edge.worker_pids()}
    assert runs == {program.stat().st_ino}


def ports_of(pid, edge):
    """The visitors' ports of the connections that this worker has accepted."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(entry))
        except OSError:
            continue
    ports = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if f"socket:[{words[9]}]" in inodes and int(words[1].split(":")[1], 16) == edge.https:
            ports.add(int(words[2].split(":")[1], 16))
    return ports - {0}


def kill_one(world, host, load, pid):
    """Freezes the worker, lets visitors queue on its socket, kills it; which ports it had accepted."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T", "it stopped")
    held = ports_of(pid, world.edge)
    waiting = []
    for _ in range(8):
        sock = socket.create_connection(("127.0.0.1", world.edge.https), timeout=20)
        waiting.append(sock)
    os.kill(pid, signal.SIGKILL)
    for sock in waiting:
        answer_to(sock, host)
    return held


def answer_to(plain, host):
    with TLS["http/1.1"].wrap_socket(plain, server_hostname=host) as sock:
        sock.sendall(f"GET /1k HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 "), "not yet accepted, so not lost"


@pytest.mark.parametrize("part", range(3))
def test_39_04_killed_workers_take_only_their_own_with_them(make_world, part):
    rounds = int(os.environ.get("TRUNKLINE_KILLS", "8"))
    world = make_world(workers=2)
    host, load = loaded(world)
    held, failed = set(), 0

    for number in range(rounds):
        pid = world.edge.worker_pids()[number % 2]
        held |= kill_one(world, host, load, pid)
        wait_until(lambda: pid not in world.edge.worker_pids() and len(world.edge.worker_pids()) == 2, "replaced", 10)
        more_answers(load, 20)

    count = load.stop()
    lost = sum(one.requests for one in count.lost)
    assert count.wrong == [] and count.refused == [], count
    assert {one.port for one in count.lost} <= held, "the connections of the other worker notice nothing"
    assert lost <= rounds * len(load.clients) * load.streams
    assert all(one.requests <= load.streams for one in count.lost)
    print(f"{rounds} kills: {lost} requests of {len(count.lost)} connections lost, {count.answered} answered")


def crash(edge, pid):
    """What a bug of ours looks like from outside; the sanitizers leave SIGABRT alone."""
    os.kill(pid, signal.SIGABRT)
    wait_until(lambda: pid not in edge.worker_pids() and len(edge.worker_pids()) == 2, "replaced", 20)


def test_39_05_zones_that_changed_before_two_crashes_get_their_former_documents_back(make_world):
    world = make_world(workers=2)
    zone, host = started(world)
    answer = world.api.setting(zone["id"], "origin_max_http_version", "1")
    world.api.applied(answer, zone["id"])
    assert world.visitor("h1").get(host, "/echo").body == b"HTTP/1.1\n"

    for _ in range(2):
        crash(world.edge, world.edge.worker_pids()[0])

    wait_until(lambda: "revision_set_aside" in world.edge.log_text(), "the edge says so")
    wait_until(lambda: world.visitor("h1").get(host, "/echo").body == b"HTTP/2.0\n", "the former document is served")
    told = world.api.ok("GET", f"/zones/{zone['id']}/propagation?wait={answer.revision}&timeout=1s").result
    assert "workers crashed" in json.dumps(told), told
    # A newer change is another try.
    again = world.api.setting(zone["id"], "origin_h2_max_streams", 20)
    world.api.applied(again, zone["id"])
    assert world.visitor("h1").get(host, "/echo").body == b"HTTP/1.1\n"


def test_39_06_workers_killed_by_hand_are_nobodys_fault(make_world):
    world = make_world(workers=2)
    zone, host = started(world)
    world.api.applied(world.api.setting(zone["id"], "origin_max_http_version", "1"), zone["id"])

    for _ in range(3):
        pid = world.edge.worker_pids()[0]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: pid not in world.edge.worker_pids() and len(world.edge.worker_pids()) == 2, "replaced", 20)

    assert world.visitor("h1").get(host, "/echo").body == b"HTTP/1.1\n"
    assert "revision_set_aside" not in world.edge.log_text()


@pytest.mark.parametrize("protocol", ("h1", "h2"))
def test_39_07_a_drain_is_bounded_whatever_an_origin_holds(make_world, protocol):
    world = make_world(workers=2, edge_flags=("--drain-timeout", "1s"))
    world.start()
    origin = world.origin()
    _, host = world.zone(origin.port)
    pages = []
    held = threading.Thread(target=lambda: pages.append(world.visitor(protocol).get(host, "/hang?head_delay_ms=60000")))
    held.start()
    wait_until(lambda: origin.seen("/hang"), "it runs")

    world.edge.signal(signal.SIGTERM)

    assert world.edge.popen.wait(20) == 0, "the timeout and a grace, not the origin's minute"
    held.join()
    assert pages[0].code != 0 and pages[0].status in (0, 502, 503, 504), "cut, and seen as cut"
