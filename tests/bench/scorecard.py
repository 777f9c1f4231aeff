#!/usr/bin/python3
"""Scorecard: Trunkline beside Debian's haproxy, nghttpx and nginx, one interleaved run on one machine.

Every proxy has one worker on one core and TLS on both legs; visitors (h2load) and the origin (nginx) share the other core.
Rounds are interleaved and the median is printed.  Times differ from machine to machine: read the ratios, and the
instructions, which repeat.  Instructions come from `perf stat` (user and kernel) where it works, else from callgrind (user
space only).
"""
import argparse
import json
import os
import resource
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peers import HOST, OTHER_CORE, PEERS, ROOT

from harness.certs import Authority
from harness.nginx import Nginx
from harness.process import run, wait_until

SCENARIOS = {
    # name: (path, h2load flags, requests, HTTP/2 origin)
    "h2-h2 1KB 32x32": ("/1k", ["-c32", "-m32"], 60000, True),
    "h2-h2 100KB 32x32": ("/100k", ["-c32", "-m32"], 6000, True),
    "h1-h2 1KB 64": ("/1k", ["-c64", "--h1"], 30000, True),
    "h2-h1 1KB 32x32": ("/1k", ["-c32", "-m32"], 40000, False),
    "post 100KB 32x32": ("/post", ["-c32", "-m32", "-d", "{upload}"], 3000, True),
    "one at a time": ("/1k", ["-c1", "-m1"], 5000, True),
}
TICKS = os.sysconf("SC_CLK_TCK")


class Bench:
    """The parts that all proxies share, for one kind of origin."""

    def __init__(self, build, directory, origin_h2):
        self.build, self.directory, self.origin_h2 = build, directory, origin_h2
        authority = Authority(directory, "bench ca")
        self.certificate = authority.issue(HOST, "*.example.net", "127.0.0.1")
        self.origin = Nginx(directory, "origin-h2" if origin_h2 else "origin-h1", self.certificate, origin_h2,
                            http="ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;")
        self.origin.command = ["taskset", "-c", OTHER_CORE, *self.origin.command]
        self.origin.start()

    def peer(self, name, wrap=()):
        directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))
        return PEERS[name](self, directory, wrap)

    def connections(self):
        return len({connection for _, connection, _, _ in self.origin.seen()})

    def forget(self):
        (self.directory / self.origin.name / "access.log").write_text("")


def cpu_s(pids):
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory_mib(pids, key="VmRSS"):
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                total += int(line.split()[1])
    return total / 1024


def load(peer, path, flags, requests, log=None):
    command = ["taskset", "-c", OTHER_CORE, "h2load", "--tls13-ciphers=TLS_AES_128_GCM_SHA256", *flags, "-n", str(requests),
               "--connect-to", f"127.0.0.1:{peer.port}"]
    if log:
        command += [f"--log-file={log}"]
    started = time.monotonic()
    done = run([*command, f"https://{HOST}:{peer.port}{path}"], timeout=600)
    took = time.monotonic() - started
    line = next((l for l in done.stdout.splitlines() if l.startswith("status codes:")), "")
    good = int(line.split()[2]) if line else 0
    return good, took


def latencies_ms(log):
    times = sorted(int(line.split("\t")[2]) / 1000 for line in Path(log).read_text().splitlines())
    return times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]


