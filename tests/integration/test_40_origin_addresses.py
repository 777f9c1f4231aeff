"""Origins are tenants' input (security.md 4.5): what may not be written, and what is not connected to all the same."""
import hashlib
import http.client
import json
import random
import socket
import sqlite3
import threading

import pytest

from harness.names import Names
from harness.origin import Origin
from harness.process import free_port, listen, wait_until

ALLOWED, FORBIDDEN = "127.0.0.2", "127.0.0.3"

# Valid addresses of ranges that nobody but the operator may open.
ADDRESSES = (
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "127.1.2.3", "127.255.255.254",
    "169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
    "192.168.0.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1",
    "fc00::1", "fd00::1", "fe80::1", "fec0::1", "ff02::1",
)
# IPv4 in IPv6, written as an AAAA.
MAPPED = ("::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:169.254.169.254", "::ffff:0:127.0.0.1")
# What some resolver or library reads as an address or as a name of its own.
SPELLINGS = (
    "0x7f.1", "0x7f000001", "0177.0.0.1", "017700000001", "2130706433", "127.1", "127.0.1", "127.0.0.1.", "127.0.0.01",
    "[::ffff:127.0.0.1]", "[::1]", "fe80::1%eth0", "::1%lo", "user@127.0.0.1", "user:pass@127.0.0.1", "127.0.0.1:80",
    "127\u30020\u30020\u30021", "\uff11\uff12\uff17.0.0.1", "http://127.0.0.1/", "127.0.0.1/8", "127.0.0.1#", " 127.0.0.1",
    "127.0.0.1\t", "localhost\u3002",
)
NAMES = ("localhost", "localhost.", "LOCALHOST", "a.localhost", "localhost.localdomain", "metadata.google.internal",
         "metadata.google.internal.", "router.lan", "printer.local", "host.home.arpa")


def without_ranges(command):
    """The command of a program without its --allow-origin."""
    kept, words = [], iter(command)
    for word in words:
        if word == "--allow-origin":
            next(words)
        else:
            kept.append(word)
    return kept


