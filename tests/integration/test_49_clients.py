"""The clients that people have, with another base URL: Debian's as they are, the calls of others as they send them."""
import http.client
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from harness.control import EMAIL, PASSWORD, Control

NAMES = count(1)


FLAGS = ("--allow-origin", "127.0.0.0/8", "--name-servers", "ns1.example.org,ns2.example.org")


@pytest.fixture(scope="module")
def control(build, tmp_path_factory):
    made = Control(build, tmp_path_factory.mktemp("clients"), FLAGS).bootstrap()
    made.start()
    made.key = roll_key(made)
    yield made
    made.stop()


def roll_key(control):
    return control.api.ok("PUT", "/user/api_key", {"password": PASSWORD}).result["api_key"]


@pytest.fixture
def zone(control):
    return control.api.zone(control.account_id, f"clients{next(NAMES)}.example.net")


def url(control):
    return f"http://127.0.0.1:{control.port}/client/v4"


# ---- Debian's programs

def test_49_01_ddclient_moves_an_address(build, authority, tmp_path):
    """It speaks nothing but TLS, so the zone is made before control does."""
    control = Control(build, tmp_path, FLAGS).bootstrap()
    chain, private = authority.issue("localhost", "127.0.0.1")
    control.start()
    try:
        zone = control.api.zone(control.account_id, "ddclient.example.net")
        logins = {"token": control.token, EMAIL: roll_key(control)}
        records = [control.api.origin(zone["id"], f"home{i}.{zone['name']}", 8443).result for i in range(len(logins))]
        control.stop()
        plain, control.command = control.command, [*control.command, "--tls-cert", str(chain), "--tls-key", str(private)]
        control.start()
        for record, (login, secret) in zip(records, logins.items()):
            run_ddclient(tmp_path / record["id"], authority, record["name"],
                         f"protocol=cloudflare, ssl=yes, server=127.0.0.1:{control.port}/client/v4, zone={zone['name']}, "
                         f"login={login}, password='{secret}'")
        control.stop()
        control.command = plain
        control.start()
        for record in records:
            after = control.api.ok("GET", f"/zones/{zone['id']}/dns_records/{record['id']}").result
            assert after["content"] == "127.0.0.44" and after["proxied"] and after["origin_port"] == 8443
    finally:
        control.stop()


def run_ddclient(directory, authority, name, settings):
    directory.mkdir()
    file = directory / "ddclient.conf"
    file.write_text(f"{settings} \\\n{name}\n")
    file.chmod(0o600)
    done = subprocess.run(["ddclient", "-daemon=0", "-foreground", "-verbose", "-file", file, "-cache",
                           directory / "cache", "-use=ip", "-ip=127.0.0.44", "-ssl_ca_file", authority.path],
                          capture_output=True, text=True, timeout=60)
    assert f"SUCCESS:  updating {name}: IPv4 address set to 127.0.0.44" in done.stdout + done.stderr, done


def run_python(program, control, *arguments):
    """In a process of its own: these packages read the environment and the home directory."""
    done = subprocess.run([sys.executable, "-c", program, url(control), control.token, control.key, *arguments],
                          capture_output=True, text=True, timeout=60, cwd=control.store.parent,
                          env={**os.environ, "HOME": str(control.store.parent)})
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


PYTHON_CLOUDFLARE = """
import json, sys, CloudFlare
url, token, key, zone_id, account_id, name = sys.argv[1:]
told = {}
def failing(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except CloudFlare.exceptions.CloudFlareAPIError as e:
        return [int(e), str(e), [int(x) for x in e] if len(e) else []]
for how in ({"token": token}, {"email": "owner@example.com", "key": key}):
    cf = CloudFlare.CloudFlare(base_url=url, **how)
    assert cf.user.get()["email"] == "owner@example.com"
assert cf.zones.get(params={"name": name, "per_page": 1})[0]["id"] == zone_id
assert cf.ips.get()["ipv4_cidrs"] == []
records = cf.zones.dns_records
record = records.post(zone_id, data={"name": "a", "type": "A", "content": "127.0.0.1", "proxied": True})
twin = failing(records.post, zone_id, data={"name": "a", "type": "A", "content": "127.0.0.1", "proxied": True})
wrong = failing(records.post, zone_id, data={"name": "a", "type": "A", "content": "x"})
assert records.put(zone_id, record["id"], data={"name": "a", "type": "A", "content": "127.0.0.2"})["ttl"] == 1
assert records.patch(zone_id, record["id"], data={"content": "127.0.0.3"})["content"] == "127.0.0.3"
assert len(records.get(zone_id, params={"match": "all", "name": "a." + name, "type": "A"})) == 1
assert "127.0.0.3" in records.export.get(zone_id)
assert cf.zones.settings.ssl.patch(zone_id, data={"value": "strict"})["value"] == "strict"
assert cf.zones.purge_cache.post(zone_id, data={"purge_everything": True})["id"] == zone_id
assert records.delete(zone_id, record["id"])["id"] == record["id"]
gone = failing(records.delete, zone_id, record["id"])
refused = failing(CloudFlare.CloudFlare(base_url=url, token="A" * 40).zones.get)
print(json.dumps([twin, wrong, gone[0], refused]))
"""


