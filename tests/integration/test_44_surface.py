"""The surface that clients of the original know: every answer is held against schema/openapi.yaml."""
import csv
import http.client
import io
import itertools
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.contract import Contract, JudgedApi
from harness.control import Control
from harness.names import Names
from harness.process import wait_until
from harness.visitor import h2load

NAMES = itertools.count(1)


@pytest.fixture(scope="module")
def contract():
    return Contract()


@pytest.fixture(scope="module")
def control(build, tmp_path_factory):
    made = Control(build, tmp_path_factory.mktemp("surface"),
                   flags=("--allow-origin", "127.0.0.0/8", "--name-servers", "ns1.example.org,ns2.example.org",
                          "--edge-addresses", "192.0.2.1,198.51.100.0/24,2001:db8::1")).bootstrap()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def api(control, contract):
    return JudgedApi(control.port, control.token, contract)


@pytest.fixture
def zone(api, control):
    return api.zone(control.account_id, f"surface{next(NAMES)}.example.net")


# ---- settings

def test_44_01_every_documented_setting_answers_alone_and_in_the_list(api, zone):
    listed = api.ok("GET", f"/zones/{zone['id']}/settings").result
    assert len(listed) > 60 and len({one["id"] for one in listed}) == len(listed)
    for one in listed:
        assert api.ok("GET", f"/zones/{zone['id']}/settings/{one['id']}").result == one
    fixed = {one["id"]: one["editable"] for one in listed}
    assert fixed["ssl"] and fixed["origin_max_http_version"] and not fixed["waf"]


def test_44_02_a_fixed_setting_is_refused_and_a_bulk_with_it_changes_nothing(api, zone):
    alone = api.call("PATCH", f"/zones/{zone['id']}/settings/waf", {"value": "on"})
    assert (alone.status, alone.codes) == (403, [1135]) and "waf" in alone.text
    bulk = api.call("PATCH", f"/zones/{zone['id']}/settings",
                    {"items": [{"id": "ssl", "value": "strict"}, {"id": "waf", "value": "on"}]})
    assert (bulk.status, bulk.codes) == (403, [1135])
    assert api.ok("GET", f"/zones/{zone['id']}/settings/ssl").result["value"] == "full"


# ---- plans and what is always the same

def test_44_03_plans_and_the_subscription_are_one_thing(api, zone):
    base = f"/zones/{zone['id']}"
    plans = api.ok("GET", f"{base}/available_plans").result
    assert [plan["legacy_id"] for plan in plans if plan["is_subscribed"]] == ["free"]
    assert api.ok("GET", f"{base}/available_plans/{plans[3]['id']}").result == plans[3]
    assert len(api.ok("GET", f"{base}/available_rate_plans").result) == 4
    for method, plan in (("POST", "pro"), ("PUT", "enterprise")):
        assert api.ok(method, f"{base}/subscription", {"rate_plan": {"id": plan}}).result["rate_plan"]["id"] == plan
    assert api.ok("GET", f"{base}/subscription").result["rate_plan"]["id"] == "enterprise"
    assert api.ok("GET", base).result["plan"]["legacy_id"] == "enterprise"
    assert api.call("PUT", f"{base}/subscription", {"rate_plan": {"id": "gold"}}).status == 400


def test_44_04_what_is_always_the_same(api, zone):
    assert api.ok("GET", f"/zones/{zone['id']}/pagerules").result == []
    assert api.ok("POST", f"/zones/{zone['id']}/purge_cache", {"purge_everything": True}).result == {"id": zone["id"]}
    assert api.ok("GET", f"/zones/{zone['id']}/ssl/universal/settings").result["enabled"] is True
    ips = api.ok("GET", "/ips").result
    assert ips["ipv4_cidrs"] == ["192.0.2.1/32", "198.51.100.0/24"] and ips["ipv6_cidrs"] == ["2001:db8::1/128"]


