"""trunkline-edge: a supervisor and its workers, their access log."""
import json
import os
import signal
from pathlib import Path

from .process import Process, free_port, wait_until


class Edge(Process):
    def __init__(self, build, directory, socket, workers=2, origin_ca=None, flags=()):
        self.directory = Path(directory)
        self.state = self.directory / "edge-state"
        self.https, self.http = free_port(), free_port()
        self.access_path = self.directory / "access.log"
        command = [Path(build, "trunkline-edge"), "--socket", socket, "--state", self.state,
                   "--https", f"127.0.0.1:{self.https}", "--http", f"127.0.0.1:{self.http}",
                   "--workers", workers, "--access-log", self.access_path,
                   "--allow-origin", "127.0.0.0/8", "--allow-origin", "::1/128", "--edge-id", "test-1", *flags]
        if "--user" not in flags and os.geteuid() == 0:
            command += ["--user", "root"]  # pytest's directories are root's alone
        if origin_ca:
            command += ["--origin-ca", origin_ca]
        super().__init__("edge", command, directory)

    def worker_pids(self):
        """The live children of the supervisor."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sorted(int(pid) for pid in children)

    def orphan_pids(self):
        """Every process that runs workers of this edge, whoever its parent is."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
                except OSError:
                    continue
                if b"--worker-slot" in words and str(self.state).encode() in words and state != "Z":
                    found.append(int(entry.name))
        return sorted(found)

    def stop_all(self):
        """Ends the supervisor in order, and then workers that a test orphaned."""
        self.stop()
        for pid in self.orphan_pids():
            os.kill(pid, signal.SIGKILL)

    def access(self, **wanted):
        """The access lines that have these members."""
        lines = []
        if self.access_path.exists():
            for line in self.access_path.read_text().splitlines():
                entry = json.loads(line)
                if all(entry.get(key) == value for key, value in wanted.items()):
                    lines.append(entry)
        return lines

    def await_access(self, count=1, **wanted):
        """Waits until there are that many such lines and returns them."""
        return wait_until(lambda: (found := self.access(**wanted)) and len(found) >= count and found,
                          f"{count} access lines with {wanted}")
