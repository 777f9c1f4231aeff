"""Privileges: the release build serves from inside its sandbox, and its parts are kept apart on the machine."""
import os
import pwd
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from conftest import ROOT, World
from harness.certs import Authority
from harness.control import Control
from harness.names import Names
from harness.process import Process, free_port, listen, run, wait_until
from harness.visitor import tls_socket

WORKER_USER = "nobody"
AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can start programs as another user")
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
WORKER_READY = b"\x20"  # schema/wire.md
UPGRADE = (b"GET /chat HTTP/1.1\r\nhost: %s\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
           b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
ACCEPTED = (b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


def make(*words):
    """Not a part of the make that may have started these tests."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    done = run(["make", *words], cwd=ROOT, timeout=1800, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def release():
    """The programs that users run: no sanitizer, so the sandbox is on."""
    make("-j2", "PROFILE=release", "B=build/release", "build")
    return ROOT / "build/release"


@pytest.fixture
def directory():
    """One that another user gets through, as /var/lib is."""
    made = Path(tempfile.mkdtemp(prefix="sandbox-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def names():
    made = Names({"origin.example.net": ["127.0.0.1"]})
    yield made
    made.stop()


def sandboxed(*flags):
    return ("--sandbox", "on", *(("--user", WORKER_USER) if AS_ROOT else ()), *flags)


@pytest.fixture
def world(release, directory, names):
    made = World(release, directory, Authority(directory), workers=2,
                 edge_flags=sandboxed("--resolver", f"127.0.0.1:{names.port}")).start()
    yield made
    made.stop()


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.split(":", 1)[0]: line.split(":", 1)[1].split() for line in lines}


def test_38_01_a_worker_has_nothing_left(world):
    for pid in world.edge.worker_pids():
        status = status_of(pid)
        assert status["NoNewPrivs"] == ["1"]
        assert status["Seccomp"] == ["2"]
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if AS_ROOT else ("CapPrm", "CapEff"):
            assert int(status[kind][0], 16) == 0, kind
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert [line.split()[4:6] for line in limits.splitlines() if "core file" in line] == [["0", "0"]]
        if AS_ROOT:
            user = pwd.getpwnam(WORKER_USER)
            assert status["Uid"] == [str(user.pw_uid)] * 4 and status["Gid"] == [str(user.pw_gid)] * 4
            assert status["Groups"] == []
    assert status_of(world.edge.pid)["NoNewPrivs"] == ["1"]
    assert status_of(world.control.pid)["NoNewPrivs"] == ["1"]


def test_38_02_the_whole_journey_runs_inside(world):
    """Names, both protocols to the origin, the toggle, an uploaded certificate."""
    origin = world.origin(certificate=world.authority.issue("origin.example.net", "*.example.net"))
    zone, host = world.zone(origin.port, address="origin.example.net")
    for protocol in ("h1", "h2", "plain"):
        assert world.visitor(protocol).get(host, "/v").status == 200
    assert origin.seen()[-1].protocol == "h2"

    world.api.applied(world.api.setting(zone["id"], "origin_max_http_version", "1"), zone["id"])
    assert world.visitor("h2").get(host, "/v").status == 200
    assert origin.seen()[-1].protocol == "http/1.1"

    chain, key = world.authority.issue(host)
    answer = world.api.ok("POST", f"/zones/{zone['id']}/custom_certificates",
                          {"certificate": chain.read_text(), "private_key": key.read_text()})
    world.api.applied(answer, zone["id"])
    tls_socket(world.edge, host, verify=str(world.authority.path)).close()
    world.edge.await_access(4)


class Echo(threading.Thread):
    """An HTTP/1.1 origin that accepts a WebSocket and sends its bytes back."""

    def __init__(self, certificate):
        super().__init__(daemon=True)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(*map(str, certificate))
        self.listener = listen()
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        plain, _ = self.listener.accept()
        with self.tls.wrap_socket(plain, server_side=True) as sock:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += sock.recv(1)
            sock.sendall(ACCEPTED)
            while piece := sock.recv(4096):
                sock.sendall(piece)


def test_38_03_a_websocket_runs_inside(world):
    origin = Echo(world.certificate)
    _, host = world.zone(origin.port)
    with tls_socket(world.edge, host) as sock:
        sock.sendall(UPGRADE % host.encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(1)
        assert head.startswith(b"HTTP/1.1 101 ")
        sock.sendall(b"\x81\x02hi")
        assert sock.recv(16) == b"\x81\x02hi"
    origin.listener.close()


def test_38_04_workers_come_and_go(world):
    """SIGHUP, a crash, a supervisor's death and its adoption: each without privileges."""
    origin = world.origin()
    zone, host = world.zone(origin.port)
    before = world.edge.worker_pids()
    world.edge.access_path.rename(world.directory / "access.old")

    world.edge.signal(signal.SIGHUP)
    wait_until(lambda: not set(before) & set(world.edge.worker_pids()), "new workers", 20)
    assert world.visitor().get(host, "/after-reload").status == 200
    world.edge.await_access(1)

    current = world.edge.worker_pids()
    os.kill(current[0], signal.SIGKILL)
    wait_until(lambda: len(world.edge.worker_pids()) == 2 and current[0] not in world.edge.worker_pids(), "a new worker")
    wait_until(lambda: world.visitor().get(host, "/after-crash").status == 200, "it serves")

    orphans = world.edge.worker_pids()
    world.edge.kill()
    assert world.visitor().get(host, "/orphaned").status == 200
    world.edge.start()
    assert world.edge.orphan_pids() == orphans, "the same workers serve on"
    world.api.applied(world.api.setting(zone["id"], "origin_max_http_version", "1"), zone["id"])
    assert world.visitor().get(host, "/adopted").status == 200
    assert origin.seen()[-1].protocol == "http/1.1"


def test_38_05_a_full_copy_is_swapped_in(world):
    """Another store at the same socket: the replica is replaced under workers that only read it."""
    origin = world.origin()
    _, host = world.zone(origin.port)
    assert world.visitor().get(host, "/old").status == 200
    world.control.stop()
    elsewhere = world.directory / "other"
    elsewhere.mkdir()
    other = Control(world.build, elsewhere)
    other.command[other.command.index("--socket") + 1] = str(world.control.socket)
    world.control = other.bootstrap().start()

    zone, fresh = world.zone(origin.port)

    assert world.visitor().get(fresh, "/new").status == 200
    assert world.visitor("plain").get(host, "/old").status == 404


def as_worker(program):
    """Runs Python as the workers' user; returns what it prints."""
    user = pwd.getpwnam(WORKER_USER)
    done = subprocess.run([sys.executable, "-c", program], user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                          stdout=subprocess.PIPE, text=True, timeout=30, cwd="/")
    return done.stdout.strip()


def opens(path, mode):
    """The name of what happens when a worker's user opens this."""
    return as_worker(f"import errno\ntry:\n    open({str(path)!r}, {mode!r}).close(); print('opened')\n"
                     f"except OSError as e:\n    print(errno.errorcode[e.errno])")


@needs_root
def test_38_06_a_workers_user_reads_the_replica_and_nothing_else(world):
    origin = world.origin()
    _, host = world.zone(origin.port)
    assert world.visitor().get(host).status == 200
    state = world.edge.state
    for name in ("replica.db", "replica.db-wal", "replica.db-shm"):
        assert opens(state / name, "rb") == "opened"
        assert opens(state / name, "r+b") == "EACCES", name
    for path in (state / "edge.key", state / "protocols.db", state / "supervisor.lock", state / "slot-0.lock",
                 world.control.store, Path(f"{world.control.store}.key")):
        assert path.exists() and opens(path, "rb") == "EACCES", path
    assert opens(state / "planted", "wb") == "EACCES"
    assert as_worker(f"import os\ntry: os.listdir({str(state)!r})\nexcept PermissionError: print('hidden')") == "hidden"
    assert opens(f"/proc/{world.edge.pid}/mem", "rb") == "EACCES"


@needs_root
def test_38_07_control_answers_only_the_edges_it_knows(world):
    """Two walls: the socket's mode, and who the peer is."""
    dial = (f"import socket\ns = socket.socket(socket.AF_UNIX)\ntry:\n    s.connect({str(world.control.socket)!r})\n"
            "    s.settimeout(10)\n    print(s.recv(1))\nexcept PermissionError: print('refused')\n"
            "except ConnectionResetError: print(b'')")
    world.directory.chmod(0o711)
    assert as_worker(dial) == "refused"

    os.chmod(world.control.socket, 0o666)

    assert as_worker(dial) == "b''"
    uid = pwd.getpwnam(WORKER_USER).pw_uid
    wait_until(lambda: "edge_not_allowed" in world.control.log_text() and f'"uid":{uid}' in world.control.log_text(),
               "the log names the user")


# Puts descriptors where systemd puts them, and becomes the program: LISTEN_PID is its own.
LAUNCHER = """
import os, sys
fds, program = [int(fd) for fd in sys.argv[1].split(",")], sys.argv[2:]
for n, fd in enumerate(fds):
    os.dup2(fd, 100 + n)
for n in range(len(fds)):
    os.dup2(100 + n, 3 + n)
    os.close(100 + n)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
os.execv(program[0], program)
"""


class Activated(Process):
    """A supervisor as systemd starts it: listening sockets at 3 and on, and a socket to tell."""

    def __init__(self, edge, sockets, told):
        self.fds = [sock.fileno() for _, sock in sockets]
        super().__init__("edge", [sys.executable, "-c", LAUNCHER, ",".join(map(str, self.fds)), *edge.command],
                         edge.directory, {"NOTIFY_SOCKET": told, "WATCHDOG_USEC": "60000000",
                                          "LISTEN_FDNAMES": ":".join(name for name, _ in sockets)})

    def start(self, wait_ready=True):
        self.ready.clear()
        self.log = open(self.log_path, "ab")
        self.popen = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
                                      env=self.environment, pass_fds=self.fds)
        threading.Thread(target=self._read_out, args=(self.popen,), daemon=True).start()
        self.wait_ready()


def test_38_08_systemds_sockets_are_served_and_survive(release, directory):
    world = World(release, directory, Authority(directory), workers=3, edge_flags=sandboxed())
    world.control.start()
    https, http = listen(), listen()
    world.edge.https, world.edge.http = https.getsockname()[1], http.getsockname()[1]
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(directory / "notify"))
    told.settimeout(20)

    def hears(wanted):
        while not told.recv(4096).startswith(wanted):
            pass

    def children():
        return sorted(map(int, Path(f"/proc/{edge.pid}/task/{edge.pid}/children").read_text().split()))

    edge = Activated(world.edge, [("https", https), ("http", http)], str(directory / "notify"))
    edge.start()
    try:
        origin = world.origin()
        _, host = world.zone(origin.port)
        hears(b"READY=1")
        hears(b"WATCHDOG=1")
        for protocol in ("h2", "plain"):
            assert world.visitor(protocol).get(host, f"/{protocol}").status == 200
        orphans = children()
        assert len(orphans) == 3
        edge.kill()
        edge.start()
        hears(b"READY=1")
        assert world.edge.orphan_pids() == orphans, "adopted, all of them on one socket"
        edge.signal(signal.SIGHUP)
        hears(b"RELOADING=1\nMONOTONIC_USEC=")
        wait_until(lambda: not set(orphans) & set(world.edge.orphan_pids()), "a reload replaces them", 20)
        assert world.visitor("h2").get(host, "/reloaded").status == 200
        edge.stop()
        hears(b"STOPPING=1")
    finally:
        if edge.running():
            edge.kill()
        world.stop()
        for one in (https, http, told):
            one.close()


