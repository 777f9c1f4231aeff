"""trunkline-control: bootstrapped store, REST service, Unix socket."""
import json
import subprocess
from pathlib import Path

from .api import Api
from .process import Process, free_port

PASSWORD = "correct horse battery"
EMAIL = "owner@example.com"


class Control(Process):
    def __init__(self, build, directory, flags=("--allow-origin", "127.0.0.0/8", "--allow-origin", "::1/128")):
        self.program = Path(build, "trunkline-control")
        self.store = Path(directory, "control.db")
        self.socket = Path(directory, "control.sock")
        self.port = free_port()
        super().__init__("control", [self.program, "serve", "--store", self.store, "--listen",
                                     f"127.0.0.1:{self.port}", "--socket", self.socket, *flags], directory)

    def bootstrap(self):
        done = subprocess.run([self.program, "bootstrap", "--store", self.store, "--email", EMAIL,
                               "--password-stdin"], input=PASSWORD + "\n", capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        self.user_id, self.account_id, self.token = told["user_id"], told["account_id"], told["token"]
        return self

    @property
    def api(self):
        return Api(self.port, self.token)