def test_49_02_python3_cloudflare(control, zone):
    told = run_python(PYTHON_CLOUDFLARE, control, zone["id"], control.account_id, zone["name"])
    assert told == [[81057, "An identical record already exists.", []], [1004, "DNS Validation Error", [9000]], 7003,
                    [9109, "Invalid access token", []]]


CERTBOT = """
import json, os, sys
url, token, key, name = sys.argv[1:]
os.environ["CLOUDFLARE_API_URL"] = url
from certbot_dns_cloudflare._internal.dns_cloudflare import _CloudflareClient
found = []
for how in ({"api_token": token}, {"email": "owner@example.com", "api_key": key}):
    client = _CloudflareClient(**how)
    challenge = "_acme-challenge.deep.www." + name
    client.add_txt_record("deep.www." + name, challenge, "abc-DEF_123", 120)
    zone = client._find_zone_id("deep.www." + name)
    found.append(client._find_txt_record_id(zone, challenge, "abc-DEF_123"))
    client.del_txt_record("deep.www." + name, challenge, "abc-DEF_123")
    found.append(client._find_txt_record_id(zone, challenge, "abc-DEF_123"))
print(json.dumps(found))
"""


def test_49_03_certbots_plug_in_puts_a_challenge_there_and_takes_it_away(control, zone):
    put, taken, put_by_key, taken_by_key = run_python(CERTBOT, control, zone["name"])
    assert put and put_by_key and taken is None and taken_by_key is None


# ---- the calls of others

