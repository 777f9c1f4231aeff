"""People, accounts, members, roles, tokens: who is who, and who may make whom."""
import itertools
import json
import time

import pytest

from harness.api import Api
from harness.process import run, wait_until

OWNER, ADMINISTRATOR = "33666b9c79b9a5273fc7344ff42f953d", "05784afa30c1afe1440e79d9351c7430"
GROUPS = {"zone_read": "c8fed203ed3043cba015a93ad1616f1f", "dns_read": "82e64a83756745bbbb1c9c2701bf816b",
          "dns_write": "4755a26eedb94da69e1066d98aa820be", "settings_write": "3030687196b94b638145a3953da2b699",
          "tokens_read": "0cc3a61731504c89b99ec1be78b77aa0", "user_read": "8acbe5bb0d54464ab867149d7f7cf8ac"}
names = itertools.count(1)


def policy(resources, *groups, effect="allow"):
    return {"effect": effect, "permission_groups": [{"id": GROUPS[group]} for group in groups],
            "resources": {resource: "*" for resource in resources}}


def zone_resource(zone_id):
    return f"com.cloudflare.api.account.zone.{zone_id}"


@pytest.fixture(scope="module")
def people(world):
    """An account of its own with an owner; makes tokens and members in it."""
    class People:
        def __init__(self):
            self.root = world.api
            self.email = f"owner{next(names)}@example.net"
            done = run([world.control.program, "user", "--store", world.control.store, "--email", self.email,
                        "--password-stdin"], input="a good password\n")
            assert done.returncode == 0, done.stderr
            told = json.loads(done.stdout)
            self.account, self.user = told["account_id"], told["user_id"]
            self.owner = Api(world.control.port, told["token"])
            self.zone = self.owner.zone(self.account, f"people{next(names)}.example.net")["id"]
            self.other_zone = self.owner.zone(self.account, f"people{next(names)}.example.net")["id"]

        def token(self, policies, path="/user/tokens", **members):
            made = self.owner.ok("POST", path, {"name": "made by a test", "policies": policies, **members}).result
            return made, Api(world.control.port, made["value"])

        def roles(self):
            return {role["name"]: role["id"] for role in self.owner.ok("GET", f"/accounts/{self.account}/roles").result}

        def join(self, body, password="a good password"):
            """Invites and accepts; returns (member, what the member's token can do)."""
            email = f"member{next(names)}@example.net"
            made = self.owner.ok("POST", f"/accounts/{self.account}/members", {"email": email, **body}).result
            anyone = Api(world.control.port, None)
            anyone.ok("POST", "/invitations/accept",
                      {"token": made["trunkline"]["invite_token"], "password": password})
            return made, email

    return People()


def test_41_01_the_user_answers_and_changes(people):
    user = people.owner.ok("GET", "/user").result
    assert user["email"] == people.email and user["id"] == people.user
    assert user["two_factor_authentication_enabled"] is False
    changed = people.owner.ok("PATCH", "/user", {"first_name": "Dana", "id": "0" * 32, "email": "else@example.net"}).result
    assert changed["first_name"] == "Dana" and changed["email"] == people.email and changed["id"] == people.user