@pytest.mark.parametrize("path, name", [("/zones/{z}/rulesets", "rulesets"), ("/accounts/{a}/workers/scripts", "workers"),
                                        ("/zones/{z}/firewall/rules", "firewall"), ("/radar/bgp", "radar")])
def test_44_05_a_resource_that_trunkline_lacks_says_so(control, path, name):
    answer = control.api.call("GET", path.format(z="0" * 32, a="0" * 32))
    assert (answer.status, answer.codes) == (404, [7000])
    assert f"Trunkline does not have {name}" in answer.text


# ---- what one hostname has for itself

def test_44_10_a_hostnames_own_values_come_and_go(api, zone):
    base, host = f"/zones/{zone['id']}/hostnames/settings", f"api.{zone['name']}"
    assert api.ok("GET", f"{base}/origin_max_http_version").result == []
    made = api.ok("PUT", f"{base}/origin_max_http_version/{host.upper()}", {"value": "1"})
    assert made.result["hostname"] == host and made.result["value"] == "1" and made.revision > 0
    again = api.ok("PUT", f"{base}/origin_max_http_version/{host}", {"value": "2"}).result
    assert again["created_at"] == made.result["created_at"] and again["value"] == "2"
    assert api.ok("GET", f"{base}/origin_max_http_version/{host}").result == again
    assert api.ok("GET", f"{base}/origin_max_http_version").result == [again]
    assert api.ok("GET", f"{base}/origin_h2_max_streams").result == []
    assert api.ok("PUT", f"{base}/origin_h2_max_streams/*.{zone['name']}", {"value": 3}).result["value"] == 3
    assert api.ok("DELETE", f"{base}/origin_max_http_version/{host}").result["hostname"] == host
    for method in ("GET", "DELETE"):
        assert api.call(method, f"{base}/origin_max_http_version/{host}").status == 404


@pytest.mark.parametrize("setting, host, value, status, code", [
    ("origin_max_http_version", "api.{zone}", "3", 400, 1007),
    ("origin_h2_max_streams", "api.{zone}", "3", 400, 1007),
    ("origin_h2_max_streams", "api.{zone}", 101, 403, 1135),
    ("origin_h2_max_streams", "api.example.org", 3, 400, 1001),
    ("origin_h2_max_streams", "a..{zone}", 3, 400, 1001),
    ("ssl", "api.{zone}", "full", 400, 1006),
    ("nothing", "api.{zone}", "full", 400, 1006)])
def test_44_11_a_hostname_has_no_other_values(api, zone, setting, host, value, status, code):
    answer = api.call("PUT", f"/zones/{zone['id']}/hostnames/settings/{setting}/{host.format(zone=zone['name'])}",
                      {"value": value})
    assert (answer.status, answer.codes) == (status, [code]), answer.text


def test_44_12_the_hostnames_value_wins_at_the_edge(world):
    nginx = world.nginx()
    zone, apex = world.zone(nginx.port)
    own = f"own.{apex}"
    world.api.origin(zone["id"], own, nginx.port)
    base = f"/zones/{zone['id']}/hostnames/settings/origin_max_http_version"
    visitor = world.visitor("h2")

    world.api.applied(world.api.ok("PUT", f"{base}/{own}", {"value": "1"}), zone["id"])
    assert visitor.get(own, "/echo").body == b"HTTP/1.1\n"
    assert visitor.get(apex, "/echo").body == b"HTTP/2.0\n"

    world.api.setting(zone["id"], "origin_max_http_version", "1")
    world.api.applied(world.api.ok("PUT", f"{base}/{own}", {"value": "2"}), zone["id"])
    assert visitor.get(own, "/echo").body == b"HTTP/2.0\n"
    assert visitor.get(apex, "/echo").body == b"HTTP/1.1\n"

    world.api.applied(world.api.ok("DELETE", f"{base}/{own}"), zone["id"])
    assert visitor.get(own, "/echo").body == b"HTTP/1.1\n"


