"""Each attack of harness/attacks.py, on a leash: the others are served, the attacker is cut, the worker lives.

How much it costs, and what the others notice of it, is measured by tests/bench/attacks.py.
"""
import dataclasses
import re
import subprocess

import pytest

from harness.attacks import ATTACKS, run
from harness.certs import Authority

SECONDS = 1.0
# Who reads sees at once that it is cut, and stops; who does not looks at the end.
CUT_READING_S, CUT_UNREAD_S = 20.0, 5.0
GUESTS = ("-c2", "-m4", "-n40")


@pytest.fixture(scope="module")
def besieged(build, tmp_path_factory):
    from conftest import World
    directory = tmp_path_factory.mktemp("besieged")
    world = World(build, directory, Authority(directory), workers=1).start()
    origin = world.nginx()
    world.host, world.prey = world.zone(origin.port)[1], world.zone(origin.port)[1]
    yield world
    world.stop()


def patience_s(what):
    return CUT_READING_S if what.reads else CUT_UNREAD_S


FLOODS = [name for name, what in ATTACKS.items() if what.crowd == 1]


@pytest.mark.parametrize("name", FLOODS)
def test_36_01_a_flood_harms_nobody_else(besieged, name):
    worker = besieged.edge.worker_pids()
    what = dataclasses.replace(ATTACKS[name], returns=3)
    guests = subprocess.Popen(["h2load", *GUESTS, "--connect-to", f"127.0.0.1:{besieged.edge.https}",
                               f"https://{besieged.host}/1k"], stdout=subprocess.PIPE, text=True)
    became = run(what, (besieged.edge.https, besieged.edge.http), besieged.prey,
                 patience_s(what) if what.cut else SECONDS)
    text = guests.communicate(timeout=60)[0]
    assert re.search(r"status codes: 40 2xx, 0 3xx, 0 4xx, 0 5xx", text), text
    assert besieged.edge.worker_pids() == worker
    if what.cut:
        assert became["cut"] > 0, became


WAITERS = [name for name, what in ATTACKS.items() if what.crowd > 1]


@pytest.fixture(scope="module")
def impatient(build, tmp_path_factory):
    """An edge that waits a second where others wait ten."""
    from conftest import World
    directory = tmp_path_factory.mktemp("impatient")
    flags = ("--client-head-timeout", "1s", "--client-idle-timeout", "2s", "--client-grace", "1s")
    world = World(build, directory, Authority(directory), workers=1, edge_flags=flags).start()
    origin = world.nginx()
    world.host, world.prey = world.zone(origin.port)[1], world.zone(origin.port)[1]
    yield world
    world.stop()


@pytest.mark.parametrize("name", WAITERS)
def test_36_02_who_makes_the_edge_wait_is_cut(impatient, name):
    what = dataclasses.replace(ATTACKS[name], crowd=5, returns=5)
    guests = subprocess.Popen(["h2load", *GUESTS, "--connect-to", f"127.0.0.1:{impatient.edge.https}",
                               f"https://{impatient.host}/1k"], stdout=subprocess.PIPE, text=True)
    became = run(what, (impatient.edge.https, impatient.edge.http), impatient.prey, patience_s(what))
    text = guests.communicate(timeout=60)[0]
    assert re.search(r"status codes: 40 2xx, 0 3xx, 0 4xx, 0 5xx", text), text
    assert became["cut"] == became["opened"] == 5, became