def test_41_02_a_token_comes_changes_rolls_and_goes(people, world):
    made, api = people.token([policy([zone_resource(people.zone)], "dns_write", "zone_read")])
    path = f"/user/tokens/{made['id']}"
    assert made["value"].startswith("tl_") and len(made["value"]) >= 40 and made["status"] == "active"
    assert api.ok("GET", "/user/tokens/verify").result["id"] == made["id"]
    told = people.owner.ok("GET", path).result
    assert "value" not in told and told["policies"][0]["permission_groups"][0]["name"] == "DNS Write"
    assert made["id"] in [row["id"] for row in people.owner.ok("GET", "/user/tokens").result]

    value = people.owner.ok("PUT", path + "/value").result
    assert isinstance(value, str) and value != made["value"]
    assert api.call("GET", "/user/tokens/verify").codes == [1000]
    assert api.call("GET", "/user/tokens/verify").status == 401
    api = Api(world.control.port, value)
    assert api.ok("GET", f"/zones/{people.zone}").result["id"] == people.zone

    people.owner.ok("PUT", path, {"name": "off", "policies": told["policies"], "status": "disabled"})
    assert api.call("GET", f"/zones/{people.zone}").codes == [9109]
    people.owner.ok("PUT", path, {"name": "on", "policies": told["policies"], "status": "active"})
    assert api.ok("GET", f"/zones/{people.zone}").result["id"] == people.zone
    assert people.owner.ok("DELETE", path).result == {"id": made["id"]}
    gone = api.call("GET", f"/zones/{people.zone}")
    assert gone.status == 403 and gone.codes == [9109]
    assert people.owner.call("GET", path).status == 404


def test_41_03_a_token_has_what_its_policies_say(people):
    _, api = people.token([policy([zone_resource(people.zone)], "dns_write", "zone_read")])
    assert [zone["id"] for zone in api.ok("GET", "/zones").result] == [people.zone]
    assert api.ok("GET", "/zones").body["result_info"]["total_count"] == 1
    record = {"type": "TXT", "name": "@", "content": "one"}
    api.ok("POST", f"/zones/{people.zone}/dns_records", record)
    for method, path, body in (("GET", f"/zones/{people.zone}/settings", None), ("GET", "/user", None),
                               ("PATCH", f"/zones/{people.zone}/settings/ssl", {"value": "full"}),
                               ("POST", f"/zones/{people.other_zone}/dns_records", record),
                               ("GET", f"/zones/{people.other_zone}", None), ("GET", "/user/tokens", None),
                               ("POST", "/zones", {"name": "other.example.net", "account": {"id": people.account}})):
        refused = api.call(method, path, body)
        assert refused.status == 403 and refused.codes == [9109], f"{method} {path}: {refused.text}"


def test_41_04_what_is_denied_is_denied(people):
    _, api = people.token([policy(["com.cloudflare.api.account.*"], "zone_read", "dns_read"),
                           policy([zone_resource(people.zone)], "zone_read", effect="deny")])
    assert people.other_zone in [zone["id"] for zone in api.ok("GET", "/zones").result]
    assert people.zone not in [zone["id"] for zone in api.ok("GET", "/zones").result]
    assert api.call("GET", f"/zones/{people.zone}").status == 403
    api.ok("GET", f"/zones/{people.zone}/dns_records")


def test_41_05_zones_of_an_account_in_both_forms(people):
    inner = {"effect": "allow", "permission_groups": [{"id": GROUPS["zone_read"]}],
             "resources": {f"com.cloudflare.api.account.{people.account}": {"com.cloudflare.api.account.zone.*": "*"}}}
    for one in (inner, policy([f"com.cloudflare.api.account.{people.account}"], "zone_read")):
        _, api = people.token([one])
        assert {people.zone, people.other_zone} <= {zone["id"] for zone in api.ok("GET", "/zones").result}


@pytest.mark.parametrize("condition,good", (
    ({"request_ip": {"in": ["127.0.0.0/8"]}}, True), ({"request.ip": {"in": ["192.0.2.0/24"]}}, False),
    ({"request_ip": {"not_in": ["127.0.0.1"]}}, False), ({"request_ip": {"in": ["127.0.0.1"], "not_in": ["10.0.0.0/8"]}}, True),
))
def test_41_06_a_token_may_be_bound_to_networks(people, condition, good):
    made, api = people.token([policy(["com.cloudflare.api.account.*"], "zone_read")], condition=condition)
    assert made["condition"]["request_ip"] == made["condition"]["request.ip"]
    assert api.call("GET", "/zones").status == (200 if good else 403)


