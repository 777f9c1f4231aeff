"""The admin endpoint of an edge: health, metrics that outlive workers and supervisors, `trunkline-edge status`."""
import json
import os
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

from harness.process import free_port, wait_until


class Admin:
    def __init__(self, port):
        self.port = port

    def ask(self, path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def counters(self):
        return json.loads(self.ask("/status")[2])["counters"]


@pytest.fixture
def place(make_world):
    port = free_port()
    world = make_world(edge_flags=("--admin", f"127.0.0.1:{port}")).start()
    world.admin = Admin(port)
    return world


def command(world, *arguments):
    return subprocess.run([world.build / "trunkline-edge", "status", *arguments], capture_output=True, text=True, timeout=60)


def test_30_01_it_says_what_runs(place):
    assert place.admin.ask("/healthz")[::2] == (200, "ok\n")
    assert place.admin.ask("/readyz")[::2] == (200, "ready\n")
    code, headers, body = place.admin.ask("/status")
    told = json.loads(body)
    assert code == 200 and headers["content-type"] == "application/json"
    assert told["edge_id"] == "test-1" and told["pid"] == place.edge.pid and told["ready"] is True
    assert sorted(one["pid"] for one in told["workers"]) == place.edge.worker_pids()
    wait_until(lambda: json.loads(place.admin.ask("/status")[2])["control_linked"], "control is linked")


def test_30_02_metrics_are_prometheus_text_and_count(place):
    origin = place.origin()
    _, host = place.zone(origin.port)
    before = place.admin.counters()["exchanges"]
    for _ in range(5):
        assert place.visitor("h2").get(host, "/").status == 200
    code, headers, text = place.admin.ask("/metrics")
    assert code == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
    names = re.findall(r"^# TYPE (\S+) (?:counter|gauge)$", text, re.M)
    values = dict(re.findall(r"^([a-z_0-9]+) (\d+)$", text, re.M))
    assert sorted(names) == sorted(values) and len(names) == len(set(names))
    assert int(values["trunkline_edge_exchanges_total"]) == before + 5
    assert int(values["trunkline_edge_client_handshakes_total"]) >= 5


def test_30_03_what_the_dead_counted_stays(place):
    origin = place.origin()
    _, host = place.zone(origin.port)
    for _ in range(4):
        assert place.visitor("h2").get(host, "/").status == 200
    counted = place.admin.counters()["exchanges"]
    assert counted >= 4
    pids = place.edge.worker_pids()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: place.admin.ask("/readyz")[0] == 200 and not set(place.edge.worker_pids()) & set(pids), "new workers")
    assert place.admin.counters()["exchanges"] == counted

    place.edge.kill()
    place.edge.start()
    assert place.visitor("h2").get(host, "/").status == 200
    assert place.admin.counters()["exchanges"] == counted + 1
    assert all(one["adopted"] for one in json.loads(place.admin.ask("/status")[2])["workers"])


def test_30_04_other_questions_are_refused_in_words(place):
    code, _, text = place.admin.ask("/nothing")
    assert code == 404 and "/metrics" in text
    code, headers, _ = place.admin.ask("/metrics", "DELETE")
    assert code == 405 and headers["allow"] == "GET, HEAD"
    assert place.admin.ask("/healthz", "HEAD")[::2] == (200, "")


def test_30_05_the_command_prints_it_and_exits_with_what_it_found(place):
    address = f"127.0.0.1:{place.admin.port}"
    done = command(place, "--admin", address)
    assert done.returncode == 0 and "every slot accepts" in done.stdout
    assert json.loads(command(place, "--admin", address, "--json").stdout)["edge_id"] == "test-1"
    gone = command(place, "--admin", f"127.0.0.1:{free_port()}")
    assert gone.returncode == 1 and "refused" in gone.stderr and gone.stdout == ""
    for wrong in ((), ("--admin",), ("--admin", address, "--what")):
        bad = command(place, *wrong)
        assert bad.returncode == 2 and "--admin ADDR:PORT" in bad.stderr
    assert command(place, "--help").returncode == 0
    bad = command(place, "--admin", "localhost")
    assert bad.returncode == 1 and "not ADDRESS:PORT" in bad.stderr


def test_30_06_a_port_that_somebody_has_is_an_error_at_once(place):
    second = subprocess.run([place.build / "trunkline-edge", "--socket", place.control.socket, "--state",
                             place.directory / "second", "--https", "127.0.0.1:0", "--http", "127.0.0.1:0",
                             "--admin", f"127.0.0.1:{place.admin.port}"], capture_output=True, text=True, timeout=60)
    assert second.returncode == 1 and "in use" in second.stderr


def test_30_07_who_is_connected_does_not_keep_the_edge(place):
    """One between two requests, one in the middle of its head."""
    held = [socket.create_connection(("127.0.0.1", place.admin.port), timeout=20) for _ in range(2)]
    held[0].sendall(b"GET /healthz HTTP/1.1\r\nhost: edge\r\n\r\n")
    assert held[0].recv(4096).startswith(b"HTTP/1.1 200")
    held[1].sendall(b"GET /heal")

    place.edge.stop()

    for sock in held:
        try:
            while sock.recv(4096):
                pass
        except ConnectionResetError:
            pass
        sock.close()
