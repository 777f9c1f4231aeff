#!/usr/bin/python3
"""Runs every kind of test in order and counts: `make test` is this file, `make unit` a part of it.

Kinds, in order: tidy, unit, fuzz-replay, integration.  Each prints its own summary; the last line of all is
`N passed, N failed`.  Exit 1 when anything failed, or when a kind ran nothing.
"""
import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNIT_TIMEOUT_S = 120
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, passed, failed):
        self.passed += passed
        self.failed += failed
        return failed == 0


def make(build, *goals):
    subprocess.run(["make", "--no-print-directory", "-j2", f"B={build}", *goals], cwd=ROOT, check=True)


def run_tidy(args, count):
    done = subprocess.run([sys.executable, "tests/tidy/tidy.py"], cwd=ROOT)
    return count.add(1, 0) if done.returncode == 0 else count.add(0, 1)


def run_unit_program(path):
    """One cmocka program; its output is shown on failure only."""
    environment = dict(os.environ, **SANITIZERS, LOG="error")
    started = time.monotonic()
    try:
        done = subprocess.run([str(path)], cwd=ROOT, env=environment, timeout=UNIT_TIMEOUT_S,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, code = done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace") + f"\nno end after {UNIT_TIMEOUT_S} s"
        code = 1
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", output))
    failed = len(re.findall(r"^\[  FAILED  \] \w+\s*$", output, re.M))
    if code != 0 and failed == 0:
        failed = 1
    if code == 0 and passed == 0:
        output, failed = output + "\nran no test", 1
    return path, passed, failed, output, time.monotonic() - started


def run_unit(args, count):
    make(args.build, "unit-build")
    programs = sorted(p for p in Path(ROOT, args.build, "tests/unit").rglob("test_*")
                      if p.is_file() and os.access(p, os.X_OK) and "." not in p.name)
    sources = {p.relative_to(ROOT).with_suffix("") for p in Path(ROOT, "tests/unit").rglob("test_*.c")}
    programs = [p for p in programs if p.relative_to(Path(ROOT, args.build)) in sources]
    if args.match:
        programs = [p for p in programs if args.match in str(p).replace("test_", "")]
    passed = failed = 0
    with ThreadPoolExecutor(args.jobs) as pool:
        for path, ok, bad, output, took in pool.map(run_unit_program, programs):
            passed, failed = passed + ok, failed + bad
            name = path.relative_to(Path(ROOT, args.build, "tests/unit"))
            print(f"  unit {name}: {ok} passed, {bad} failed ({took:.1f} s)", flush=True)
            if bad:
                print(output)
    print(f"unit: {len(programs)} programs, {passed} passed, {failed} failed", flush=True)
    return count.add(passed, failed if programs else failed + 1)


def run_fuzz_replay(args, count):
    make(args.build, "replayers")
    passed = failed = 0
    for corpus in sorted(p for p in Path(ROOT, "tests/fuzz/corpus").iterdir() if p.is_dir()):
        program = Path(ROOT, args.build, "tests/fuzz", f"replay_{corpus.name}")
        done = subprocess.run([str(program), str(corpus)], cwd=ROOT, env=dict(os.environ, **SANITIZERS),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
        output = done.stdout.decode(errors="replace")
        if done.returncode == 0:
            passed += 1
            print("  fuzz-replay " + output.strip().splitlines()[-1], flush=True)
        else:
            failed += 1
            print(output)
    print(f"fuzz-replay: {passed} passed, {failed} failed", flush=True)
    return count.add(passed, failed if passed else failed + 1)


def run_pytest(args, count, directory):
    make(args.build, "build")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--build", args.build, directory]
    if args.match:
        command += ["-k", args.match]
    done = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in done.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        lines.append(line)
    code = done.wait()
    summary = "".join(lines[-3:])
    numbers = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", summary)}
    failed = numbers.get("failed", 0) + numbers.get("error", 0)
    if code != 0 and failed == 0:
        failed = 1
    return count.add(numbers.get("passed", 0), failed)


def run_integration(args, count):
    return run_pytest(args, count, "tests/integration")


KINDS = {"tidy": run_tidy, "unit": run_unit, "fuzz-replay": run_fuzz_replay, "integration": run_integration}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/debug", help="where the programs are (default build/debug)")
    parser.add_argument("--only", choices=KINDS, help="one kind")
    parser.add_argument("--match", help="only tests whose name contains this")
    parser.add_argument("--jobs", type=int, default=2, help="unit programs at a time")
    args = parser.parse_args()
    count = Count()
    good = True
    for name, run in KINDS.items():
        if args.only in (None, name):
            print(f"== {name}", flush=True)
            good = run(args, count) and good
    print(f"{count.passed} passed, {count.failed} failed", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