@pytest.mark.parametrize("members,good", (
    ({"expires_on": "2020-01-01T00:00:00Z"}, False), ({"not_before": "2099-01-01T00:00:00Z"}, False),
    ({"expires_on": "2099-01-01T00:00:00+02:00", "not_before": "2020-01-01"}, True),
))
def test_41_07_a_token_has_its_time(people, members, good):
    _, api = people.token([policy(["com.cloudflare.api.account.*"], "zone_read")], **members)
    answer = api.call("GET", "/zones")
    assert answer.status == (200 if good else 403), answer.text


@pytest.mark.parametrize("body", (
    {"name": "", "policies": []}, {"name": "x"}, {"name": "x", "policies": []}, {"name": "x", "policies": [{}]},
    {"name": "x", "policies": [{"effect": "maybe", "permission_groups": [{"id": GROUPS["dns_read"]}], "resources": {"com.cloudflare.api.account.*": "*"}}]},
    {"name": "x", "policies": [{"effect": "allow", "permission_groups": [{"id": "0" * 32}], "resources": {"com.cloudflare.api.account.*": "*"}}]},
    {"name": "x", "policies": [{"effect": "allow", "permission_groups": [{"id": GROUPS["dns_read"]}], "resources": {"com.example.*": "*"}}]},
    {"name": "x", "policies": [{"effect": "allow", "permission_groups": [{"id": GROUPS["dns_read"]}], "resources": {}}]},
    {"name": "x", "expires_on": "soon", "policies": [{"effect": "allow", "permission_groups": [{"id": GROUPS["dns_read"]}], "resources": {"com.cloudflare.api.account.*": "*"}}]},
    {"name": "x", "condition": {"request_ip": {"in": ["nowhere"]}}, "policies": [{"effect": "allow", "permission_groups": [{"id": GROUPS["dns_read"]}], "resources": {"com.cloudflare.api.account.*": "*"}}]},
    {"name": "x", "condition": {"request_ip": ["192.0.2.0/24"]}, "policies": [{"effect": "allow", "permission_groups": [{"id": GROUPS["dns_read"]}], "resources": {"com.cloudflare.api.account.*": "*"}}]},
    {"name": "x", "condition": {"request.ip": "192.0.2.0/24"}, "policies": [{"effect": "allow", "permission_groups": [{"id": GROUPS["dns_read"]}], "resources": {"com.cloudflare.api.account.*": "*"}}]},
))
def test_41_08_what_is_no_token(people, body):
    answer = people.owner.call("POST", "/user/tokens", body)
    assert answer.status == 400 and answer.codes == [1001], answer.text


@pytest.mark.parametrize("groups,inner", ((1, "x" * 1048000), (20000, "*")), ids=("a long value", "many groups"))
def test_41_23_what_nobody_looks_at_is_not_kept(people, groups, inner):
    """A body just below its limit: it ended control in the audit, which keeps what a token has."""
    answer = people.owner.call("POST", "/user/tokens", {"name": "x", "policies": [{
        "effect": "allow", "permission_groups": [{"id": GROUPS["dns_read"]}] * groups,
        "resources": {"com.cloudflare.api.account." + "0123456789abcdef" * 2: {"com.cloudflare.api.account.zone.*": inner}}}]})
    assert answer.status in (400, 403), answer.text
    people.owner.ok("GET", "/user/tokens")


def test_41_09_last_use_is_told(people):
    made, api = people.token([policy(["com.cloudflare.api.account.*"], "zone_read")])
    assert "last_used_on" not in people.owner.ok("GET", f"/user/tokens/{made['id']}").result
    api.ok("GET", "/zones")
    wait_until(lambda: "last_used_on" in people.owner.ok("GET", f"/user/tokens/{made['id']}").result, "last_used_on")