def perf_counts(pids):
    """A running perf stat on these processes, or None where the machine has no counter."""
    probe = run(["perf", "stat", "-x,", "-e", "instructions", "true"])
    if probe.returncode or "not supported" in probe.stderr or "not counted" in probe.stderr:
        return None
    return subprocess.Popen(["perf", "stat", "-x,", "-e", "instructions", "-p", ",".join(map(str, pids))],
                            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def measure(bench, name, scenario):
    """One round: a started and warmed proxy, one load."""
    path, flags, requests, _ = SCENARIOS[scenario]
    upload = bench.directory / "upload"
    upload.write_bytes(b"u" * 102400)
    flags = [flag.format(upload=upload) for flag in flags]
    peer = bench.peer(name).start()
    try:
        load(peer, path, flags, max(64, requests // 20))
        bench.forget()
        log = bench.directory / "requests.log"
        log.unlink(missing_ok=True)
        pids = peer.pids()
        counter = perf_counts(pids)
        before = cpu_s(pids)
        good, took = load(peer, path, flags, requests, log)
        used = cpu_s(pids) - before
        instructions = None
        if counter:
            counter.send_signal(2)
            instructions = int(counter.communicate()[1].split(",")[0]) / max(1, good)
        p50, p99 = latencies_ms(log)
        return {"good": good, "of": requests, "cpu_us": used / max(1, good) * 1e6, "rps": good / took, "p50_ms": p50, "p99_ms": p99,
                "memory_mib": memory_mib(pids, "VmHWM"), "origin_connections": bench.connections(),
                "instructions": instructions}
    finally:
        peer.stop()


def user_instructions(bench, name, scenario):
    """User-space instructions per request by callgrind: a long load less a short one, so that handshakes cancel out."""
    path, flags, _, _ = SCENARIOS[scenario]
    flags = [flag.format(upload=bench.directory / "upload") for flag in flags]
    out = Path(tempfile.mkdtemp(dir=bench.directory))
    peer = bench.peer(name, ["valgrind", "--tool=callgrind", "--trace-children=yes", f"--log-file={out}/%p.log",
                             f"--callgrind-out-file={out}/%p.counts"]).start()
    totals = []
    try:
        loads = (2048, 1024, 4096) if path == "/1k" else (256, 128, 512)
        for part, requests in enumerate(loads, 1):  # the first one warms
            good, _ = load(peer, path, flags, requests)
            for pid in peer.pids():
                run(["callgrind_control", "-d", str(pid)])
            totals.append((good, sum(int(line.split()[1]) for counts in out.glob(f"*.counts.{part}")
                                     for line in counts.read_text(errors="replace").splitlines()
                                     if line.startswith("summary:"))))
    finally:
        peer.stop()
    (few, low), (many, high) = totals[1:]
    return (high - low) / max(1, many - few)


def cold_start(bench, name):
    """1,024 requests at once to an origin that nobody knows yet: how many origin connections."""
    peer = bench.peer(name).start()
    try:
        bench.forget()
        good, took = load(peer, "/1k", ["-c16", "-m64"], 1024)
        wait_until(lambda: len(bench.origin.seen("/1k")) >= good, "the origin logged all", 20)
        return {"good": good, "of": 1024, "origin_connections": bench.connections(), "took_ms": took * 1000}
    finally:
        peer.stop()


def idle_visitors(bench, name, count):
    """Memory of that many HTTP/2 visitors who have had one answer."""
    from hpack import Encoder
    block = Encoder().encode([(":method", "GET"), (":scheme", "https"), (":authority", HOST), (":path", "/1k")], huffman=False)
    hello = (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]) +
             len(block).to_bytes(3, "big") + bytes([1, 5, 0, 0, 0, 1]) + block)
    settings = ssl.create_default_context()
    settings.check_hostname, settings.verify_mode = False, ssl.CERT_NONE
    settings.set_alpn_protocols(["h2"])
    peer = bench.peer(name).start()
    socks = []
    try:
        load(peer, "/1k", ["-c8", "-m8"], 200)
        before = memory_mib(peer.pids())
        for _ in range(count):
            sock = settings.wrap_socket(socket.create_connection(("127.0.0.1", peer.port), timeout=30), server_hostname=HOST)
            sock.sendall(hello)
            got = b""
            while len(got) < 1024:
                piece = sock.recv(65536)
                if not piece:
                    raise AssertionError(f"{name} closed an idle visitor")
                got += piece
            socks.append(sock)
        time.sleep(1)
        grown = memory_mib(peer.pids()) - before
        ticks = cpu_s(peer.pids())
        time.sleep(3)
        return {"visitors": len(socks), "kib_each": grown * 1024 / count, "idle_cpu_percent": (cpu_s(peer.pids()) - ticks) / 3 * 100}
    finally:
        for sock in socks:
            sock.close()
        peer.stop()


def median(rounds):
    keys = rounds[0].keys()
    return {key: None if rounds[0][key] is None else statistics.median(r[key] for r in rounds) for key in keys}


def show(title, rows):
    columns = list(dict.fromkeys(key for row in rows.values() for key in row if row[key] is not None))
    print(f"\n{title}")
    print(f"  {'':<10}" + "".join(f"{column:>20}" for column in columns))
    for name, row in rows.items():
        cells = ["-" if row.get(c) is None else f"{row[c]:,.0f}" if abs(row[c]) >= 100 else f"{row[c]:,.2f}" for c in columns]
        print(f"  {name:<10}" + "".join(f"{cell:>20}" for cell in cells), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", help="where Trunkline's programs are")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds per scenario (default 3)")
    parser.add_argument("--only", help="scenarios whose name contains this")
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated; default all")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the number of requests")
    parser.add_argument("--idle", type=int, default=5000, help="idle visitors (0: leave out)")
    parser.add_argument("--no-instructions", action="store_true", help="leave valgrind's count out")
    parser.add_argument("--json", help="writes all figures to this file")
    args = parser.parse_args()
    names = args.peers.split(",")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    directory = Path(tempfile.mkdtemp(prefix="trunkline-bench-"))
    benches, result = {}, {}

    def bench_for(origin_h2):
        if origin_h2 not in benches:
            benches[origin_h2] = Bench(ROOT / args.build, directory, origin_h2)
        return benches[origin_h2]

    try:
        for scenario, (path, flags, requests, origin_h2) in list(SCENARIOS.items()):
            if args.only and args.only not in scenario:
                continue
            SCENARIOS[scenario] = (path, flags, int(requests * args.scale), origin_h2)
            rounds = {name: [] for name in names}
            for _ in range(args.rounds):
                for name in names:
                    rounds[name].append(measure(bench_for(origin_h2), name, scenario))
            rows = {name: median(rounds[name]) for name in names}
            if not args.no_instructions and shutil.which("valgrind"):
                for name in names:
                    if rows[name]["instructions"] is None:
                        rows[name]["user_instructions"] = user_instructions(bench_for(origin_h2), name, scenario)
            result[scenario] = rows
            show(scenario + ("   (nginx speaks HTTP/1.1 to origins)" if origin_h2 and "nginx" in names else ""), rows)
        if not args.only or args.only in "cold start":
            result["cold start"] = {name: median([cold_start(bench_for(True), name) for _ in range(args.rounds)]) for name in names}
            show("cold start, 1,024 requests at once", result["cold start"])
        if args.idle and (not args.only or args.only in "idle visitors"):
            result["idle visitors"] = {name: idle_visitors(bench_for(True), name, args.idle) for name in names}
            show(f"{args.idle} idle HTTP/2 visitors after one request", result["idle visitors"])
        if args.json:
            Path(args.json).write_text(json.dumps(result, indent=1))
    finally:
        for bench in benches.values():
            bench.origin.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