def test_44_13_a_hostnames_own_stream_limit_is_its_own(make_world):
    world = make_world(workers=1).start()
    origin = world.origin()
    zone, apex = world.zone(origin.port)
    own = f"own.{apex}"
    world.api.origin(zone["id"], own, origin.port)
    answer = world.api.ok("PUT", f"/zones/{zone['id']}/hostnames/settings/origin_h2_max_streams/{own}", {"value": 2})
    world.api.applied(answer, zone["id"])

    for host, path, connections in ((own, "/own", 3), (apex, "/apex", 1)):
        counts = h2load(world.edge, host, f"{path}?head_delay_ms=700", clients=1, streams=6, requests=6)
        assert counts["succeeded"] == 6, counts["text"]
        assert len({seen.connection for seen in origin.seen(path)}) == connections


# ---- records in bulk

def record(name, content="203.0.113.7", kind="A", **members):
    return {"type": kind, "name": name, "content": content, **members}


def names(api, zone):
    return sorted(one["name"].split(".")[0] for one in api.ok("GET", f"/zones/{zone['id']}/dns_records").result)


def test_44_20_a_batch_is_one_transaction_in_its_order(api, zone):
    base = f"/zones/{zone['id']}/dns_records"
    gone, kept, put = (api.ok("POST", base, record(name)).result for name in ("gone", "kept", "put"))
    answer = api.ok("POST", f"{base}/batch", {
        "posts": [record("gone", "203.0.113.8"), record("new", "text", "TXT")],
        "puts": [{"id": put["id"], **record("put2")}],
        "patches": [{"id": kept["id"], "comment": "stays"}],
        "deletes": [{"id": gone["id"]}]})
    told = answer.result
    assert told["deletes"] == [gone] and told["patches"][0]["comment"] == "stays"
    assert told["puts"][0]["id"] == put["id"] and len(told["posts"]) == 2 and answer.revision > 0
    assert names(api, zone) == ["gone", "kept", "new", "put2"]


@pytest.mark.parametrize("batch, status, code, path", [
    ({"posts": [{"type": "A", "name": "a", "content": "203.0.113.1"}, {"type": "A", "name": "b", "content": "nonsense"}]},
     400, 1004, "posts[1].content"),
    ({"posts": [{"type": "A", "name": "a", "content": "203.0.113.1"}] * 2}, 400, 81057, "identical"),
    ({"posts": [{"type": "A", "name": "a", "content": "203.0.113.1"},
                {"type": "CNAME", "name": "a", "content": "x.example.org"}]}, 400, 81058, "posts[1]"),
    ({"posts": [{"type": "A", "name": "a", "content": "203.0.113.1"}], "deletes": [{"id": "0" * 32}]}, 404, 7003, ""),
    ({"deletes": [{}]}, 400, 1004, "deletes[0].id"),
    ({"posts": {}}, 400, 1004, "posts"),
    ({}, 400, 1001, "batch")])
def test_44_21_a_batch_with_a_fault_changes_nothing(api, zone, batch, status, code, path):
    answer = api.call("POST", f"/zones/{zone['id']}/dns_records/batch", batch)
    assert (answer.status, answer.codes[0]) == (status, code), answer.text
    assert path in answer.text
    assert names(api, zone) == []