def curl(control, method, path, *arguments):
    done = subprocess.run(["curl", "-sS", "-L", "-X", method, url(control) + path, "-H", "Content-Type: application/json",
                           *arguments], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout


@pytest.mark.parametrize("by", ["token", "key"])
def test_49_10_acme_sh_reads_answers_by_patterns(control, zone, by):
    """dns_cf: no JSON parser, so members stand close and in this order."""
    who = ["-H", f"Authorization: Bearer {control.token}"] if by == "token" else \
        ["-H", f"X-Auth-Email: {EMAIL}", "-H", f"X-Auth-Key: {control.key}"]
    found = curl(control, "GET", f"/zones?name={zone['name']}", *who)
    assert f'"name":"{zone["name"]}"' in found and '"total_count":1' in found and '"id":"' in found.split("[{")[1][:8]
    assert '"total_count":1' not in curl(control, "GET", "/zones?name=example.net", *who)
    name = f"_acme-challenge.{zone['name']}"
    body = json.dumps({"type": "TXT", "name": name, "content": "v", "ttl": 120})
    base = f"/zones/{zone['id']}/dns_records"
    assert '"content":"v"' in curl(control, "POST", base, *who, "--data", body)
    assert '"code":81057' in curl(control, "POST", base, *who, "--data", body)
    listed = curl(control, "GET", f"{base}?type=TXT&name={name}&content=v", *who)
    assert '"success":true' in listed and '"count":1' in listed
    identifier = listed.split('"id":"')[1][:32]
    assert '"success":true' in curl(control, "DELETE", f"{base}/{identifier}", *who)


def test_49_11_cloudflare_ddns_finds_both_addresses_at_once(control, zone):
    api, base = control.api, f"/zones/{zone['id']}/dns_records"
    for kind, content in (("A", "127.0.0.1"), ("AAAA", "2001:db8::1"), ("TXT", "x")):
        api.ok("POST", base, {"type": kind, "name": "home", "content": content})
    assert api.ok("GET", f"/zones/?per_page=1&name={zone['name']}").result[0]["id"] == zone["id"]
    for kinds in ("type=A,AAAA", "type=A&type=AAAA"):
        listed = api.ok("GET", f"{base}?{kinds}&name=home.{zone['name']}").result
        assert [one["type"] for one in listed] == ["A", "AAAA"]
    assert api.ok("GET", f"{base}?type=TXT").body["result_info"]["count"] == 1


STRUCTURED = [
    ("SSHFP", {"algorithm": "4", "type": "2", "fingerprint": "ab" * 32}, "4 2 " + "ab" * 32),
    ("TLSA", {"usage": 3, "selector": 1, "matching_type": 1, "certificate": "cd" * 32}, "3 1 1 " + "cd" * 32),
    ("CAA", {"flags": 0, "tag": "issue", "value": "ca.example"}, '0 issue "ca.example"'),
    ("SRV", {"priority": 1, "weight": 2, "port": 443, "target": "a.example.org"}, "1 2 443 a.example.org"),
    ("LOC", {"lat_degrees": 51, "lat_minutes": 30, "lat_seconds": 12.748, "lat_direction": "N", "long_degrees": 0,
             "long_minutes": 7, "long_seconds": 39.5, "long_direction": "W", "altitude": 0, "size": 1,
             "precision_horz": 10000, "precision_vert": 10}, "51 30 12.748 N 0 7 39.5 W 0m 1m 10000m 10m"),
]


@pytest.mark.parametrize("kind, data, content", STRUCTURED, ids=[one[0] for one in STRUCTURED])
def test_49_12_octodns_terraform_and_lexicon_write_structured_types_by_members(control, zone, kind, data, content):
    sent = {"type": kind, "name": f"_x._tcp.{zone['name']}", "content": None, "data": data, "ttl": 300}
    made = control.api.ok("POST", f"/zones/{zone['id']}/dns_records", sent).result
    assert made["content"] == content
    assert {name: str(value) for name, value in made["data"].items()} == {n: str(v) for n, v in data.items()}
    kept = control.api.ok("PUT", f"/zones/{zone['id']}/dns_records/{made['id']}", sent).result
    assert kept["content"] == content


def test_49_13_terraform_has_its_zone_its_settings_and_its_plan(control):
    """The calls of the provider's fourth version, in its order, and the members that its schema reads."""
    api, account = control.api, control.account_id
    name = f"terraform{next(NAMES)}.example.net"
    zone = api.ok("POST", "/zones", {"name": name, "jump_start": False, "type": "full", "account": {"id": account}}).result
    base = f"/zones/{zone['id']}"
    for member in ("paused", "vanity_name_servers", "plan", "meta", "status", "type", "name_servers", "verification_key"):
        assert member in zone or member in ("vanity_name_servers", "verification_key")
    assert zone["plan"]["legacy_id"] == "free" and isinstance(zone["meta"]["phishing_detected"], bool)
    assert api.ok("PATCH", base, {"paused": True}).result["paused"] is True
    assert api.ok("POST", f"{base}/subscription", {"rate_plan": {"id": "pro"}}).result["rate_plan"]["id"] == "pro"
    settings = api.ok("GET", f"{base}/settings").result
    assert all(set(one) == {"id", "value", "editable", "modified_on"} for one in settings)
    assert api.ok("GET", f"{base}/ssl/universal/settings").result["enabled"] is True
    items = [{"id": "ssl", "value": "strict"}, {"id": "min_tls_version", "value": "1.2"}, {"id": "websockets", "value": "on"}]
    assert {one["id"]: one["value"] for one in api.ok("PATCH", f"{base}/settings", {"items": items}).result} == \
        {one["id"]: one["value"] for one in items}
    record = api.ok("POST", f"{base}/dns_records", {"type": "MX", "name": name, "content": "mail.example.org", "priority": 10,
                                                    "ttl": 1, "proxied": False, "tags": None, "comment": "by terraform"}).result
    assert api.ok("GET", f"{base}/dns_records/{record['id']}").result["priority"] == 10
    assert record["meta"] == {} and isinstance(record["ttl"], int)
    assert api.ok("PUT", f"{base}/origin_tls_client_auth/settings", {"enabled": True}).result["enabled"] is True
    assert api.ok("GET", f"{base}/settings/tls_client_auth").result["value"] == "on"
    groups = api.ok("GET", "/user/tokens/permission_groups").result
    reading = next(one["id"] for one in groups if one["name"] == "DNS Read")
    policy = {"effect": "allow", "resources": {f"com.cloudflare.api.account.zone.{zone['id']}": "*"},
              "permission_groups": [{"id": reading}]}
    token = api.ok("POST", "/user/tokens", {"name": "tf", "policies": [policy],
                                            "condition": {"request_ip": {"in": ["127.0.0.0/8"], "not_in": []}}}).result
    assert token["status"] == "active" and token["policies"][0]["resources"] == policy["resources"]
    for path in (f"/user/tokens/{token['id']}", base):
        assert api.ok("DELETE", path).result["id"] in path
        assert api.call("GET", path).status == 404


# ---- what every client leans on

def test_49_20_pages_fetched_side_by_side_are_exact(control, zone):
    base = f"/zones/{zone['id']}/dns_records"
    posts = [{"type": "TXT", "name": f"t{i:03}", "content": "x"} for i in range(47)]
    control.api.ok("POST", f"{base}/batch", {"posts": posts})
    told = control.api.ok("GET", f"{base}?per_page=10").body["result_info"]
    assert told == {"page": 1, "per_page": 10, "count": 10, "total_count": 47, "total_pages": 5}
    with ThreadPoolExecutor(5) as pool:
        pages = list(pool.map(lambda page: control.api.ok("GET", f"{base}?per_page=10&page={page}").result, range(1, 7)))
    assert [len(page) for page in pages] == [10, 10, 10, 10, 7, 0]
    assert len({one["id"] for page in pages for one in page}) == 47


@pytest.mark.parametrize("filters, names", [
    ("name=contains:o", ["one", "two"]), ("name=starts_with:ON", ["one"]), ("name=ends_with:{zone}", ["one", "two"]),
    ("name=equal:two.{zone}", ["two"]), ("name=not_equal:two.{zone}", ["one"]), ("name.startswith=t", ["two"]),
    ("content=127.0.0.2", ["two"]), ("content.contains=0.1", ["one"]), ("match=any&content=127.0.0.2&name=one.{zone}", ["one", "two"]),
    ("order=name&direction=desc", ["two", "one"]), ("type=AAAA", []), ("unheard=of", ["one", "two"])])
def test_49_21_filters(control, zone, filters, names):
    for number, name in enumerate(("one", "two"), 1):
        control.api.origin(zone["id"], f"{name}.{zone['name']}", 443, f"127.0.0.{number}")
    listed = control.api.ok("GET", f"/zones/{zone['id']}/dns_records?{filters.format(zone=zone['name'])}").result
    assert [one["name"].split(".")[0] for one in listed] == names


@pytest.mark.parametrize("name", ["search", "tag", "tag.exact", "comment.present"])
def test_49_22_a_filter_that_trunkline_lacks_is_not_passed_over(control, zone, name):
    answer = control.api.call("GET", f"/zones/{zone['id']}/dns_records?{name}=x")
    assert (answer.status, answer.codes) == (400, [1001]) and name in answer.text


@pytest.mark.parametrize("query, page, per_page", [("per_page=1", 1, 1), ("per_page=1000", 1, 50), ("page=0", 1, 20),
                                                   ("page=9&per_page=50", 9, 50)])
def test_49_23_pages_that_others_ask_for(control, zone, query, page, per_page):
    told = control.api.ok("GET", f"/zones?{query}").body
    assert (told["result_info"]["page"], told["result_info"]["per_page"]) == (page, per_page)
    assert len(told["result"]) == told["result_info"]["count"] and (page == 1) == bool(told["result"])


def ask(control, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", control.port, timeout=30)
    connection.request(method, "/client/v4" + path, body=body, headers=headers or {})
    got = connection.getresponse()
    text = got.read().decode()
    connection.close()
    return got, json.loads(text) if text else None


KEY = "0" * 37


@pytest.mark.parametrize("path, headers, status, code, chain", [
    ("/zones", {}, 400, 9106, None),
    ("/zones", {"X-Auth-Email": EMAIL}, 400, 9106, None),
    ("/zones", {"Authorization": "Bearer"}, 400, 6003, 6111),
    ("/zones", {"Authorization": "Basic YTpi"}, 400, 6003, 6111),
    ("/zones", {"X-Auth-Email": EMAIL, "X-Auth-Key": "short"}, 400, 6003, 6103),
    ("/zones", {"X-Auth-Email": EMAIL, "X-Auth-Key": KEY}, 403, 9103, None),
    ("/zones", {"Authorization": "Bearer " + "A" * 40}, 403, 9109, None),
    ("/user/tokens/verify", {"Authorization": "Bearer " + "A" * 40}, 401, 1000, None)])
def test_49_24_who_asks_is_told_what_is_wrong(control, path, headers, status, code, chain):
    got, body = ask(control, "GET", path, headers)
    assert got.status == status and body["success"] is False and body["messages"] == [] and body["result"] is None
    assert [error["code"] for error in body["errors"]] == [code]
    assert [one["code"] for one in body["errors"][0].get("error_chain", [])] == ([chain] if chain else [])


JSON_TYPE = {"Content-Type": "application/json"}


@pytest.mark.parametrize("method, path, headers, body, status, code, words", [
    ("GET", "/zones/xyz", {}, None, 404, 7003, "perhaps your object identifier is invalid?"),
    ("GET", "/nothing", {}, None, 404, 7000, "No route for that URI"),
    ("DELETE", "/zones", {}, None, 405, 7001, "Method not available for that URI."),
    ("GET", "/zones/{z}/settings/none", {}, None, 400, 1006, "Unrecognized zone setting name: none"),
    ("PATCH", "/zones/{z}/settings/origin_max_http_version", JSON_TYPE, '{"value":"3"}', 400, 1007, "must be `1` or `2`"),
    ("PATCH", "/zones/{z}/settings/origin_h2_max_streams", JSON_TYPE, '{"value":500}', 403, 1135, "enterprise"),
    ("POST", "/zones", JSON_TYPE, '{"name":"{n}"}', 400, 1061, "already exists"),
    ("POST", "/zones", JSON_TYPE, '{"name":"com"}', 400, 1002, "com is not a registrable domain name"),
    ("POST", "/zones", JSON_TYPE, '{"name":5}', 400, 1001, "name: must be a string"),
    ("POST", "/zones", JSON_TYPE, '{"name":', 400, 6005, "line 1 column"),
    ("POST", "/zones", {"Content-Type": "text/plain"}, "{}", 415, 6006, "application/json"),
    ("POST", "/zones", JSON_TYPE, " " * 2_000_000, 413, 6007, "larger than the limit")])
def test_49_25_what_is_asked_for_wrongly_is_told(control, zone, method, path, headers, body, status, code, words):
    body = body and body.replace("{n}", zone["name"])
    got, told = ask(control, method, path.replace("{z}", zone["id"]),
                    {"Authorization": f"Bearer {control.token}", **headers}, body)
    assert (got.status, told["errors"][0]["code"]) == (status, code) and words in told["errors"][0]["message"]
    assert got.headers["X-Request-Id"] and (got.headers["Allow"] == "GET, POST") == (status == 405)


def test_49_26_heads_slashes_and_times(control, zone):
    signed = {"Authorization": f"Bearer {control.token}"}
    got, body = ask(control, "HEAD", f"/zones/{zone['id']}", signed)
    assert got.status == 200 and body is None and got.headers["ETag"]
    got, body = ask(control, "OPTIONS", "/zones", signed)
    assert got.status == 405 and got.headers["Allow"] == "GET, POST"
    got, body = ask(control, "GET", f"/zones/{zone['id']}/", signed)
    assert got.status == 200 and body["result"]["name"] == zone["name"]
    assert len(body["result"]["created_on"]) == len("2026-01-01T00:00:00.000000Z") and body["result"]["created_on"][-1] == "Z"
    assert type(body["result"]["plan"]["price"]) is int and type(body["result"]["development_mode"]) is int
    got, body = ask(control, "GET", "/ips")
    assert got.status == 200 and body["errors"] == []