def test_41_10_an_account_has_tokens_of_its_own(people):
    path = f"/accounts/{people.account}/tokens"
    made, api = people.token([policy([f"com.cloudflare.api.account.{people.account}"], "zone_read")], path)
    assert api.ok("GET", path + "/verify").result["status"] == "active"
    assert people.zone in [zone["id"] for zone in api.ok("GET", "/zones").result]
    assert api.call("GET", "/user").status == 403
    assert made["id"] in [row["id"] for row in people.owner.ok("GET", path).result]
    assert made["id"] not in [row["id"] for row in people.owner.ok("GET", "/user/tokens").result]
    assert all(member["user"]["id"] != people.account
               for member in people.owner.ok("GET", f"/accounts/{people.account}/members").result)
    refused = people.owner.call("POST", path, {"name": "x", "policies": [policy(["com.cloudflare.api.user.*"], "user_read")]})
    assert refused.status == 400
    people.owner.ok("DELETE", f"{path}/{made['id']}")
    assert api.call("GET", "/zones").status == 403


def test_41_11_permission_groups_are_known_by_name(people):
    groups = {group["name"]: group for group in people.owner.ok("GET", "/user/tokens/permission_groups").result}
    for name in ("Zone Read", "Zone Write", "Zone Settings Read", "Zone Settings Write", "DNS Read", "DNS Write",
                 "SSL and Certificates Read", "SSL and Certificates Write", "Account Settings Read",
                 "Account Settings Write", "API Tokens Read", "API Tokens Write", "Memberships Read",
                 "Account Audit Logs Read"):
        assert len(groups[name]["id"]) == 32 and groups[name]["scopes"][0].startswith("com.cloudflare.api."), name
    assert len(people.owner.ok("GET", "/user/tokens/permission_groups?name=DNS%20Write").result) == 1


def test_41_12_roles_have_all_that_clients_read(people):
    roles = people.owner.ok("GET", f"/accounts/{people.account}/roles").result
    assert {"Super Administrator - All Privileges", "Administrator", "Editor", "Viewer"} == {role["name"] for role in roles}
    for role in roles:
        assert {"id", "name", "description", "permissions"} <= role.keys()
        assert {"analytics", "billing", "cache_purge", "dns", "dns_records", "lb", "logs", "organization", "ssl", "waf",
                "zone_settings", "zones"} <= role["permissions"].keys()
    one = people.owner.ok("GET", f"/accounts/{people.account}/roles/{OWNER}").result
    assert one["permissions"]["zones"] == {"read": True, "write": True}
    assert people.owner.call("GET", f"/accounts/{people.account}/roles/{'0' * 32}").status == 404


def test_41_13_a_person_is_invited_joins_changes_and_leaves(people, world):
    roles, path = people.roles(), f"/accounts/{people.account}/members"
    made, email = people.join({"roles": [roles["Viewer"]]})
    assert made["status"] == "pending" and made["trunkline"]["invite_url"].endswith(made["trunkline"]["invite_token"])
    member = people.owner.ok("GET", f"{path}/{made['id']}").result
    assert member["status"] == "accepted" and member["email"] == email and member["roles"][0]["name"] == "Viewer"
    again = Api(world.control.port, None).call("POST", "/invitations/accept", {
        "token": made["trunkline"]["invite_token"], "password": "another password"})
    assert again.status == 404
    edited = people.owner.ok("PUT", f"{path}/{made['id']}", {"roles": [{"id": ADMINISTRATOR}]}).result
    assert edited["roles"][0]["id"] == ADMINISTRATOR
    assert people.owner.call("POST", path, {"email": email, "roles": [ADMINISTRATOR]}).status >= 400
    assert people.owner.ok("DELETE", f"{path}/{made['id']}").result == {"id": made["id"]}
    assert people.owner.call("GET", f"{path}/{made['id']}").status == 404


