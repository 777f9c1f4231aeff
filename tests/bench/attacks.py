#!/usr/bin/python3
"""Attacks beside paced visitors: what do the others notice, who pays more, how long until the attacker is cut off?

    /usr/bin/python3 tests/bench/attacks.py --build build/release [--only WORD] [--seconds 6]

One worker serves both.  p99 is compared with a run in which a program that talks to nobody burns what the attacker burnt.
The attacks are the table of tests/integration/harness/attacks.py.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))
from conftest import World  # noqa: E402
from harness.attacks import ATTACKS  # noqa: E402
from harness.certs import Authority  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
# The edge has one core to itself; attackers, visitors and the origin share the other.
EDGE_CORE, OTHER_CORE = "0", "1"
SLOW_S = 20
RATE = 25
BURN = """
import sys, time
share, ends = float(sys.argv[1]), time.monotonic() + float(sys.argv[2])
while time.monotonic() < ends:
    began = time.monotonic()
    while time.monotonic() - began < 0.01 * share: pass
    time.sleep(0.01 * (1 - share))
"""


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def visitors(world, host, seconds, log):
    log.unlink(missing_ok=True)
    return subprocess.Popen(["taskset", "-c", OTHER_CORE, "h2load", "-c4", "-m1", f"--rps={RATE}", f"-n{4 * RATE * seconds}", f"--log-file={log}",
                             "--connect-to", f"127.0.0.1:{world.edge.https}", f"https://{host}/1k"],
                            stdout=subprocess.PIPE, text=True)


def outcome(process, log):
    """(asked, failed, p99 in ms) of the visitors."""
    text = process.communicate(timeout=120)[0]
    total, failed = (int(re.search(pattern, text)[1]) for pattern in (r"requests: (\d+) total", r"(\d+) failed"))
    rows = [line.split("\t") for line in log.read_text().splitlines()]
    bad = failed + sum(row[1] != "200" for row in rows)
    took_ms = sorted(int(row[2]) / 1000 for row in rows)
    return total, bad, took_ms[int(len(took_ms) * 0.99)] if took_ms else float("inf")


def beside(world, host, seconds, command, log):
    """The visitors beside a program; returns what they noticed and what that program printed and used."""
    guests = visitors(world, host, seconds, log)
    program = subprocess.Popen(["taskset", "-c", OTHER_CORE, *command], stdout=subprocess.PIPE, text=True,
                               cwd=ROOT / "tests/integration")
    printed = program.stdout.read()
    _, _, usage = os.wait4(program.pid, 0)
    program.returncode = 0
    return outcome(guests, log), printed, usage.ru_utime + usage.ru_stime


def measure(world, host, prey, what, options):
    seconds = options.seconds if what.crowd == 1 else max(options.seconds, SLOW_S)
    worker, log = world.edge.worker_pids()[0], world.directory / "visitors.log"
    edge_before, held_before = cpu_s(worker), rss_mib(worker)
    noticed, printed, attacker_s = beside(
        world, host, seconds, ["/usr/bin/python3", "-m", "harness.attacks", what.name, str(world.edge.https),
                               str(world.edge.http), prey, str(seconds)], log)
    edge_s, held = cpu_s(worker) - edge_before, rss_mib(worker) - held_before
    share = min(0.99, attacker_s / seconds)
    calm, _, _ = beside(world, host, seconds, ["/usr/bin/python3", "-c", BURN, str(share), str(seconds)], log)
    became = json.loads(printed)
    same = world.edge.worker_pids()[0] == worker
    return {"attack": what.name, "asked": noticed[0], "failed": noticed[1], "p99_ms": round(noticed[2], 1),
            "calm_p99_ms": round(calm[2], 1), "edge_s": round(edge_s, 2), "attacker_s": round(attacker_s, 2),
            "ratio": round(edge_s / max(attacker_s, 0.01), 2), "memory_mib": round(held, 1), "opened": became["opened"],
            "cut": became["cut"], "cut_after_s": statistics.median(became["cut_after_s"]) if became["cut"] else None,
            "reasons": became["reasons"], "survived": same}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--only", default="", help="attacks with this word")
    parser.add_argument("--seconds", type=int, default=6, help="of a flood; who waits is watched for 20")
    parser.add_argument("--json", help="the rows, into this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trunkline-attacks-") as place:
        world = World(ROOT / options.build, Path(place), Authority(Path(place)), workers=1).start()
        subprocess.run(["taskset", "-acp", EDGE_CORE, str(world.edge.pid)], stdout=subprocess.DEVNULL, check=True)
        for pid in world.edge.worker_pids():
            subprocess.run(["taskset", "-acp", EDGE_CORE, str(pid)], stdout=subprocess.DEVNULL, check=True)
        origin = world.nginx()
        _, host = world.zone(origin.port)
        _, prey = world.zone(origin.port)
        rows = []
        print(f"{'attack':38} {'failed':>7} {'p99 ms':>7} {'calm':>6} {'edge/att.':>9} {'MiB':>6} {'cut':>8} {'after s':>7}  said")
        for what in ATTACKS.values():
            if options.only not in what.name:
                continue
            row = measure(world, host, prey, what, options)
            rows.append(row)
            print(f"{row['attack']:38} {row['failed']:>3}/{row['asked']:<4} {row['p99_ms']:>6} {row['calm_p99_ms']:>6} "
                  f"{row['edge_s']:>4}/{row['attacker_s']:<4} {row['memory_mib']:>6} {row['cut']:>3}/{row['opened']:<4} "
                  f"{row['cut_after_s'] if row['cut_after_s'] is not None else '-':>7}  {', '.join(row['reasons'])[:60]}"
                  + ("" if row["survived"] else "  THE WORKER DIED"), flush=True)
            time.sleep(0.5)
        world.stop()
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