def ask(world, host, path="/"):
    connection = http.client.HTTPConnection("127.0.0.1", world.edge.http, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": host, "Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def plant(world, zone_id, change):
    """Changes a zone's document in the edge's replica itself, as no control would."""
    replica = sqlite3.connect(world.edge.state / "replica.db", timeout=20)
    with replica:
        body, = replica.execute("SELECT body FROM documents WHERE zone_id = ?", (zone_id,)).fetchone()
        document = json.loads(body)
        change(document)
        body = json.dumps(document, separators=(",", ":")).encode()
        replica.execute("UPDATE documents SET body = ?, digest = ? WHERE zone_id = ?",
                        (body, hashlib.sha256(body).digest(), zone_id))
        replica.executemany("INSERT OR IGNORE INTO hostnames (name, zone_id) VALUES (?, ?)",
                            [(hostname["name"], zone_id) for hostname in document["hostnames"]])
    replica.close()


@pytest.fixture(scope="module")
def trusting(build, authority, tmp_path_factory):
    """Control lets anything through; the edge allows 127.0.0.2 alone.  Three origins wait for what comes through."""
    from conftest import World
    names = Names({}, ttl_s=0)
    made = World(build, tmp_path_factory.mktemp("trusting"), authority,
                 edge_flags=("--resolver", f"127.0.0.1:{names.port}"))
    made.names_server = names
    made.control.command = [*without_ranges(made.control.command), "--allow-origin", "0.0.0.0/0",
                            "--allow-origin", "::/0"]
    made.edge.command = [*without_ranges(made.edge.command), "--allow-origin", f"{ALLOWED}/32"]
    port = free_port()
    made.allowed, made.forbidden = Origin(host=ALLOWED, port=port), Origin(host=FORBIDDEN, port=port)
    made.anywhere = Origin(host="0.0.0.0"), None
    made.anywhere = made.anywhere[0], Origin(host="::", port=made.anywhere[0].port)
    made.origins += [made.allowed, made.forbidden, *made.anywhere]
    made.start()
    yield made
    made.stop()
    names.stop()


def reached(world):
    return world.forbidden.connections + sum(origin.connections for origin in world.anywhere)


def flexible_zone(world, port, address):
    """Plain HTTP to the origin."""
    return world.zone(port, address=address, settings={"ssl": "off"})


@pytest.fixture(scope="module")
def strict(build, tmp_path_factory):
    """Control as it comes, with one zone; no edge."""
    from harness.control import Control
    made = Control(build, tmp_path_factory.mktemp("strict"), flags=()).bootstrap().start()
    made.zone_id = made.api.zone(made.account_id, "strict.example.net")["id"]
    yield made
    made.stop()


def write(strict, kind, content, **members):
    return strict.api.call("POST", f"/zones/{strict.zone_id}/dns_records",
                           {"type": kind, "name": "www", "content": content, "proxied": True, "ttl": 1, **members})


def refused(answer):
    return answer.status == 400 and answer.codes == [1004]


def reason(answer):
    return answer.body["errors"][0]["error_chain"][0]["message"]


def test_40_01_forbidden_addresses_cannot_be_written(strict):
    table = [("AAAA" if ":" in text else "A", text) for text in ADDRESSES + MAPPED]
    table += [(kind, text) for text in SPELLINGS for kind in ("A", "AAAA", "CNAME")]
    table += [("CNAME", text) for text in NAMES + ADDRESSES[:10]]
    assert len({text for _, text in table}) >= 70

    accepted = [row for row in table if not refused(write(strict, *row))]

    assert accepted == []
    assert write(strict, "A", "127.0.0.1\0.example.com").status == 400
    told = reason(write(strict, "A", "169.254.169.254"))
    assert "169.254.169.254 is not allowed as an origin: link-local" in told
    assert strict.api.ok("GET", f"/zones/{strict.zone_id}/dns_records").result == []


def test_40_02_a_forbidden_address_cannot_be_slipped_in_by_a_change(strict):
    path = f"/zones/{strict.zone_id}/dns_records"
    plain = strict.api.ok("POST", path, {"type": "A", "name": "inner", "content": "10.0.0.1", "proxied": False,
                                         "ttl": 300}).result
    proxied = strict.api.ok("POST", path, {"type": "A", "name": "outer", "content": "8.8.8.8", "proxied": True,
                                           "ttl": 1}).result

    assert refused(strict.api.call("PATCH", f"{path}/{plain['id']}", {"proxied": True}))
    assert refused(strict.api.call("PATCH", f"{path}/{proxied['id']}", {"content": "10.0.0.1"}))
    assert refused(strict.api.call("PUT", f"{path}/{proxied['id']}", {"type": "CNAME", "name": "outer", "ttl": 1,
                                                                       "content": "localhost", "proxied": True}))
    for record in (plain, proxied):
        strict.api.ok("DELETE", f"{path}/{record['id']}")


def test_40_03_ports_of_other_services_cannot_be_written(strict):
    for port in (1, 22, 25, 465, 587, 1433, 3306, 3389, 5432, 5900, 6379, 11211, 27017):
        answer = write(strict, "A", "8.8.8.8", origin_port=port)
        assert refused(answer) and f"port {port} is not allowed" in reason(answer), port
    for port in (80, 443, 8080, 8443, 2096):
        record = write(strict, "A", "8.8.8.8", origin_port=port)
        assert record.status == 200, record.text
        strict.api.ok("DELETE", f"/zones/{strict.zone_id}/dns_records/{record.result['id']}")


def test_40_04_an_operators_own_ports_and_addresses(build, tmp_path):
    from harness.control import Control
    control = Control(build, tmp_path, flags=("--origin-ports", "443,6379,9000-9001", "--edge-addresses", "8.8.4.4,8.8.8.8"))
    control.bootstrap().start()
    control.zone_id = control.api.zone(control.account_id, "own.example.net")["id"]
    try:
        for number, port in enumerate((443, 6379, 9001), 1):
            assert write(control, "A", f"1.1.1.{number}", origin_port=port).status == 200
        assert refused(write(control, "A", "1.0.0.1", origin_port=8080))
        answer = write(control, "A", "8.8.8.8")
        assert refused(answer) and "8.8.8.8 is not allowed as an origin: this edge's own" in reason(answer)
    finally:
        control.stop()


def test_40_05_forbidden_addresses_are_not_connected_to(trusting):
    before = reached(trusting)
    port = trusting.anywhere[0].port
    zone, host = flexible_zone(trusting, port, ALLOWED)
    families = {text: socket.AF_INET6 if ":" in text else socket.AF_INET for text in ADDRESSES}
    addresses = [socket.inet_ntop(family, socket.inet_pton(family, text)) for text, family in families.items()]

    def change(document):
        row = document["hostnames"][0]
        document["hostnames"] = [
            {**row, "name": f"{number:02}.{host}", "origins": [{**row["origins"][0], "address": address}]}
            for number, address in enumerate(addresses)]

    plant(trusting, zone["id"], change)

    answers = {address: ask(trusting, f"{number:02}.{host}")[0] for number, address in enumerate(addresses)}
    assert set(answers.values()) == {523}, answers
    assert reached(trusting) == before


def test_40_06_other_spellings_in_a_document_reach_nobody(trusting):
    before = reached(trusting)
    answers = {}
    for text in MAPPED + SPELLINGS:
        zone, host = flexible_zone(trusting, trusting.anywhere[0].port, ALLOWED)
        plant(trusting, zone["id"],
              lambda document: document["hostnames"][0]["origins"][0].update(address=text))
        answers[text] = ask(trusting, host)[0]

    assert all(status >= 500 for status in answers.values()), answers
    assert reached(trusting) == before


def test_40_07_names_of_forbidden_addresses_are_not_connected_to(trusting):
    before, allowed = reached(trusting), trusting.allowed.connections
    table = {
        "private.test": [FORBIDDEN], "metadata.test": ["169.254.169.254"], "six.test": ["::1"],
        "mapped.test": ["::ffff:127.0.0.3"], "mixed.test": [ALLOWED, FORBIDDEN], "mixed-last.test": [FORBIDDEN, ALLOWED],
        "nat64.test": ["64:ff9b::7f00:3"], "both.test": [ALLOWED, "::1"], "public.test": [ALLOWED],
    }
    trusting.names_server.table = table
    trusting.names_server.aliases = {"alias.test": "private.test", "alias-mixed.test": "mixed.test",
                                     "fine.test": "public.test"}
    bad = [name for name in table if name != "public.test"] + ["alias.test", "alias-mixed.test"]
    zone, host = flexible_zone(trusting, trusting.allowed.port, ALLOWED)

    def change(document):
        row = document["hostnames"][0]
        document["hostnames"] = [
            {**row, "name": f"{name.split('.')[0]}.{host}", "origins": [{**row["origins"][0], "address": name}]}
            for name in (*bad, "public.test", "fine.test", "localhost")]

    plant(trusting, zone["id"], change)

    answers = {name: ask(trusting, f"{name.split('.')[0]}.{host}")[0] for name in bad}
    assert set(answers.values()) == {523}, answers
    assert ask(trusting, f"localhost.{host}")[0] in (523, 530)
    assert trusting.allowed.connections == allowed, "a name with one forbidden address is refused as a whole"
    assert ask(trusting, f"public.{host}")[0] == ask(trusting, f"fine.{host}")[0] == 200
    assert reached(trusting) == before


class Flipping(dict):
    """Every question of every name has an answer: an address that is allowed, one that is not, or both."""

    def __init__(self):
        super().__init__()
        self.dice = random.Random(40)

    def __contains__(self, name):
        return True

    def get(self, name, otherwise=None):
        return self.dice.choice(([ALLOWED], [FORBIDDEN], [ALLOWED, FORBIDDEN], [FORBIDDEN, ALLOWED], [ALLOWED]))


def test_40_08_a_resolver_that_flips_reaches_the_forbidden_address_never(trusting):
    before, allowed = trusting.forbidden.connections, trusting.allowed.connections
    trusting.names_server.table, trusting.names_server.aliases = Flipping(), {}
    zone, host = flexible_zone(trusting, trusting.allowed.port, ALLOWED)

    def change(document):
        row = document["hostnames"][0]
        document["hostnames"] = [
            {**row, "name": f"{number}.{host}", "origins": [{**row["origins"][0], "address": f"n{number}.flip.test"}]}
            for number in range(1000)]

    plant(trusting, zone["id"], change)
    seen, lock = {}, threading.Lock()

    def visit(numbers):
        for number in numbers:
            status = ask(trusting, f"{number}.{host}")[0]
            with lock:
                seen[status] = seen.get(status, 0) + 1

    visitors = [threading.Thread(target=visit, args=(range(at, 1000, 4),)) for at in range(4)]
    for one in visitors:
        one.start()
    for one in visitors:
        one.join()
    assert trusting.forbidden.connections == before
    assert set(seen) == {200, 523} and sum(seen.values()) == 1000, seen
    assert seen[200] > 200 and seen[523] > 200, seen
    assert trusting.allowed.connections - allowed >= seen[200]


def test_40_09_a_name_is_checked_each_time_it_is_resolved(trusting):
    before = trusting.forbidden.connections
    trusting.names_server.table, trusting.names_server.aliases = {"turns.test": [ALLOWED]}, {}
    zone, host = flexible_zone(trusting, trusting.allowed.port, ALLOWED)
    plant(trusting, zone["id"],
          lambda document: document["hostnames"][0]["origins"][0].update(address="turns.test"))
    assert ask(trusting, host, "/?until_close=1")[0] == 200

    trusting.names_server.table = {"turns.test": [FORBIDDEN]}

    # What was resolved and checked may be used for the 5 s that any answer is believed.
    wait_until(lambda: ask(trusting, host, "/?until_close=1")[0] == 523, "the new address is refused", 20)
    assert trusting.forbidden.connections == before


class Redirecting:
    def __init__(self, location):
        self.listener = listen(ALLOWED)
        self.port = self.listener.getsockname()[1]
        self.answer = f"HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock:
                sock.recv(65536)
                sock.sendall(self.answer.encode())

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def test_40_10_redirects_are_passed_and_never_followed(trusting):
    before = reached(trusting)
    location = f"http://{FORBIDDEN}:{trusting.forbidden.port}/latest/meta-data/"
    origin = Redirecting(location)
    trusting.origins.append(origin)
    _, host = flexible_zone(trusting, origin.port, ALLOWED)

    status, _, headers = ask(trusting, host)

    assert status == 302 and headers["location"] == location
    assert reached(trusting) == before


def test_40_11_the_edge_does_not_call_itself(world):
    for port in (world.edge.http, world.edge.https):
        _, host = flexible_zone(world, port, "127.0.0.1")
        assert ask(world, host)[0] == 523
    _, host = flexible_zone(world, world.edge.http, "127.0.0.9")
    assert ask(world, host)[0] == 523
