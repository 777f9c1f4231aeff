"""A program under test: started, awaited until it says `ready`, ended by its process id, its log kept."""
import errno
import os
import random
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

START_S = 30
STOP_S = 30
# Below the range of /proc/sys/net/ipv4/ip_local_port_range, and without a port that the address policy refuses.
PORTS = (14000, 27000)
# A small quarantine: what was freed would otherwise count as memory that the program holds.
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=1:quarantine_size_mb=1",
              "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "assert_failed", "assertion_failed")


def free_port():
    """A port that nobody has on any loopback address, and that stays free until the caller binds it: the kernel gives
    ports of PORTS neither to outgoing connections nor to who binds port 0."""
    while True:
        port = random.randrange(*PORTS)
        try:
            for host, family in (("0.0.0.0", socket.AF_INET), ("::1", socket.AF_INET6)):
                with socket.socket(family) as probe:
                    probe.bind((host, port))
            return port
        except OSError as taken:
            if taken.errno != errno.EADDRINUSE:
                raise


def listen(host="127.0.0.1", port=0, backlog=128):
    """A listening socket on a port that can be bound again after it was closed, and on other addresses beside it."""
    return socket.create_server((host, port or free_port()), backlog=backlog,
                                family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def wait_until(condition, what, timeout_s=10.0):
    """Asks until the condition holds; fails with `what` when it does not in time.  Returns its value."""
    ends = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > ends:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.01)


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    def __init__(self, name, command, directory, environment=None):
        self.name = name
        self.command = [str(part) for part in command]
        self.log_path = Path(directory, f"{name}.log")
        self.environment = dict(os.environ, **SANITIZERS, **(environment or {}))
        self.popen = None
        self.out = []
        self.ready = threading.Event()

    def start(self, wait_ready=True):
        self.ready.clear()
        self.log = open(self.log_path, "ab")
        self.popen = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=self.log, env=self.environment)
        threading.Thread(target=self._read_out, args=(self.popen,), daemon=True).start()
        if wait_ready:
            self.wait_ready()
        return self

    def _read_out(self, popen):
        for line in popen.stdout:
            self.out.append(line.decode(errors="replace").rstrip("\n"))
            if line.strip() == b"ready":
                self.ready.set()
        popen.stdout.close()

    def wait_ready(self, timeout_s=START_S):
        ends = time.monotonic() + timeout_s
        while not self.ready.wait(0.02):
            if self.popen.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.popen.returncode}:\n{self.log_text()}")
            if time.monotonic() > ends:
                raise AssertionError(f"{self.name} is not ready after {timeout_s} s:\n{self.log_text()}")

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen is not None and self.popen.poll() is None

    def kill(self):
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait(STOP_S)
        self.log.close()

    def signal(self, number):
        self.popen.send_signal(number)

    def stop(self):
        """SIGTERM; the program must end by itself with 0 and with nothing from the sanitizers in its log."""
        if not self.running():
            return
        self.popen.send_signal(signal.SIGTERM)
        try:
            code = self.popen.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop in {STOP_S} s:\n{self.log_text()}") from None
        self.log.close()
        assert code == 0, f"{self.name} ended with {code}:\n{self.log_text()}"
        self.check_log()

    def log_text(self):
        return self.log_path.read_text(errors="replace")[-8000:] if self.log_path.exists() else ""

    def check_log(self):
        text = self.log_path.read_text(errors="replace")
        for word in SANITIZER_WORDS:
            assert word not in text, f"{self.name}:\n{text[max(0, text.find(word) - 200):][:6000]}"


def run(command, **options):
    """A program that ends by itself; output as text."""
    options.setdefault("timeout", 120)
    return subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, errors="replace", **options)
