"""The REST API of the main job: envelope, codes, paging, isolation."""
import concurrent.futures
import json
import sqlite3
import subprocess

import pytest

from harness.api import Api


@pytest.fixture(scope="module")
def api(world):
    return world.api


@pytest.fixture(scope="module")
def zone(world, api):
    return api.zone(world.control.account_id, "api-main.example.net")


def test_08_01_verify_a_token(api):
    told = api.ok("GET", "/user/tokens/verify")
    assert told.result["status"] == "active" and len(told.result["id"]) == 32


@pytest.mark.parametrize("headers,status,code", (
    ({}, 400, 9106),
    ({"Authorization": "Bearer"}, 400, 6003),
    ({"Authorization": "Basic YTpi"}, 400, 6003),
    ({"Authorization": "Bearer tl_" + "0" * 60}, 403, 9109),
))
def test_08_02_credentials(world, headers, status, code):
    answer = Api(world.control.port, None).call("GET", "/zones", headers=headers)
    assert answer.status == status and answer.codes[0] == code
    if code == 6003:
        assert answer.body["errors"][0]["error_chain"][0]["code"] == 6111


def test_08_03_accounts(world, api):
    made = api.ok("POST", "/accounts", {"name": "Second account"}).result
    assert len(made["id"]) == 32 and made["name"] == "Second account"
    listed = api.ok("GET", "/accounts?per_page=50")
    assert {world.control.account_id, made["id"]} <= {account["id"] for account in listed.result}
    assert {"page", "per_page", "count", "total_count", "total_pages"} <= listed.body["result_info"].keys()


def test_08_04_a_zone_has_all_members(api, zone):
    got = api.ok("GET", f"/zones/{zone['id']}").result
    for member in ("id", "name", "status", "paused", "type", "development_mode", "name_servers", "original_name_servers",
                   "created_on", "modified_on", "activated_on", "meta", "owner", "account", "permissions", "plan"):
        assert member in got, member
    assert got["status"] == "active" and got["name"] == "api-main.example.net"
    for member in ("id", "name", "price", "currency", "frequency", "is_subscribed", "can_subscribe", "legacy_id",
                   "legacy_discount", "externally_managed"):
        assert member in got["plan"], member
    assert isinstance(got["plan"]["price"], int)
    assert got["created_on"].endswith("Z")


def test_08_05_zones_come_in_pages(world, api):
    account = api.ok("POST", "/accounts", {"name": "Paged"}).result["id"]
    names = {f"page-{n:02}.example.net" for n in range(12)}
    for name in names:
        api.zone(account, name)
    seen = []
    for page in range(1, 6):
        answer = api.ok("GET", f"/zones?account.id={account}&per_page=5&page={page}")
        info = answer.body["result_info"]
        assert info["total_count"] == 12 and info["total_pages"] == 3 and info["count"] == len(answer.result)
        seen += [zone["name"] for zone in answer.result]
    assert sorted(seen) == sorted(names)
    assert api.ok("GET", f"/zones?account.id={account}&page=9").result == []
    assert len(api.ok("GET", f"/zones?account.id={account}&name=page-03.example.net").result) == 1
    assert len(api.ok("GET", f"/zones?account.id={account}&name=starts_with:page-0&per_page=50").result) == 10


@pytest.mark.parametrize("name", ("API-MAIN.example.net", "api-main.example.net.", "sub.api-main.example.net"))
def test_08_06_a_domain_belongs_to_one_account(world, api, zone, name):
    other = api.ok("POST", "/accounts", {"name": "Thief"}).result["id"]
    answer = api.call("POST", "/zones", {"name": name, "account": {"id": other}})
    assert answer.status == 400 and answer.codes[0] == 1061


@pytest.mark.parametrize("name", ("", "com", "-a.example.net", "a..b.net", "10.0.0.1", "*.example.net", "ex ample.net"))
def test_08_07_names_that_are_no_domains(world, api, name):
    answer = api.call("POST", "/zones", {"name": name, "account": {"id": world.control.account_id}})
    assert answer.status == 400 and answer.codes[0] in (1001, 1002)


def test_08_08_one_of_64_claims_wins(world, api):
    def claim(_):
        return api.call("POST", "/zones", {"name": "race.example.net", "account": {"id": world.control.account_id}}).status
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(claim, range(64)))
    assert sorted(set(statuses)) in ([200, 400], [201, 400]) and len([s for s in statuses if s < 400]) == 1