def test_41_14_the_last_owner_stays(people):
    path = f"/accounts/{people.account}/members"
    mine = next(member for member in people.owner.ok("GET", path).result if member["email"] == people.email)
    for answer in (people.owner.call("DELETE", f"{path}/{mine['id']}"),
                   people.owner.call("PUT", f"{path}/{mine['id']}", {"roles": [{"id": ADMINISTRATOR}]}),
                   people.owner.call("DELETE", f"/memberships/{mine['id']}")):
        assert answer.status == 409 and answer.codes == [10009], answer.text
    made, _ = people.join({"roles": [OWNER]})
    people.owner.ok("DELETE", f"{path}/{made['id']}")


def test_41_15_memberships(people):
    listed = people.owner.ok("GET", "/memberships").result
    assert [one["account"]["id"] for one in listed] == [people.account] and listed[0]["status"] == "accepted"
    assert listed[0]["roles"] == ["Super Administrator - All Privileges"]
    one = people.owner.ok("GET", f"/memberships/{listed[0]['id']}").result
    assert one["permissions"]["dns"] == {"read": True, "write": True}
    invited = people.root.ok("POST", f"/accounts/{people.root.ok('POST', '/accounts', {'name': 'Inviting'}).result['id']}/members",
                             {"email": people.email, "roles": [ADMINISTRATOR]}).result
    assert people.owner.ok("GET", "/memberships?status=pending").result[0]["id"] == invited["id"]
    before = {one["id"] for one in people.owner.ok("GET", "/accounts").result}
    people.owner.ok("PUT", f"/memberships/{invited['id']}", {"status": "accepted"})
    assert len({one["id"] for one in people.owner.ok("GET", "/accounts").result} - before) == 1
    people.owner.ok("DELETE", f"/memberships/{invited['id']}")
    assert {one["id"] for one in people.owner.ok("GET", "/accounts").result} == before


def test_41_16_accounts_change_and_end(people):
    account = people.root.ok("POST", "/accounts", {"name": "Short"}).result
    assert people.root.ok("PUT", f"/accounts/{account['id']}", {"name": "Shorter", "type": "standard"}).result["name"] == "Shorter"
    zone = people.root.zone(account["id"], f"short{next(names)}.example.net")
    assert people.root.call("DELETE", f"/accounts/{account['id']}").status == 409
    people.root.ok("DELETE", f"/zones/{zone['id']}")
    assert people.root.ok("DELETE", f"/accounts/{account['id']}").result == {"id": account["id"]}
    assert people.root.call("GET", f"/accounts/{account['id']}").status == 404


def test_41_17_an_operator_sets_how_many(people):
    account = people.root.ok("POST", "/accounts", {"name": "Small"}).result["id"]
    assert people.owner.call("PUT", f"/accounts/{people.account}", {"trunkline": {"zones_max": 9}}).status == 403
    told = people.root.ok("PUT", f"/accounts/{account}", {"trunkline": {"zones_max": 1}}).result
    assert told["trunkline"]["zones_max"] == 1
    people.root.zone(account, f"small{next(names)}.example.net")
    over = people.root.call("POST", "/zones", {"name": f"small{next(names)}.example.net", "account": {"id": account}})
    assert over.status == 400 and over.codes == [10011]


def test_41_18_another_tenants_object_never_was(people, world):
    account = people.root.ok("POST", "/accounts", {"name": "Theirs"}).result["id"]
    zone = people.root.zone(account, f"theirs{next(names)}.example.net")["id"]
    for path in ("/zones/{}", "/zones/{}/settings", "/zones/{}/dns_records", "/accounts/{}", "/accounts/{}/members"):
        theirs = people.owner.call("GET", path.format(zone if "zones" in path else account))
        absent = people.owner.call("GET", path.format("0123456789abcdef" * 2))
        assert theirs.status == absent.status == 404
        assert theirs.text.replace(zone, "*").replace(account, "*") == absent.text.replace("0123456789abcdef" * 2, "*")
        assert theirs.headers.keys() == absent.headers.keys()