def test_44_22_every_type_is_stored_and_pieces_make_content(api, zone):
    base = f"/zones/{zone['id']}/dns_records"
    caa = api.ok("POST", base, {"type": "CAA", "name": "@", "data": {"flags": 0, "tag": "issue", "value": "ca.example"}})
    assert caa.result["content"] == '0 issue "ca.example"' and caa.result["data"]["tag"] == "issue"
    srv = api.ok("POST", base, {"type": "SRV", "name": "_sip._tcp",
                                "data": {"priority": 1, "weight": 2, "port": 5060, "target": "sip.example.org"}})
    assert srv.result["data"] == {"priority": 1, "weight": 2, "port": 5060, "target": "sip.example.org"}
    for kind, content in (("PTR", "host.example.org"), ("TLSA", "3 1 1 " + "ab" * 32), ("HTTPS", "1 . alpn=h2"),
                          ("SSHFP", "4 2 " + "cd" * 32), ("DS", "1 13 2 " + "ef" * 32), ("URI", '10 1 "https://x"'),
                          ("LOC", "51 30 12.748 N 0 7 39.611 W 0.00m"), ("NAPTR", '10 100 "s" "SIP+D2T" "" _sip._tcp.x')):
        assert api.ok("POST", base, record("other", content, kind)).result["content"] == content
    bad = api.call("POST", base, {"type": "SRV", "name": "_x._tcp", "data": {"port": 1}})
    assert (bad.status, bad.codes) == (400, [1004]) and "data" in bad.text


ZONE_FILE = """\
$TTL 1h
@        IN SOA ns1.example.org. me.example.org. ( 1 2 3
                4 5 ) ; passed over
www      300 IN A 203.0.113.9 ; a comment
         IN A 203.0.113.10
mail     MX 10 mx.example.org.
text     TXT "one piece" " and another; \\"quoted\\""
alias    CNAME www
"""


def test_44_23_a_zone_file_comes_in_and_goes_out(api, zone, control):
    base = f"/zones/{zone['id']}/dns_records"
    boundary = "boundary123"
    form = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"proxied\"\r\n\r\nfalse\r\n"
            f"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"z.txt\"\r\n"
            f"Content-Type: text/plain\r\n\r\n{ZONE_FILE}\r\n--{boundary}--\r\n")
    told = api.call("POST", f"{base}/import", raw=form,
                    headers={"Content-Type": f"multipart/form-data; boundary={boundary}"}).result
    assert told == {"recs_added": 5, "total_records_parsed": 5}
    rows = {(one["type"], one["name"].split(".")[0]): one for one in api.ok("GET", base).result}
    assert rows["TXT", "text"]["content"] == 'one piece and another; "quoted"'
    assert rows["CNAME", "alias"]["content"] == f"www.{zone['name']}"
    assert rows["MX", "mail"]["priority"] == 10 and rows["MX", "mail"]["ttl"] == 3600

    text = control_text(control, f"{base}/export")
    assert f"$ORIGIN {zone['name']}." in text and "203.0.113.10" in text
    again = api.call("POST", f"{base}/import", raw=text, headers={"Content-Type": "text/plain"})
    assert again.result == {"recs_added": 0, "total_records_parsed": 5}, again.text + text


def control_text(control, path):
    connection = http.client.HTTPConnection("127.0.0.1", control.port, timeout=30)
    connection.request("GET", "/client/v4" + path, headers={"Authorization": f"Bearer {control.token}"})
    got = connection.getresponse()
    text = got.read().decode()
    connection.close()
    assert got.status == 200, text
    return text


@pytest.mark.parametrize("text, line", [("www A nonsense\n", "line 2"), ("www A 203.0.113.1\nx TXT \"open", "line 2"),
                                        ("www NOTYPE x\n", "line 1"), ("mail MX mx.example.org.\n", "line 1"),
                                        ("$INCLUDE /etc/passwd\n", "line 1"), ("www ( A 203.0.113.1\n", "line 2")])
def test_44_24_a_bad_zone_file_adds_nothing(api, zone, text, line):
    answer = api.call("POST", f"/zones/{zone['id']}/dns_records/import", raw="ok A 203.0.113.2\n" + text,
                      headers={"Content-Type": "text/plain"})
    assert (answer.status, answer.codes) == (400, [1004]), answer.text
    assert names(api, zone) == []


# ---- certificates in their order