def test_38_13_a_worker_of_a_newer_binary_starts_under_an_older_supervisor(world):
    """The counters that it inherits are not its own: it makes some before it enters the sandbox."""
    words = Path(f"/proc/{world.edge.worker_pids()[0]}/cmdline").read_bytes().decode().split("\0")[:-1]
    words[0], words[words.index("--worker-slot") + 1] = str(world.edge.command[0]), "7"
    channel, worker_end = socket.socketpair()
    https, http = listen(), listen()
    counters, access = os.memfd_create("other"), os.open(os.devnull, os.O_WRONLY)
    fds = [worker_end.fileno(), https.fileno(), http.fileno(), counters, access]
    log = world.directory / "newer.log"
    with open(log, "wb") as told:
        worker = subprocess.Popen([sys.executable, "-c", LAUNCHER, ",".join(map(str, fds)), *words], stderr=told,
                                  pass_fds=fds)
    try:
        worker_end.close()
        channel.settimeout(20)
        assert channel.recv(4096)[4:5] == WORKER_READY, log.read_text()
        assert "counters_unshared" in log.read_text() and '"seccomp":true' in log.read_text()
    finally:
        worker.kill()
        worker.wait()
        for fd in (counters, access):
            os.close(fd)
        for sock in (channel, https, http):
            sock.close()