@pytest.mark.parametrize("headers,status,codes", (
    ({"X-Auth-Key": "0" * 37, "X-Auth-Email": "nobody@example.net"}, 403, [9103]),
    ({"X-Auth-Key": "0" * 36, "X-Auth-Email": "nobody@example.net"}, 400, [6003]),
    ({"X-Auth-Key": "0" * 37, "X-Auth-Email": "nobody"}, 400, [6003]),
    ({"X-Auth-Key": "0" * 37}, 400, [9106]), ({"X-Auth-Email": "nobody@example.net"}, 400, [9106]),
))
def test_41_19_headers_of_a_global_key(world, headers, status, codes):
    answer = Api(world.control.port, None).call("GET", "/user", headers=headers)
    assert answer.status == status and answer.codes == codes, answer.text


def test_41_20_the_global_key_is_its_users(people, world):
    wrong = people.owner.call("POST", "/user/api_key", {"password": "not this one"})
    assert wrong.status == 401 and wrong.codes == [10000]
    key = people.owner.ok("POST", "/user/api_key", {"password": "a good password"}).result["api_key"]
    assert len(key) == 37
    assert people.owner.ok("POST", "/user/api_key", {"password": "a good password"}).result["api_key"] == key
    anyone, headers = Api(world.control.port, None), {"X-Auth-Key": key, "X-Auth-Email": people.email.upper()}
    assert anyone.call("GET", "/user", headers=headers).result["id"] == people.user
    assert people.zone in [zone["id"] for zone in anyone.call("GET", "/zones", headers=headers).result]
    other = people.owner.ok("PUT", "/user/api_key", {"password": "a good password"}).result["api_key"]
    assert other != key and anyone.call("GET", "/user", headers=headers).status == 403


def test_41_21_secrets_are_nowhere_in_clear(people, world):
    made, _ = people.token([policy(["com.cloudflare.api.account.*"], "zone_read")])
    key = people.owner.ok("PUT", "/user/api_key", {"password": "a good password"}).result["api_key"]
    with_key = people.owner.call("POST", "/user/tokens", {"name": "k", "policies": [policy(["com.cloudflare.api.account.*"], "zone_read")]},
                                 headers={"Idempotency-Key": f"secret-{time.time()}"}).result["value"]
    for path in world.control.store.parent.glob("control.db*"):
        kept = path.read_bytes()
        for secret in (made["value"], key, with_key, people.owner.token, "a good password"):
            assert secret.encode() not in kept, path
    assert made["value"] not in world.control.log_text()


def test_41_22_the_console_knows_people(people, world):
    def user(*words, **options):
        return run([world.control.program, "user", *words, "--store", world.control.store], **options)

    email = f"console{next(names)}@example.net"
    invited = user("invite", "--account", people.account, "--role", "editor", "--email", email)
    assert invited.returncode == 0, invited.stderr
    anyone = Api(world.control.port, None)
    token = invited.stdout.strip().removeprefix("/invite/")
    assert anyone.ok("POST", "/invitations/details", {"token": token}).result["role"] == "editor"
    anyone.ok("POST", "/invitations/accept", {"token": token, "password": "from the link"})
    assert email in user("list").stdout
    assert user("operator-on", "--email", email).returncode == 0
    assert f"{email} operator" in user("list").stdout
    assert user("operator-off", "--email", email).returncode == 0
    assert user("reset-password", "--email", email, input="another one\n").returncode == 0
    assert user("reset-second-factor", "--email", email).returncode == 1
    assert user("reset-password", "--email", "nobody@example.net", input="another one\n").returncode == 1
    assert user("dance", "--email", email).returncode == 2
    assert anyone.call("POST", "/login", {"email": email, "password": "from the link"}).status == 401
    assert anyone.call("POST", "/login", {"email": email, "password": "another one"}).status == 200
    listed = run([world.control.program, "check", "--store", world.control.store])
    assert listed.returncode == 0, listed.stderr