def test_44_30_certificates_are_replaced_and_put_in_order(api, zone, authority):
    base = f"/zones/{zone['id']}/custom_certificates"

    def pair():
        chain, key = authority.issue(zone["name"], f"*.{zone['name']}")
        return {"certificate": chain.read_text(), "private_key": key.read_text()}

    first, second = (api.ok("POST", base, pair()).result for _ in range(2))
    order = api.ok("PUT", f"{base}/prioritize", {"certificates": [{"id": first["id"], "priority": 9}]}).result
    assert [one["id"] for one in order] == [first["id"], second["id"]] and order[0]["priority"] == 9
    other = api.ok("PATCH", f"{base}/{first['id']}", pair()).result
    assert other["id"] != first["id"] and other["priority"] == 9
    assert other["fingerprint_sha256"] != first["fingerprint_sha256"]
    assert api.ok("PATCH", f"{base}/{other['id']}", {"bundle_method": "optimal"}).result == other
    assert api.call("GET", f"{base}/{first['id']}").status == 404
    assert api.call("PATCH", f"{base}/{other['id']}", {"certificate": "x"}).codes == [1001]
    assert api.call("PUT", f"{base}/prioritize", {"certificates": [{"id": "0" * 32, "priority": 1}]}).status == 404


# ---- who changed what

def test_44_40_the_audit_in_both_forms(api, control, zone):
    api.setting(zone["id"], "ssl", "strict")
    api.ok("PATCH", f"/zones/{zone['id']}", {"paused": True})
    account = f"/accounts/{control.account_id}"
    first = api.ok("GET", f"{account}/audit_logs?zone.id={zone['id']}").result
    assert [one["action"]["type"] for one in first] == ["zone.edit", "setting.edit", "zone.create"]
    assert first[1]["newValueJson"] == {"ssl": "strict"} and first[1]["oldValueJson"] == {"ssl": "full"}
    assert first[0]["actor"]["ip"] == "127.0.0.1" and first[0]["actor"]["email"]
    second = api.ok("GET", f"{account}/logs/audit?zone_id={zone['id']}&direction=asc").result
    assert [one["action"]["type"] for one in second] == ["create", "update", "update"]
    assert [one["id"] for one in second] == [one["id"] for one in reversed(first)]
    assert second[0]["zone"] == {"id": zone["id"], "name": zone["name"]}
    own = api.ok("GET", "/user/audit_logs?per_page=3").result
    assert [one["id"] for one in own] == [one["id"] for one in first]


def test_44_41_the_audit_is_filtered_and_paged(api, control, zone):
    for port in range(7):
        api.setting(zone["id"], "origin_h2_max_streams", port + 1)
    account = f"/accounts/{control.account_id}"
    own = f"zone.id={zone['id']}"
    assert len(api.ok("GET", f"{account}/audit_logs?{own}&action.type=setting.edit").result) == 7
    assert len(api.ok("GET", f"{account}/audit_logs?{own}&actor.email=nobody@example.org").result) == 0
    assert len(api.ok("GET", f"{account}/audit_logs?{own}&since=2026-01-01&before=2026-01-02").result) == 0
    pages = [api.ok("GET", f"{account}/audit_logs?{own}&per_page=3&page={page}").result for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [3, 3, 2, 0]
    seen, cursor = [], ""
    while True:
        answer = api.ok("GET", f"{account}/logs/audit?{own}&limit=3&cursor={cursor}")
        seen += [one["id"] for one in answer.result]
        cursor = answer.body["result_info"]["cursor"]
        if not cursor:
            break
    assert seen == [one["id"] for page in pages for one in page]
    assert api.call("GET", f"{account}/audit_logs?since=yesterday").codes == [1001]


def test_44_42_the_audit_as_a_file(api, control, zone):
    api.ok("POST", f"/zones/{zone['id']}/dns_records", record("csv", '=1+1,"x"', "TXT"))
    text = control_text(control, f"/accounts/{control.account_id}/audit_logs?export=csv&zone.id={zone['id']}")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["action"] for row in rows] == ["record.create", "zone.create"]
    assert json.loads(rows[0]["new_value"])["content"] == '=1+1,"x"' and rows[0]["zone"] == zone["name"]