INSTALLED = {"usr/bin/trunkline-control": 0o755, "usr/bin/trunkline-edge": 0o755,
             "usr/lib/systemd/system/trunkline-control.service": 0o644,
             "usr/lib/systemd/system/trunkline-edge.service": 0o644,
             "usr/lib/systemd/system/trunkline-edge-https.socket": 0o644,
             "usr/lib/systemd/system/trunkline-edge-http.socket": 0o644,
             "usr/lib/sysusers.d/trunkline.conf": 0o644,
             "etc/trunkline/control.json": 0o644, "etc/trunkline/edge.json": 0o644}


def tree(root):
    return {str(path.relative_to(root)): path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_file()}


def test_38_09_install_makes_a_tree_and_uninstall_leaves_the_configs(release, tmp_path):
    where = (f"DESTDIR={tmp_path}", "PREFIX=/usr")
    make("install", *where)
    assert tree(tmp_path) == INSTALLED
    for name in ("control", "edge"):
        unit = (tmp_path / f"usr/lib/systemd/system/trunkline-{name}.service").read_text()
        assert f"/usr/bin/trunkline-{name} " in unit and f"--config /etc/trunkline/{name}.json" in unit

    config = tmp_path / "etc/trunkline/edge.json"
    config.write_text('{"workers": 3}')
    make("install", *where)
    assert config.read_text() == '{"workers": 3}', "a config that is there stays"

    make("uninstall", *where)
    assert set(tree(tmp_path)) == {"etc/trunkline/control.json", "etc/trunkline/edge.json"}


