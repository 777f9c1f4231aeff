"""Fixtures: the programs, started once for most tests (`world`) or anew for those that kill things (`fresh_world`)."""
import itertools
from pathlib import Path

import pytest

from harness.certs import Authority
from harness.control import Control
from harness.edge import Edge
from harness.nginx import Nginx
from harness.origin import Origin
from harness.visitor import Visitor

ROOT = Path(__file__).resolve().parent.parent.parent


def pytest_addoption(parser):
    parser.addoption("--build", default="build/debug", help="the directory with the programs")
    parser.addoption("--rounds", type=int, default=0, help="how often tests that repeat something do it")


@pytest.fixture(scope="session")
def build(request):
    return ROOT / request.config.getoption("--build")


@pytest.fixture
def rounds(request):
    """`rounds(12)`: 12 times, unless --rounds says otherwise."""
    return lambda usual: request.config.getoption("--rounds") or usual


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """The CA that the edge trusts for origins."""
    return Authority(tmp_path_factory.mktemp("ca"))


class World:
    """Control, an edge, and the means to make zones with origins."""

    names = itertools.count(1)

    def __init__(self, build, directory, authority, workers=2, edge_flags=()):
        self.build, self.directory, self.authority = build, directory, authority
        self.certificate = authority.issue("*.example.net", "*.test.example.net", "127.0.0.1")
        self.control = Control(build, directory).bootstrap()
        self.edge = Edge(build, directory, self.control.socket, workers, authority.path, edge_flags)
        self.origins = []

    def start(self):
        self.control.start()
        self.edge.start()
        return self

    @property
    def api(self):
        return self.control.api

    def stop(self):
        for origin in self.origins:
            origin.stop()
        self.edge.stop_all()
        self.control.stop()

    def origin(self, **options):
        """A scriptable origin with TLS."""
        options.setdefault("certificate", self.certificate)
        made = Origin(**options)
        self.origins.append(made)
        return made

    def nginx(self, http2=True, **options):
        made = Nginx(self.directory, f"nginx-{next(self.names)}", self.certificate, http2, **options).start()
        self.origins.append(made)
        return made

    def zone(self, port, plan=None, address="127.0.0.1", settings=None, **record):
        """A zone whose apex and www have this origin; returns (zone, hostname), applied at the edge."""
        name = f"zone{next(self.names)}.example.net"
        zone = self.api.zone(self.control.account_id, name, plan)
        for key, value in (settings or {}).items():
            self.api.setting(zone["id"], key, value)
        answer = self.api.origin(zone["id"], name, port, address, **record)
        self.api.applied(answer, zone["id"])
        return zone, name

    def visitor(self, protocol="h2"):
        return Visitor(self.edge, protocol)


@pytest.fixture(scope="session")
def world(build, authority, tmp_path_factory):
    """Shared by all tests that only add zones."""
    made = World(build, tmp_path_factory.mktemp("world"), authority).start()
    yield made
    made.stop()


@pytest.fixture
def make_world(build, authority, tmp_path):
    """A world of its own, for tests that kill, restart or count; not started."""
    made = []

    def make(**options):
        made.append(World(build, tmp_path, authority, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """The programs' logs are shown on failure only."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for name in ("world", "make_world"):
            held = item.funcargs.get(name)
            worlds = [held] if isinstance(held, World) else []
            for one in worlds:
                report.sections.append(("control log", one.control.log_text()[-3000:]))
                report.sections.append(("edge log", one.edge.log_text()[-6000:]))
