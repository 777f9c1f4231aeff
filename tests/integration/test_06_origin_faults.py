"""What visitors see when the origin is wrong, and what they never notice."""
import json
import threading

import pytest

from harness.process import free_port, listen, wait_until


class Mute:
    """Accepts and says nothing, or speaks nonsense and closes."""

    def __init__(self, speech=None):
        self.listener = listen()
        self.port = self.listener.getsockname()[1]
        self.speech, self.held = speech, []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.held.append(sock)
            if self.speech is not None:
                sock.sendall(self.speech)
                sock.close()

    def stop(self):
        self.listener.close()


@pytest.fixture
def mute(world):
    made = []

    def make(speech=None):
        made.append(Mute(speech))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture(scope="module")
def hasty(build, authority, tmp_path_factory):
    """A world whose edge waits one second only."""
    from conftest import World
    made = World(build, tmp_path_factory.mktemp("hasty"), authority, workers=1,
                 edge_flags=("--origin-connect-timeout", "1s", "--origin-read-timeout", "1s")).start()
    yield made
    made.stop()


def check_page(world, host, status, slug):
    """HTML for people, JSON when asked for, the ray in both, the cause in the log."""
    page = world.visitor("h2").get(host, "/fault")
    assert page.status == status, page
    assert page.headers["content-type"].startswith("text/html")
    ray = page.headers["cf-ray"]
    assert ray.encode() in page.body and str(status).encode() in page.body
    told = world.visitor("h1").get(host, "/fault", "-H", "accept: application/json")
    assert told.status == status
    assert json.loads(told.body)["error"] == slug
    line = world.edge.await_access(host=host, err=slug)[0]
    assert line["status"] == status


def test_06_01_refused_is_521(world):
    _, host = world.zone(free_port())
    check_page(world, host, 521, "origin_refused")


def test_06_02_a_mute_handshake_is_522(hasty, mute):
    _, host = hasty.zone(mute().port)
    check_page(hasty, host, 522, "origin_connect_timeout")


def test_06_03_no_tls_is_525(world, mute):
    _, host = world.zone(mute(b"HTTP/1.1 400 Bad Request\r\n\r\n").port)
    check_page(world, host, 525, "origin_tls")


@pytest.mark.parametrize("why", ("name", "issuer", "expired"))
def test_06_04_a_wrong_certificate_is_526_when_strict(world, why, tmp_path):
    from harness.certs import Authority
    certificate = {"name": lambda: world.authority.issue("other.example.org"),
                   "issuer": lambda: Authority(tmp_path, "stranger").issue("*.example.net"),
                   "expired": lambda: world.authority.issue("*.example.net", days=-5)}[why]()
    origin = world.origin(certificate=certificate)
    _, host = world.zone(origin.port, settings={"ssl": "strict"})
    check_page(world, host, 526, "origin_certificate")

    _, lenient = world.zone(origin.port)
    assert world.visitor("h2").get(lenient).status == 200


def test_06_05_a_good_certificate_passes_strict(world):
    origin = world.origin()
    _, host = world.zone(origin.port, settings={"ssl": "strict"})
    assert world.visitor("h2").get(host).status == 200


@pytest.mark.parametrize("alpn", (("http/1.1",),), ids=("h1",))
def test_06_06_garbage_is_520(world, alpn):
    origin = world.origin(alpn=alpn)
    _, host = world.zone(origin.port)
    page = world.visitor("h2").get(host, "/g?fail=garbage")
    assert page.status == 520


def test_06_07_a_silent_origin_is_524(hasty):
    for alpn in (("h2",), ("http/1.1",)):
        origin = hasty.origin(alpn=alpn)
        _, host = hasty.zone(origin.port)
        page = hasty.visitor("h2").get(host, "/s?fail=silent")
        assert page.status == 524


def test_06_08_a_name_that_does_not_resolve_is_530(world):
    zone, host = world.zone(free_port())
    record = world.api.ok("GET", f"/zones/{zone['id']}/dns_records").result[0]
    world.api.ok("DELETE", f"/zones/{zone['id']}/dns_records/{record['id']}")
    answer = world.api.origin(zone["id"], host, 443, "no-such-name.invalid")
    world.api.applied(answer, zone["id"])
    check_page(world, host, 530, "origin_resolve")


@pytest.mark.parametrize("fault", ("refuse", "goaway", "close", "reset", "h1_required"))
@pytest.mark.parametrize("visitor", ("h1", "h2"))
def test_06_09_a_get_is_repeated_unseen(world, fault, visitor):
    origin = world.origin()
    _, host = world.zone(origin.port)
    assert world.visitor(visitor).get(host, "/warm").status == 200

    page = world.visitor(visitor).get(host, f"/retry?fail={fault}&bytes=500")

    assert page.status == 200 and len(page.body) == 500
    if fault == "h1_required":
        assert page.headers["x-origin"] == "h1"


@pytest.mark.parametrize("fault,status,times", (("refuse", 200, 2), ("goaway", 200, 2), ("reset", 520, 1), ("close", 520, 1)))
def test_06_10_a_post_is_never_acted_on_twice(world, fault, status, times):
    origin = world.origin()
    _, host = world.zone(origin.port)
    assert world.visitor("h2").get(host, "/warm").status == 200

    page = world.visitor("h2").get(host, f"/post?fail={fault}&echo=1", data=b"once" * 500)

    assert page.status == status
    seen = origin.seen("/post")
    assert len(seen) == times
    assert all(one.body == b"once" * 500 for one in seen if one.ended)
    if status == 200:
        assert page.body == b"once" * 500


def test_06_11_another_address_is_tried(world):
    origin = world.origin()
    zone, host = world.zone(origin.port)
    # Nobody listens on 127.0.0.2; half of the first tries go there.
    world.api.applied(world.api.origin(zone["id"], host, origin.port, address="127.0.0.2"), zone["id"])

    pages = [world.visitor("h2").get(host, f"/other-{number}") for number in range(6)]

    assert [page.status for page in pages] == [200] * 6


def test_06_12_the_address_policy_holds(world):
    zone, host = world.zone(free_port())
    refused = world.api.call("POST", f"/zones/{zone['id']}/dns_records", {
        "type": "A", "name": f"x.{host}", "content": "169.254.169.254", "proxied": True, "ttl": 1})
    assert refused.status == 400 and refused.body["errors"]
    assert "link-local" in refused.text


def test_06_13_an_origins_own_5xx_passes(world):
    origin = world.origin()
    _, host = world.zone(origin.port)
    for status in (500, 502, 503, 504):
        page = world.visitor("h2").get(host, f"/own?status={status}&bytes=3")
        assert page.status == status and len(page.body) == 3


def test_06_14_one_bad_origin_does_not_slow_another(hasty, mute):
    _, stuck = hasty.zone(mute().port)
    origin = hasty.origin()
    _, good = hasty.zone(origin.port)
    waiting = threading.Thread(target=lambda: hasty.visitor("h2").get(stuck))
    waiting.start()

    for number in range(5):
        assert hasty.visitor("h2").get(good, f"/{number}").status == 200

    waiting.join(20)
    wait_until(lambda: hasty.edge.access(host=stuck), "the stuck one was answered too")
