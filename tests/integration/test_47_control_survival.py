"""What control acknowledged stays: killed while four clients write, and on a disk that is full."""
import http.client
import random
import subprocess
import threading
import time

import pytest

from harness.api import Api
from harness.control import Control
from harness.process import run, wait_until

WRITERS = 4
DISK_KIB = 1536


class Writer(threading.Thread):
    """Adds a record, changes a setting; remembers what was acknowledged."""

    def __init__(self, control, zone_id, number):
        super().__init__(daemon=True)
        self.control, self.zone_id, self.number = control, zone_id, number
        self.records, self.streams, self.asked, self.settled, self.stopped = [], None, 0, 0, threading.Event()

    def run(self):
        while not self.stopped.is_set():
            try:
                self.write(Api(self.control.port, self.control.token))
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.005)  # killed: the answer is lost, and with it the promise

    def write(self, api):
        self.asked += 1
        made = api.call("POST", f"/zones/{self.zone_id}/dns_records",
                        {"type": "TXT", "name": f"w{self.number}-{self.asked}.kill.example.net", "content": "v"})
        if made.status == 200:
            self.records.append(made.result["id"])
        value = self.asked % 100 + 1
        if api.call("PATCH", f"/zones/{self.zone_id}/settings/origin_h2_max_streams", {"value": value}).status == 200:
            self.streams = value
            self.settled += 1


def stored(control, sql):
    done = subprocess.run(["sqlite3", "-readonly", control.store, sql], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


def start_ms(control):
    began = time.monotonic()
    control.start()
    return (time.monotonic() - began) * 1000


def test_47_01_kill_9_loses_nothing_that_was_acknowledged(build, tmp_path, rounds):
    control = Control(build, tmp_path, flags=("--rate-limit", "0")).bootstrap().start()
    zones = [control.api.zone(control.account_id, f"kill{number}.example.net")["id"] for number in range(WRITERS)]
    writers = [Writer(control, zone, number) for number, zone in enumerate(zones)]
    for writer in writers:
        writer.start()
    took_ms = []
    for _ in range(rounds(12)):
        had = sum(len(writer.records) for writer in writers)
        wait_until(lambda had=had: sum(len(writer.records) for writer in writers) > had + WRITERS, "they write")
        time.sleep(random.uniform(0, 0.1))
        control.kill()
        acknowledged = [record for writer in writers for record in list(writer.records)]
        took_ms.append(start_ms(control))
        missing = set(acknowledged) - set(stored(control, "SELECT id FROM dns_records"))
        assert not missing
        checked = run([control.program, "check", "--store", control.store])
        assert checked.returncode == 0, checked.stderr
    # A change whose answer was lost may be there too; the next one that is acknowledged settles it.
    for writer in writers:
        settled = writer.settled
        wait_until(lambda writer=writer, settled=settled: writer.settled > settled, "each of them goes on")
    for writer in writers:
        writer.stopped.set()
    for writer in writers:
        writer.join()
    for writer in writers:
        answer = control.api.ok("GET", f"/zones/{writer.zone_id}/settings/origin_h2_max_streams")
        assert answer.result["value"] == writer.streams
    took_ms.sort()
    print(f"restarts {len(took_ms)}: ready p50 {took_ms[len(took_ms) // 2]:.0f} ms, max {took_ms[-1]:.0f} ms; "
          f"acknowledged records {sum(len(writer.records) for writer in writers)}")
    control.stop()


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs; where mounting is not allowed, nothing to test."""
    place = tmp_path / "disk"
    place.mkdir()
    if run(["mount", "-t", "tmpfs", "-o", f"size={DISK_KIB}k", "tmpfs", place]).returncode != 0:
        pytest.skip("mounting is not allowed here; test_connection fills a disk by RLIMIT_FSIZE")
    yield place
    run(["umount", "-l", place])


def fill(place):
    """Takes all the space that is left."""
    with open(place / "filler", "wb", buffering=0) as filler:
        size = 65536
        while size >= 1:
            try:
                filler.write(b"x" * size)
            except OSError:
                size //= 2


def test_47_02_a_full_disk_refuses_and_recovers_by_itself(build, small_disk, tmp_path):
    control = Control(build, small_disk, flags=("--rate-limit", "0")).bootstrap()
    control.log_path = tmp_path / "control.log"
    control.start()
    zone = control.api.zone(control.account_id, "full.example.net")["id"]
    made, statuses = [], set()

    def add():
        answer = control.api.call("POST", f"/zones/{zone}/dns_records",
                                  {"type": "TXT", "name": f"n{len(made)}.full.example.net", "content": "x" * 200})
        statuses.add(answer.status)
        if answer.status == 200:
            made.append(answer.result["id"])
        return answer

    for _ in range(20):
        assert add().status == 200
    fill(small_disk)
    wait_until(lambda: add().status == 507, "the disk is full", 30)
    for _ in range(10):
        add()
    assert statuses <= {200, 507, 503}
    # Reading goes on, and everything that was acknowledged is there.
    assert control.api.ok("GET", f"/zones/{zone}/dns_records?per_page=5000").body["result_info"]["total_count"] == len(made)
    (small_disk / "filler").unlink()
    wait_until(lambda: add().status == 200, "it writes again, by itself", 30)
    assert set(made) == set(stored(control, "SELECT id FROM dns_records"))

    fill(small_disk)
    wait_until(lambda: add().status == 507, "the disk is full again", 30)
    control.kill()
    (small_disk / "filler").unlink()
    control.start()
    assert set(made) == set(stored(control, "SELECT id FROM dns_records"))
    assert run([control.program, "check", "--store", control.store]).returncode == 0
    control.stop()