@pytest.mark.parametrize("setting,value,status,code", (
    ("origin_max_http_version", "3", 400, 1007),
    ("origin_max_http_version", 2, 400, 1007),
    ("origin_max_http_version", None, 400, 1007),
    ("origin_h2_max_streams", 0, 400, 1007),
    ("origin_h2_max_streams", 1001, 400, 1007),
    ("origin_h2_max_streams", "100", 400, 1007),
    ("origin_h2_max_streams", 101, 403, 1135),
    ("ssl", "fuller", 400, 1007),
    ("websockets", "maybe", 400, 1007),
    ("websockets", True, 400, 1007),
    ("min_tls_version", "1.4", 400, 1007),
    ("min_tls_version", 1.2, 400, 1007),
    ("tls_1_3", "0rtt", 400, 1007),
    ("http2", True, 400, 1007),
    ("always_use_https", "yes", 400, 1007),
    ("no_such_setting", "on", 400, 1006),
))
def test_08_09_values_that_are_not_valid(api, zone, setting, value, status, code):
    before = api.ok("GET", f"/zones/{zone['id']}/settings").result
    answer = api.call("PATCH", f"/zones/{zone['id']}/settings/{setting}", {"value": value})
    assert answer.status == status and answer.codes[0] == code, answer.text
    if setting == "origin_max_http_version":
        assert "`1`" in answer.text and "`2`" in answer.text
    assert api.ok("GET", f"/zones/{zone['id']}/settings").result == before


def test_08_10_settings_answer_their_types(api, zone):
    settings = {one["id"]: one for one in api.ok("GET", f"/zones/{zone['id']}/settings").result}
    assert settings["origin_max_http_version"]["value"] == "2"
    assert settings["origin_h2_max_streams"]["value"] == 100
    assert settings["ssl"]["value"] == "full"
    assert settings["websockets"]["value"] == "on"
    assert settings["min_tls_version"]["value"] == "1.0" and settings["tls_1_3"]["value"] == "on"
    assert settings["http2"]["value"] == "on" and settings["always_use_https"]["value"] == "off"
    for one in settings.values():
        assert {"id", "value", "editable", "modified_on"} <= one.keys()
    one = api.setting(zone["id"], "origin_h2_max_streams", 50).result
    assert one["value"] == 50 and one["modified_on"].endswith("Z")


def test_08_11_bulk_settings_are_all_or_nothing(api, zone):
    bad = api.call("PATCH", f"/zones/{zone['id']}/settings", {"items": [
        {"id": "ssl", "value": "strict"}, {"id": "origin_max_http_version", "value": "9"}]})
    assert bad.status == 400 and bad.codes[0] == 1007
    assert api.ok("GET", f"/zones/{zone['id']}/settings/ssl").result["value"] == "full"
    good = api.ok("PATCH", f"/zones/{zone['id']}/settings", {"items": [
        {"id": "ssl", "value": "strict"}, {"id": "origin_max_http_version", "value": "1"}]})
    assert {one["id"]: one["value"] for one in good.result}["ssl"] == "strict"


def test_08_12_records(api, zone):
    path = f"/zones/{zone['id']}/dns_records"
    made = api.origin(zone["id"], "www.api-main.example.net", 8443, origin_sni="inner.example.net").result
    assert made["type"] == "A" and made["proxied"] is True and made["proxiable"] is True
    assert made["origin_port"] == 8443 and made["origin_sni"] == "inner.example.net" and made["ttl"] == 1
    again = api.call("POST", path, {"type": "A", "name": "www.api-main.example.net", "content": "127.0.0.1",
                                    "proxied": True, "ttl": 1, "origin_port": 8443, "origin_sni": "inner.example.net"})
    assert again.status == 400 and again.codes[0] == 81057
    wrong = api.call("POST", path, {"type": "A", "name": "www.api-main.example.net", "content": "300.1.1.1", "ttl": 1})
    assert wrong.status == 400 and "content" in wrong.text
    for relative in ("below", "www.example.com"):
        below = api.ok("POST", path, {"type": "A", "name": relative, "content": "127.0.0.1", "ttl": 1}).result
        assert below["name"] == f"{relative}.api-main.example.net"
    text = api.ok("POST", path, {"type": "TXT", "name": "_acme-challenge.api-main.example.net", "content": "abc", "ttl": 120})
    assert text.result["content"] in ("abc", '"abc"')
    changed = api.ok("PATCH", f"{path}/{made['id']}", {"origin_port": 9443}).result
    assert changed["origin_port"] == 9443 and changed["content"] == "127.0.0.1"
    put = api.ok("PUT", f"{path}/{made['id']}", {"type": "A", "name": "www.api-main.example.net", "content": "127.0.0.3",
                                                 "proxied": False, "ttl": 300}).result
    assert put["content"] == "127.0.0.3" and put["proxied"] is False and put["ttl"] == 300
    assert len(api.ok("GET", path + "?type=TXT").result) == 1
    assert api.ok("DELETE", f"{path}/{made['id']}").result["id"] == made["id"]
    assert api.call("GET", f"{path}/{made['id']}").status == 404


