"""A control with a million zones: makes the store, then asks it, one request at a time on an idle disk.

    /usr/bin/python3 tests/bench/control_scale.py --build build/release [--zones 1000000] [--accounts 10000] [--keep DIR]

Zones are copied, row by row, from one that the REST API made, so that they are what the program writes itself.
"""
import argparse
import hashlib
import http.client
import json
import os
import random
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))
from harness.control import Control  # noqa: E402

BATCH = 20000
PROBE_BYTES = 49152  # what a PATCH appends to the log
TARGETS = {"PATCH setting p99 ms": 20, "GET zone p99 ms": 2, "start ms": 1000, "memory MB": 200}


def bar(done, total, began):
    if sys.stderr.isatty() or done == total:
        width = 40 * done // total
        rate = done / max(time.monotonic() - began, 0.001)
        end = "\n" if done == total else ""
        print(f"\r[{'#' * width:40}] {done:>9,} of {total:,} zones, {rate:,.0f}/s", end=end, file=sys.stderr, flush=True)


def row_of(db, table, where, value):
    db.row_factory = sqlite3.Row
    row = dict(db.execute(f"SELECT * FROM {table} WHERE {where} = ?", (value,)).fetchone())
    db.row_factory = None
    return row


def insert_many(db, table, rows):
    names = list(rows[0])
    db.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
                   ([row[name] for name in names] for row in rows))


def copies(templates, number, account_id):
    """The rows of one more zone."""
    zone, document = templates
    name, zone_id = f"zone-{number}.example.org", f"{number:032x}"
    body = document["body"].replace(zone["id"].encode(), zone_id.encode()).replace(zone["name"].encode(), name.encode())
    return (dict(zone, id=zone_id, name=name, name_key=name[::-1], account_id=account_id),
            dict(document, zone_id=zone_id, body=body, digest=hashlib.sha256(body).digest()))


def fill(store, template, zones, accounts):
    db = sqlite3.connect(store)
    db.executescript("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -262144;")
    zone, document = row_of(db, "zones", "id", template), row_of(db, "documents", "zone_id", template)
    assert zone["name_key"] == zone["name"][::-1]
    account = row_of(db, "accounts", "id", zone["account_id"])
    each = -(-zones // accounts)
    insert_many(db, "accounts", [dict(account, id=f"{n:032x}", name=f"Account {n}", zone_count=each)
                                 for n in range(1, accounts + 1)])
    began = time.monotonic()
    for first in range(0, zones, BATCH):
        made = [copies((zone, document), number, f"{number // each + 1:032x}")
                for number in range(first, min(first + BATCH, zones))]
        insert_many(db, "zones", [pair[0] for pair in made])
        insert_many(db, "documents", [pair[1] for pair in made])
        db.commit()
        bar(min(first + BATCH, zones), zones, began)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


class Client:
    """One connection, kept."""

    def __init__(self, control):
        self.connection = http.client.HTTPConnection("127.0.0.1", control.port)
        self.headers = {"Authorization": f"Bearer {control.token}", "Content-Type": "application/json"}

    def ask(self, method, path, body=None):
        began = time.perf_counter()
        self.connection.request(method, "/client/v4" + path, json.dumps(body) if body else None, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        took_ms = (time.perf_counter() - began) * 1000
        assert answer.status == 200, text
        return took_ms, json.loads(text)


def percentiles(samples):
    ordered = sorted(samples)
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]


def disk(store, count):
    """What a write in place and its sync take beside the store: the part of a PATCH that is not ours."""
    samples = []
    with open(f"{store}.probe", "wb", buffering=0) as probe:
        probe.write(bytes(PROBE_BYTES * count))
        os.fsync(probe.fileno())
        for n in range(count):
            began = time.perf_counter()
            os.pwrite(probe.fileno(), b"x" * PROBE_BYTES, PROBE_BYTES * n)
            os.fdatasync(probe.fileno())
            samples.append((time.perf_counter() - began) * 1000)
    os.unlink(f"{store}.probe")
    p50, p99 = percentiles(samples)
    return {"disk alone p50 ms": round(p50, 2), "disk alone p99 ms": round(p99, 2), "load": round(os.getloadavg()[0], 1)}


def measure(control, zones, accounts, count):
    client = Client(control)
    ids = [f"{random.randrange(zones):032x}" for _ in range(count)]
    pages = [f"{random.randrange(1, accounts + 1):032x}" for _ in range(count)]

    def patch(n, turn=1):
        return client.ask("PATCH", f"/zones/{ids[n]}/settings/origin_max_http_version", {"value": str(1 + (n + turn) % 2)})

    questions = {
        "PATCH setting": patch,
        "GET zone": lambda n: client.ask("GET", f"/zones/{ids[n]}"),
        "list, by account": lambda n: client.ask("GET", f"/zones?account.id={pages[n]}&per_page=50"),
        "list, by name": lambda n: client.ask("GET", f"/zones?name=zone-{int(ids[n], 16)}.example.org"),
        "list, last page of an account": lambda n: client.ask("GET", f"/zones?account.id={pages[n]}&per_page=50&page=2"),
    }
    figures = disk(control.store, count)
    for n in range(count):  # a copied zone has no certificate yet: its first PATCH signs one, as POST does elsewhere
        patch(n, turn=0)
    for what, ask in questions.items():
        samples = [ask(n)[0] for n in range(count)]
        figures[f"{what} p50 ms"], figures[f"{what} p99 ms"] = (round(value, 2) for value in percentiles(samples))
    return figures


def memory_mb(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return round(int(line.split()[1]) / 1024, 1)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--zones", type=int, default=1000000)
    parser.add_argument("--accounts", type=int, default=10000)
    parser.add_argument("--requests", type=int, default=1000, help="of each kind")
    parser.add_argument("--keep", help="make the store here and leave it")
    options = parser.parse_args()
    place = tempfile.TemporaryDirectory(prefix="trunkline-scale-") if not options.keep else None
    directory = Path(options.keep or place.name)
    directory.mkdir(exist_ok=True)
    control = Control(options.build, directory, flags=("--rate-limit", "0")).bootstrap().start()
    template = control.api.zone(control.account_id, "template.example.org")["id"]
    control.stop()
    fill(control.store, template, options.zones, options.accounts)
    began = time.monotonic()
    control.start()
    figures = {"start ms": round((time.monotonic() - began) * 1000)}
    figures.update(measure(control, options.zones, options.accounts, options.requests))
    figures["memory MB"] = memory_mb(control.pid)
    figures["file MB"] = round(os.path.getsize(control.store) / 1e6)
    control.stop()
    for what, value in figures.items():
        target = TARGETS.get(what)
        print(f"{what:36} {value:>10}" + (f"   target {target}: {'met' if value <= target else 'MISSED'}" if target else ""))


if __name__ == "__main__":
    main()
