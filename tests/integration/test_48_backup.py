"""A store is copied while it is written, and brought back elsewhere: edges notice without losing a request."""
import os
import shutil
import sqlite3
import subprocess
import threading

import pytest

from harness.process import run, wait_until


def control(world, *arguments):
    return run([world.control.program, *arguments])


def key_of(store):
    return store.with_name(store.name + ".key")


@pytest.fixture
def place(make_world):
    world = make_world().start()
    world.backup = world.directory / "backup.db"
    return world


def take(world):
    done = control(world, "backup", "--store", world.control.store, "--to", world.backup)
    assert done.returncode == 0, done.stderr
    assert "master key is not in it" in done.stdout
    return done


def test_48_01_a_backup_under_load_is_sound_and_whole(place):
    done, written = threading.Event(), []

    def write():
        while not done.is_set():
            written.append(place.api.zone(place.control.account_id, f"load{next(place.names)}.example.net")["id"])

    writers = [threading.Thread(target=write) for _ in range(4)]
    for one in writers:
        one.start()
    wait_until(lambda: len(written) > 20, "writers write")
    acknowledged = list(written)
    take(place)
    done.set()
    for one in writers:
        one.join()
    assert os.stat(place.backup).st_mode & 0o777 == 0o600
    assert not list(place.directory.glob("backup.db?*"))
    with sqlite3.connect(place.backup) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        held = {row[0] for row in copy.execute("SELECT id FROM zones")}
    assert set(acknowledged) <= held


def test_48_02_a_restored_store_is_taken_over_without_a_failed_request(place):
    origin = place.origin()
    kept, host = place.zone(origin.port)
    take(place)
    changed = place.api.setting(kept["id"], "origin_max_http_version", "1")
    place.api.applied(changed, kept["id"])
    _, lost_host = place.zone(origin.port)
    assert place.visitor("plain").get(host).headers["x-origin"] == "h1"

    stopped, failed = threading.Event(), []

    def visit():
        while not stopped.is_set():
            page = place.visitor("h2").get(host)
            if page.status != 200:
                failed.append(page)

    visitor = threading.Thread(target=visit)
    visitor.start()
    place.control.stop()
    done = control(place, "restore", "--store", place.control.store, "--from", place.backup, "--replace")
    assert done.returncode == 0, done.stderr
    place.control.start()
    wait_until(lambda: place.visitor("plain").get(lost_host).status == 404, "the edge has the restored store")
    stopped.set()
    visitor.join()
    assert not failed
    assert place.visitor("plain").get(host).headers["x-origin"] == "h2"
    # Revisions that the former store gave out too are believed only of this one.
    place.api.applied(place.api.setting(kept["id"], "origin_max_http_version", "1"), kept["id"])
    assert place.visitor("plain").get(host).headers["x-origin"] == "h1"
    before = list(place.directory.glob("control.db.before-*"))
    assert len(before) == 1 and control(place, "check", "--store", before[0], "--master-key", key_of(place.control.store)).returncode == 0


def test_48_03_it_is_restored_elsewhere_with_its_key_and_not_without(place):
    zone = place.api.zone(place.control.account_id, "elsewhere.example.net")
    take(place)
    there = place.directory / "elsewhere" / "control.db"
    there.parent.mkdir()
    without = control(place, "restore", "--store", there, "--from", place.backup)
    assert without.returncode == 1 and ".key" in without.stderr
    assert not there.exists() and not list(there.parent.glob("*.restoring*"))
    shutil.copy(key_of(place.control.store), key_of(there))
    assert control(place, "restore", "--store", there, "--from", place.backup).returncode == 0
    with sqlite3.connect(there) as made, sqlite3.connect(place.backup) as backup:
        assert made.execute("SELECT id FROM zones WHERE id = ?", (zone["id"],)).fetchone()
        epochs = [one.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone() for one in (made, backup)]
    assert epochs[0] != epochs[1]
    assert control(place, "check", "--store", there).returncode == 0


def test_48_04_what_is_there_is_never_lost(place):
    take(place)
    again = control(place, "backup", "--store", place.control.store, "--to", place.backup)
    assert again.returncode == 1 and "there already" in again.stderr
    running = control(place, "restore", "--store", place.control.store, "--from", place.backup, "--replace")
    assert running.returncode == 1 and "in use" in running.stderr
    place.control.stop()
    kept = control(place, "restore", "--store", place.control.store, "--from", place.backup)
    assert kept.returncode == 1 and "--replace" in kept.stderr
    digest = place.control.store.read_bytes()
    damaged = place.directory / "damaged.db"
    damaged.write_bytes(place.backup.read_bytes()[:8192] + b"\xff" * 8192 + place.backup.read_bytes()[16384:])
    for bad in (damaged, key_of(place.control.store), place.directory / "absent"):
        refused = control(place, "restore", "--store", place.control.store, "--from", bad, "--replace")
        assert refused.returncode == 1 and refused.stderr, bad
        assert place.control.store.read_bytes() == digest
    assert not list(place.directory.glob("*.restoring*")) and not list(place.directory.glob("*.before-*"))


def test_48_05_bad_targets_are_told_in_words(place):
    for target, word in ((place.directory / "no" / "such.db", "No such file"), (place.directory, "there already")):
        done = control(place, "backup", "--store", place.control.store, "--to", target)
        assert done.returncode == 1 and word in done.stderr
    for command in (("backup",), ("restore",)):
        done = control(place, *command, "--store", place.control.store)
        assert done.returncode == 2
    for command in (("backup", "--to", place.backup), ("migrate",)):
        done = control(place, command[0], "--store", place.directory / "absent.db", *command[1:])
        assert done.returncode == 1 and "not there" in done.stderr and not (place.directory / "absent.db").exists()


def test_48_06_migrate_says_that_there_is_nothing_to_do(place):
    busy = control(place, "migrate", "--store", place.control.store)
    assert busy.returncode == 1 and "in use" in busy.stderr
    place.control.stop()
    assert control(place, "migrate", "--store", place.control.store).returncode == 0
    subprocess.run(["sqlite3", place.control.store, "UPDATE schema_migrations SET checksum = x'00' WHERE number = 1"], check=True)
    assert control(place, "migrate", "--store", place.control.store).returncode == 1
