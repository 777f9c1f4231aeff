#!/usr/bin/python3
"""`make run`: control, an edge and two real nginx origins on loopback, a demo account with a zone for each.

Everything lives in build/run (store, replica, logs, certificates) and is found again by the next run.  Ctrl-C or SIGTERM
ends all of it in order.
"""
import argparse
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))

from harness.api import Api  # noqa: E402
from harness.certs import Authority  # noqa: E402
from harness.control import EMAIL, PASSWORD, Control  # noqa: E402
from harness.edge import Edge  # noqa: E402
from harness.nginx import Nginx  # noqa: E402
from harness.process import free_port, listening  # noqa: E402

ZONES = {"h2.demo.example": True, "h1.demo.example": False}


def port_or_other(wanted):
    """The usual port, or a free one when somebody listens there."""
    return free_port() if listening(wanted) else wanted


class Demo:
    def __init__(self, build, directory):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        authority = Authority(directory, "demo origin ca")
        certificate = authority.issue("*.demo.example")
        self.origins = {name: Nginx(directory, "origin-" + name.split(".", 1)[0], certificate, http2,
                                    port=port_or_other(9443 if http2 else 9444)) for name, http2 in ZONES.items()}
        self.control = Control(build, directory)
        self.control.port = port_or_other(8080)
        self.control.command[self.control.command.index("--listen") + 1] = f"127.0.0.1:{self.control.port}"
        self.edge = Edge(build, directory, self.control.socket, 2, authority.path)
        for flag, name, usual in (("--https", "https", 8443), ("--http", "http", 8081)):
            setattr(self.edge, name, port_or_other(usual))
            self.edge.command[self.edge.command.index(flag) + 1] = f"127.0.0.1:{getattr(self.edge, name)}"
        self.processes = [*self.origins.values(), self.control, self.edge]

    def login(self):
        """Bootstraps a new store, or takes the token of the last run."""
        kept = self.directory / "login.json"
        if not self.control.store.exists():
            self.control.bootstrap()
            kept.touch(0o600)
            kept.write_text(json.dumps({"account_id": self.control.account_id, "token": self.control.token}))
        told = json.loads(kept.read_text())
        self.control.account_id, self.control.token = told["account_id"], told["token"]

    def start(self):
        self.login()
        for process in self.processes:
            process.start()
        api = Api(self.control.port, self.control.token)
        self.zone_ids = {}
        for name, origin in self.origins.items():
            found = api.ok("GET", f"/zones?name={name}").result
            zone = found[0] if found else api.zone(self.control.account_id, name)
            self.zone_ids[name] = zone["id"]
            records = api.ok("GET", f"/zones/{zone['id']}/dns_records").result
            if not records:
                api.applied(api.origin(zone["id"], name, origin.port), zone["id"])
            elif records[0]["origin_port"] != origin.port:
                api.applied(api.ok("PATCH", f"/zones/{zone['id']}/dns_records/{records[0]['id']}",
                                   {"origin_port": origin.port}), zone["id"])
        ca = subprocess.run([self.control.program, "ca", "--store", self.control.store], stdout=subprocess.PIPE,
                            text=True, check=True)
        self.ca = self.directory / "local-ca.pem"
        self.ca.write_text(ca.stdout)

    def tell(self):
        lines = [f"curl -s --cacert {self.ca} --resolve {name}:{self.edge.https}:127.0.0.1 https://{name}:{self.edge.https}/"
                 for name in ZONES]
        lines.append(f"curl -s -X PATCH -H 'Authorization: Bearer {self.control.token}' -H 'Content-Type: application/json' "
                     f"--data '{{\"value\":\"1\"}}' http://127.0.0.1:{self.control.port}/client/v4/zones/"
                     f"{self.zone_ids['h2.demo.example']}/settings/origin_max_http_version")
        print(f"""
Trunkline runs.
  REST API   http://127.0.0.1:{self.control.port}/client/v4   (the dashboard will be at http://127.0.0.1:{self.control.port}/)
  login      {EMAIL} / {PASSWORD}
  edge       https://127.0.0.1:{self.edge.https}   http://127.0.0.1:{self.edge.http}
  origins    h2.demo.example offers HTTP/2, h1.demo.example HTTP/1.1 only; what they saw: {self.directory}/origin-*/access.log

Try these; the third turns HTTP/2 to Origin off ("2" turns it on again), then try the first one once more:
""")
        for line in lines:
            print(line)
        print("\nCtrl-C ends it.", flush=True)

    def stop(self):
        for process in (self.edge, self.control, *self.origins.values()):
            process.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", help="where the programs are (default build/release)")
    args = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    demo = Demo(ROOT / args.build, ROOT / "build/run")
    try:
        demo.start()
        demo.tell()
        while not done.wait(1):
            for process in demo.processes:
                if not process.running():
                    print(f"{process.name} ended; its log: {process.log_path}", file=sys.stderr)
                    return 1
        return 0
    finally:
        demo.stop()


if __name__ == "__main__":
    sys.exit(main())