def test_38_10_the_shipped_configs_are_understood(release, tmp_path):
    """Each is read whole before the state, which this user may not have, is touched."""
    for name, words in (("edge", ()), ("control", ("check",))):
        config = ROOT / f"mk/config/{name}.json"
        done = run([release / f"trunkline-{name}", *words, "--config", config, "--help"])
        assert done.returncode == 0, done.stderr
        typo = tmp_path / "typo.json"
        typo.write_text(config.read_text().replace("socket", "sockets"))
        assert run([release / f"trunkline-{name}", *words, "--config", typo]).returncode == 2


@needs_systemd
def test_38_11_the_units_are_right_and_tight(release, tmp_path):
    make("install", f"DESTDIR={tmp_path}", "PREFIX=/usr")
    units = tmp_path / "usr/lib/systemd/system"
    for unit in units.iterdir():  # systemd-analyze looks for the programs
        unit.write_text(unit.read_text().replace("/usr/bin/trunkline", f"{tmp_path}/usr/bin/trunkline"))
    verified = run(["systemd-analyze", "verify", "--man=no", *units.iterdir()])
    assert verified.returncode == 0, verified.stderr
    for name in ("control", "edge"):
        # The threshold is in tenths: at most 1.5.
        done = run(["systemd-analyze", "security", "--offline=true", "--threshold=15",
                    units / f"trunkline-{name}.service"])
        assert done.returncode == 0, done.stdout[-400:] + done.stderr


class Elf:
    """What a 64-bit little-endian program says about itself."""

    def __init__(self, path):
        self.bytes = path.read_bytes()
        assert self.bytes[:6] == b"\x7fELF\x02\x01"
        self.kind, = struct.unpack_from("<H", self.bytes, 16)
        start, = struct.unpack_from("<Q", self.bytes, 32)
        size, count = struct.unpack_from("<HH", self.bytes, 54)
        self.segments = {}
        for n in range(count):
            kind, flags, offset, _, _, length = struct.unpack_from("<IIQQQQ", self.bytes, start + n * size)
            self.segments[kind] = (flags, self.bytes[offset:offset + length])

    def dynamic(self):
        return dict(struct.iter_unpack("<QQ", self.segments[2][1]))


@pytest.mark.parametrize("name", ("trunkline-control", "trunkline-edge"))
def test_38_12_the_programs_are_built_hard(release, name):
    elf = Elf(release / name)
    dynamic = elf.dynamic()
    assert elf.kind == 3 and dynamic[0x6ffffffb] & 0x08000000, "position-independent"
    assert dynamic[30] & 8 and dynamic[0x6ffffffb] & 1, "symbols are bound at the start"
    assert 0x6474e552 in elf.segments, "and read-only from then on"
    assert elf.segments[0x6474e551][0] & 1 == 0, "the stack is no code"
    assert b"\0__stack_chk_fail\0" in elf.bytes, "stack protector"
    assert b"\0__vsnprintf_chk\0" in elf.bytes, "fortified"
    if os.uname().machine == "x86_64":
        assert b"-fcf-protection" in (ROOT / "Makefile").read_bytes()
        assert b"\xf3\x0f\x1e\xfa" in elf.bytes, "endbr64: indirect branches land where they may"