# ---- whose domain it is

@pytest.fixture(scope="module")
def tenant(control, contract):
    """Somebody who is no operator, with an account of his own."""
    done = subprocess.run([control.program, "user", "--store", control.store, "--email", "tenant@example.com",
                           "--password-stdin"], input="another good password\n", capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    api = JudgedApi(control.port, told["token"], contract)
    api.account_id = told["account_id"]
    return api


def test_44_50_a_name_is_claimed_once_in_every_spelling(api, control, tenant):
    api.zone(control.account_id, "claimed.example")
    api.zone(control.account_id, "xn--bcher-kva.example")
    for name in ("claimed.example", "CLAIMED.Example", "claimed.example.", "www.claimed.example", "*.claimed.example",
                 "XN--bcher-KVA.example."):
        answer = tenant.call("POST", "/zones", {"name": name, "account": {"id": tenant.account_id}})
        assert (answer.status, answer.codes) == (400, [1061]), (name, answer.text)
    api.zone(control.account_id, "deep.below.example")
    answer = tenant.call("POST", "/zones", {"name": "below.example", "account": {"id": tenant.account_id}})
    assert (answer.status, answer.codes) == (400, [1061])


def test_44_51_sixty_four_claims_at_once_have_one_winner(api, control, tenant):
    def claim(number):
        who, account = ((api, control.account_id), (tenant, tenant.account_id))[number % 2]
        name = ("race.example", "RACE.example", "race.example.", "Race.Example")[number % 4]
        return who.call("POST", "/zones", {"name": name, "account": {"id": account}})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(claim, range(64)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 63
    assert {code for answer in answers for code in answer.codes} == {1061}


def test_44_60_a_tenants_zone_is_pending_until_an_operator_approves(api, tenant):
    zone = tenant.zone(tenant.account_id, f"pending{next(NAMES)}.example")
    assert zone["status"] == "pending" and zone["activated_on"] is None and len(zone["verification_key"]) == 32
    assert [one["id"] for one in tenant.ok("GET", f"/zones?status=pending&name={zone['name']}").result] == [zone["id"]]
    assert tenant.ok("GET", f"/zones?status=active&name={zone['name']}").result == []
    tenant.ok("PUT", f"/zones/{zone['id']}/activation_check")
    assert tenant.ok("GET", f"/zones/{zone['id']}").result["status"] == "pending"
    api.ok("PUT", f"/zones/{zone['id']}/activation_check")
    told = tenant.ok("GET", f"/zones/{zone['id']}").result
    assert told["status"] == "active" and told["activated_on"]


def test_44_61_a_txt_record_makes_a_zone_active_and_served(make_world):
    names = Names({})
    world = make_world(workers=1)
    world.control.command += ["--resolver", f"127.0.0.1:{names.port}"]
    world.start()
    done = subprocess.run([world.control.program, "user", "--store", world.control.store, "--email", "t@example.com",
                           "--password-stdin"], input="another good password\n", capture_output=True, text=True,
                          timeout=60)
    told = json.loads(done.stdout)
    tenant = world.api
    tenant.token = told["token"]
    origin = world.origin()
    zone = tenant.zone(told["account_id"], "proof.example.net")
    answer = tenant.origin(zone["id"], zone["name"], origin.port)
    tenant.applied(answer, zone["id"])
    assert world.visitor("plain").get(zone["name"], "/").status == 404

    names.texts[zone["verification_name"]] = ["something else", zone["verification_key"]]
    tenant.ok("PUT", f"/zones/{zone['id']}/activation_check")
    wait_until(lambda: tenant.ok("GET", f"/zones/{zone['id']}").result["status"] == "active", "the proof was seen")
    wait_until(lambda: world.visitor("h2").get(zone["name"], "/").status == 200, "it is served")
    names.stop()