@pytest.mark.parametrize("raw,where", (('{"name": ', "line 1"), ('{"name": "a",\n  "b" 1}', "line 2"),
                                       ("[1, 2", "line 1"), ('{"a":1,"a":2}', "")))
def test_08_13_malformed_json_says_where(world, api, raw, where):
    answer = api.call("POST", "/zones", raw=raw)
    assert answer.status == 400 and answer.codes[0] == 6005
    assert where in answer.text and (not where or "column" in answer.text)


def test_08_14_bodies_have_a_limit_and_a_type(api):
    assert api.call("POST", "/zones", raw='{"name":"' + "x" * 1100000 + '"}').status == 413
    other = api.call("POST", "/zones", raw="a=b", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert other.status == 415 and other.codes[0] == 6006
    deep = api.call("POST", "/zones", raw="[" * 40 + "]" * 40)
    assert deep.status == 400


def test_08_15_unknown_paths_and_methods(api, zone):
    assert api.call("GET", "/no/such/thing").status == 404
    answer = api.call("DELETE", f"/zones/{zone['id']}/settings/ssl")
    assert answer.status == 405 and answer.codes[0] == 7001 and "PATCH" in answer.headers["allow"]


def second_tenant(world):
    """A token of a user who is no operator and owns an account of his own."""
    made = subprocess.run([world.control.program, "user", "--store", world.control.store, "--email", "other@example.com",
                           "--password-stdin"], input="another password\n", capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def test_08_16_another_tenants_zone_does_not_exist(world, api, zone):
    tenant = second_tenant(world)
    other = Api(world.control.port, tenant["token"])
    missing = "0" * 32
    for method, path, body in (("GET", "/zones/{}", None), ("PATCH", "/zones/{}", {"paused": True}), ("DELETE", "/zones/{}", None),
                               ("GET", "/zones/{}/settings", None), ("PATCH", "/zones/{}/settings/ssl", {"value": "off"}),
                               ("GET", "/zones/{}/dns_records", None), ("GET", "/zones/{}/propagation", None),
                               ("POST", "/zones/{}/dns_records", {"type": "A", "name": "x", "content": "127.0.0.1", "ttl": 1}),
                               ("GET", "/zones/{}/custom_certificates", None)):
        foreign = other.call(method, path.format(zone["id"]), body)
        absent = other.call(method, path.format(missing), body)
        assert foreign.status == absent.status == 404, (method, path, foreign.text)
        assert foreign.text.replace(zone["id"], "") == absent.text.replace(missing, "")
    assert zone["id"] not in other.ok("GET", "/zones?per_page=50").text
    assert other.call("POST", "/zones", {"name": "stolen.example.net", "account": {"id": world.control.account_id}}).status in (403, 404)
    mine = other.zone(tenant["account_id"], "tenant-two.example.net")
    assert other.ok("GET", f"/zones/{mine['id']}").result["account"]["id"] == tenant["account_id"]


def test_08_17_every_change_has_its_audit_row(world, api, zone):
    with sqlite3.connect(f"file:{world.control.store}?mode=ro", uri=True) as store:
        before = store.execute("SELECT count(*) FROM audit").fetchone()[0]
        api.setting(zone["id"], "ssl", "off")
        api.setting(zone["id"], "ssl", "full")
        api.call("PATCH", f"/zones/{zone['id']}/settings/ssl", {"value": "wrong"})
        after = store.execute("SELECT count(*) FROM audit").fetchone()[0]
    assert after - before >= 2


def test_08_18_tokens_are_not_in_the_store(world):
    for path in world.directory.glob("control.db*"):
        assert world.control.token.encode() not in path.read_bytes()


def test_08_19_every_answer_has_a_request_id(api):
    first, second = api.ok("GET", "/zones"), api.ok("GET", "/zones")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["cache-control"] == "no-store"
