"""Names with letters outside ASCII: they come in as people write them, and are one name with their A-labels."""
from urllib.parse import quote

import pytest

ASCII = "xn--bcher-kva.example"


@pytest.fixture(scope="module")
def zone(world):
    made = world.api.ok("POST", "/zones", {"name": "bücher.example", "account": {"id": world.control.account_id}}).result
    assert made["name"] == ASCII
    return made


@pytest.mark.parametrize("name", ("bücher.example", "BÜCHER.EXAMPLE", "bu\u0308cher.example", "bücher\u3002example",
                                  ASCII, "XN--BCHER-KVA.example.", "*.bücher.example"))
def test_52_01_a_second_claim_in_either_form(world, zone, name):
    for account in (world.control.account_id, world.api.ok("POST", "/accounts", {"name": "Other"}).result["id"]):
        answer = world.api.call("POST", "/zones", {"name": name, "account": {"id": account}})
        assert answer.status == 400 and answer.codes[0] == 1061, answer.text


@pytest.mark.parametrize("name,why", (("☕.example", "disallowed"), ("-ü.example", "hyphen"), ("a‍ü.example", "context"),
                                      ("ü" * 70 + ".example", "too large"), ("ü b.example", ""), ("ü_.example", "underscore"),
                                      ("１２７.０.０.１", "address")))
def test_52_02_what_is_no_name_is_refused_with_a_reason(world, name, why):
    answer = world.api.call("POST", "/zones", {"name": name, "account": {"id": world.control.account_id}})
    assert answer.status == 400 and answer.codes[0] == 1002 and why in answer.text, answer.text


def test_52_03_zones_are_found_by_both(world, zone):
    for name in (ASCII, quote("bücher.example"), quote("equal:BÜCHER.example")):
        assert [one["id"] for one in world.api.ok("GET", f"/zones?name={name}").result] == [zone["id"]]


@pytest.mark.parametrize("name,full", (("bücher.example", ASCII), ("straße", "xn--strae-oqa." + ASCII),
                                       ("ö.bücher.example", "xn--nda." + ASCII),
                                       (f"日本.{ASCII}", "xn--wgv71a." + ASCII),
                                       ("*.ä.bücher.example", "*.xn--4ca." + ASCII), ("_x.bücher.example", "_x." + ASCII)))
def test_52_04_names_of_records(world, zone, name, full):
    path = f"/zones/{zone['id']}/dns_records"
    made = world.api.ok("POST", path, {"type": "TXT", "name": name, "content": name, "ttl": 120}).result
    assert made["name"] == full
    assert [one["id"] for one in world.api.ok("GET", f"{path}?type=TXT&name={quote(full)}").result] == [made["id"]]
    if "." in name:
        assert [one["id"] for one in world.api.ok("GET", f"{path}?name={quote(name)}").result] == [made["id"]]
    refused = world.api.call("POST", path, {"type": "TXT", "name": "☕", "content": "x", "ttl": 120})
    assert refused.status == 400 and "disallowed" in refused.text


def test_52_05_a_visitor_comes_by_the_a_labels(world, zone):
    origin = world.origin()
    answer = world.api.origin(zone["id"], "straße.bücher.example", origin.port)
    world.api.applied(answer, zone["id"])
    assert world.visitor("h2").get("xn--strae-oqa." + ASCII, "/welcome").status == 200
    assert origin.seen("/welcome")[0].header(":authority")[0].startswith("xn--strae-oqa." + ASCII)


@pytest.mark.parametrize("member,value", (("content", "ü.example.net"), ("content", "localhost\u3002"),
                                          ("origin_sni", "ü.example.net"), ("origin_host_header", "a\u3002example.net")))
def test_52_06_where_an_origin_is_nothing_is_converted(world, zone, member, value):
    record = {"type": "CNAME", "name": "o.bücher.example", "content": "o.example.net", "proxied": True, "ttl": 1}
    answer = world.api.call("POST", f"/zones/{zone['id']}/dns_records", {**record, member: value})
    assert answer.status == 400 and member in answer.text, answer.text
