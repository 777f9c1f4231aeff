"""How long an edge takes to serve from a replica of many zones with control away: big_replica.py [--zones N] [--build DIR]."""
import argparse
import hashlib
import http.client
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))
from harness.edge import Edge  # noqa: E402


def rows(count, body, zone_id, name):
    for number in range(count):
        made = hashlib.md5(b"%d" % number).hexdigest()
        text = body.replace(zone_id, made).replace(name, f"zone{number}.example.net").encode()
        yield made, number + 1, hashlib.sha256(text).digest(), text


def fill(replica, count):
    """The golden document of schema/examples, that many times over."""
    import json
    document = json.loads((ROOT / "schema/examples/default.json").read_text())
    document["certificates"] = document["client_certificates"] = []
    name = document["name"]
    document["hostnames"] = [{**document["hostnames"][0], "name": name}]
    document["hostnames"][0]["origins"] = [{"address": "192.0.2.1"}]  # refused by policy: 523 tells that the zone is known
    body = json.dumps(document, separators=(",", ":"))
    zone_id = next(value for value in document.values() if isinstance(value, str) and len(value) == 32)
    base = sqlite3.connect(replica)
    base.execute("PRAGMA synchronous = OFF")
    with base:
        base.execute("DROP INDEX hostnames_by_zone")
        base.executemany("INSERT INTO documents VALUES (?, ?, ?, ?)", rows(count, body, zone_id, name))
        base.execute("INSERT INTO hostnames SELECT 'zone' || (revision - 1) || '.example.net', zone_id FROM documents")
        base.execute("CREATE INDEX hostnames_by_zone ON hostnames (zone_id)")
        base.execute("UPDATE position SET epoch = ?, revision = ?", ("0" * 32, count))
    base.close()


def memory_kb(pid):
    return sum(int(line.split()[1]) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
               if line.startswith("VmRSS"))


def ask(edge, host):
    connection = http.client.HTTPConnection("127.0.0.1", edge.http, timeout=20)
    connection.request("GET", "/", headers={"Host": host})
    return connection.getresponse().status


def main():
    flags = argparse.ArgumentParser()
    flags.add_argument("--zones", type=int, default=1_000_000)
    flags.add_argument("--build", default="build/release")
    told = flags.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        edge = Edge(ROOT / told.build, directory, Path(directory, "nobody.sock"), workers=2)
        edge.start().stop()
        fill(edge.state / "replica.db", told.zones)
        size = (edge.state / "replica.db").stat().st_size
        for attempt in ("cold", "again"):
            started = time.monotonic()
            edge.start()
            ready_ms = (time.monotonic() - started) * 1000
            statuses = {ask(edge, f"zone{number}.example.net") for number in range(0, told.zones, told.zones // 100)}
            unknown = ask(edge, "nobody.example.org")
            print(f"{attempt}: {told.zones} zones, {size >> 20} MiB, ready after {ready_ms:.0f} ms, "
                  f"100 zones answer {statuses}, unknown {unknown}, supervisor {memory_kb(edge.pid) >> 10} MiB, "
                  f"workers {[memory_kb(pid) >> 10 for pid in edge.worker_pids()]} MiB")
            edge.stop()


if __name__ == "__main__":
    main()
