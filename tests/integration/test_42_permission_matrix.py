"""Every route, asked by everybody: who may is answered, who may not is refused, and to whom it is not there, it never was.

What each permission needs is said here once more, apart from control/auth/permission_table.h."""
import http.client
import itertools
import json
import sqlite3

import pytest

from harness.api import Answer, Api
from harness.process import run

VIEWER, EDITOR, ADMINISTRATOR, OWNER, OPERATOR = range(1, 6)
LEAST = {"ACCOUNT_READ": VIEWER, "ACCOUNT_EDIT": ADMINISTRATOR, "ACCOUNT_CLOSE": OWNER, "ACCOUNT_TOKEN_READ": ADMINISTRATOR,
         "ACCOUNT_TOKEN_EDIT": ADMINISTRATOR, "AUDIT_READ": ADMINISTRATOR, "ZONE_READ": VIEWER, "ZONE_EDIT": ADMINISTRATOR,
         "ZONE_PLAN": OPERATOR, "SETTING_READ": VIEWER, "SETTING_EDIT": EDITOR, "RECORD_READ": VIEWER, "RECORD_EDIT": EDITOR,
         "CERTIFICATE_READ": VIEWER, "CERTIFICATE_EDIT": EDITOR, "ANALYTICS_READ": VIEWER, "ACCOUNT_CREATE": OPERATOR,
         "PLATFORM": OPERATOR}
OF_CALLER = {"USER_READ", "USER_EDIT", "MEMBERSHIP_READ", "MEMBERSHIP_EDIT", "USER_TOKEN_READ", "USER_TOKEN_EDIT", "CALLER"}
READ_GROUPS = ("User Details Read", "Memberships Read", "API Tokens Read", "Account Settings Read", "Account API Tokens Read",
               "Account Audit Logs Read", "Zone Read", "Zone Settings Read", "DNS Read", "SSL and Certificates Read",
               "Analytics Read")
PEOPLE = ("operator", "owner", "administrator", "editor of another zone", "viewer", "other tenant", "no token",
          "expired token", "revoked token", "read-only token")
VIEWER_ROLE = "a35e0bdc4f1b4e0b9d2c6f7a8b1c0d11"
ABSENT_ID = "0123456789abcdef" * 2
names = itertools.count(1)


class Keyed(Api):
    """Comes with a global key."""

    def __init__(self, port, email, key):
        super().__init__(port, None)
        self.headers = {"X-Auth-Email": email, "X-Auth-Key": key}

    def call(self, method, path, body=None, raw=None, headers=None):
        return super().call(method, path, body, raw, {**self.headers, **(headers or {})})


@pytest.fixture(scope="module")
def matrix(world):
    class Matrix:
        def __init__(self):
            self.port, self.control = world.control.port, world.control
            self.people = {"operator": world.api, "no token": Api(self.port, None)}
            owner = self.person()
            self.account, self.people["owner"] = owner["account_id"], Api(self.port, owner["token"])
            self.people["other tenant"] = Api(self.port, self.person()["token"])
            self.zone, other = self.new_zone(), self.new_zone()
            roles = {role["name"]: role["id"] for role in self.owner.ok("GET", f"/accounts/{self.account}/roles").result}
            self.people["administrator"] = self.member({"roles": [roles["Administrator"]]})
            self.people["viewer"] = self.member({"roles": [roles["Viewer"]]})
            self.people["editor of another zone"] = self.member({"policies": [{
                "access": "allow", "permission_groups": [{"id": roles["Editor"]}], "resource_groups": [{"id": other}]}]})
            self.editor_here = self.member({"policies": [{
                "access": "allow", "permission_groups": [{"id": roles["Editor"]}], "resource_groups": [{"id": self.zone}]}]})
            groups = {group["name"]: group["id"] for group in self.owner.ok("GET", "/user/tokens/permission_groups").result}
            reading = [{"effect": "allow", "permission_groups": [{"id": groups[name]} for name in READ_GROUPS],
                        "resources": {"com.cloudflare.api.account.*": "*", "com.cloudflare.api.user.*": "*"}}]
            self.people["read-only token"] = Api(self.port, self.token(reading)["value"])
            self.people["expired token"] = Api(self.port, self.token(reading, expires_on="2020-01-01T00:00:00Z")["value"])
            revoked = self.token(reading)
            self.owner.ok("DELETE", f"/user/tokens/{revoked['id']}")
            self.people["revoked token"] = Api(self.port, revoked["value"])

        @property
        def owner(self):
            return self.people["owner"]

        def person(self):
            done = run([self.control.program, "user", "--store", self.control.store, "--email",
                        f"matrix{next(names)}@example.net", "--password-stdin"], input="a good password\n")
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        def new_zone(self):
            return self.owner.zone(self.account, f"matrix{next(names)}.example.net")["id"]

        def token(self, policies, **members):
            return self.owner.ok("POST", "/user/tokens", {"name": "matrix", "policies": policies, **members}).result

        def post(self, path, body, **headers):
            """From an address of its own: so many tries of one address are evaluated in a minute."""
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30, source_address=(self.address, 0))
            connection.request("POST", "/client/v4" + path, json.dumps(body),
                               {"Content-Type": "application/json", **headers})
            got = connection.getresponse()
            result = json.loads(got.read())["result"]
            cookies = got.headers.get_all("Set-Cookie") or []
            connection.close()
            assert got.status == 200, path
            return result, cookies

        def member(self, body):
            number = next(names)
            email, self.address = f"matrix{number}@example.net", f"127.0.5.{number}"
            made = self.owner.ok("POST", f"/accounts/{self.account}/members", {"email": email, **body}).result
            self.post("/invitations/accept", {"token": made["trunkline"]["invite_token"], "password": "a good password"})
            _, cookies = self.post("/login", {"email": email, "password": "a good password"})
            cookie = next(one.split(";")[0] for one in cookies if one.startswith("login="))
            key, _ = self.post("/user/api_key", {"password": "a good password"}, **{
                "Cookie": cookie, "Sec-Fetch-Site": "same-origin", "X-Requested-By": "console"})
            return Keyed(self.port, email, key["api_key"])

        def ask(self, who, method, pattern):
            # What goes, goes from a zone of its own.
            zone = self.new_zone() if (method, pattern) == ("DELETE", "/zones/{zone}") and who in ("operator", "owner", "administrator") \
                else self.zone
            path = pattern.replace("{zone}", zone).replace("{account}", self.account)
            while "{" in path:
                path = path[:path.index("{")] + ABSENT_ID + path[path.index("}") + 1:]
            try:
                return self.people[who].call(method, path, None if method in ("GET", "DELETE") else {})
            except json.JSONDecodeError:
                assert pattern.endswith("/export"), pattern  # the one answer that is no envelope
                return Answer(200, {}, "", {"errors": []})

    return Matrix()


@pytest.fixture(scope="module")
def routes(world):
    done = run([world.control.program, "routes"])
    assert done.returncode == 0
    return [tuple(line.split()) for line in done.stdout.splitlines()]


def expected(who, method, pattern, permission):
    """"granted", or the code of the refusal."""
    named = pattern.startswith(("/zones/{zone}", "/accounts/{account}"))
    verifying = pattern.endswith("/tokens/verify")
    if permission == "PUBLIC":
        return "granted"
    if who == "no token":
        return 9106
    if who in ("expired token", "revoked token"):
        return 1000 if verifying else 9109
    if who == "other tenant" and named:
        return 7003
    if who == "editor of another zone" and pattern.startswith("/zones/{zone}"):
        return 7003
    if permission in OF_CALLER:
        reads = permission.endswith("READ") or permission == "CALLER"
        return "granted" if who != "read-only token" or reads else 9109
    if who == "read-only token" and (not permission.endswith("READ")):
        return 9109
    least = LEAST[permission]
    rank = {"operator": OPERATOR, "owner": OWNER, "read-only token": OWNER, "administrator": ADMINISTRATOR, "viewer": VIEWER,
            "other tenant": OWNER, "editor of another zone": EDITOR}[who]
    if least == OPERATOR:
        return "granted" if rank == OPERATOR else 9109
    if not named:
        return "granted"  # it shows and changes what the caller has; tests of the resource say so
    if who == "editor of another zone" and permission != "ACCOUNT_READ":
        return 9109
    return "granted" if rank >= least else 9109


@pytest.mark.parametrize("who", PEOPLE)
def test_42_01_every_route(matrix, routes, who):
    wrong = []
    for method, pattern, permission in routes:
        answer, wanted = matrix.ask(who, method, pattern), expected(who, method, pattern, permission)
        codes = answer.codes
        if wanted == "granted":
            # Signing in is refused in its own words: there is no such person.
            good = not {9106, 9109, 9103} & set(codes) and answer.status != 403
        else:
            status = {9106: 400, 9109: 403, 1000: 401, 7003: 404}[wanted]
            good = answer.status == status and codes[0] == wanted
        if not good:
            wrong.append(f"{method} {pattern} ({permission}): {answer.status} {codes}, not {wanted}")
    assert not wrong, "\n".join(wrong)
    assert len(routes) > 60


def test_42_02_no_permission_is_left_out(routes):
    assert {permission for _, _, permission in routes} <= LEAST.keys() | OF_CALLER | {"PUBLIC"}


def test_42_03_an_editor_of_some_zones_edits_them_and_sees_no_others(matrix):
    editor = matrix.editor_here
    assert [zone["id"] for zone in editor.ok("GET", "/zones").result] == [matrix.zone]
    editor.ok("PATCH", f"/zones/{matrix.zone}/settings/websockets", {"value": "off"})
    editor.ok("POST", f"/zones/{matrix.zone}/dns_records", {"type": "TXT", "name": "@", "content": "by an editor"})
    for method, path, body in (("PATCH", f"/zones/{matrix.zone}", {"paused": True}), ("DELETE", f"/zones/{matrix.zone}", None),
                               ("POST", "/zones", {"name": f"editor{next(names)}.example.net", "account": {"id": matrix.account}})):
        assert editor.call(method, path, body).status == 403, path
    other = matrix.new_zone()
    assert editor.call("GET", f"/zones/{other}").status == 404
    assert editor.call("GET", f"/certificates?zone_id={other}").status == 404


def test_42_04_an_administrator_makes_no_owner(matrix):
    administrator, path = matrix.people["administrator"], f"/accounts/{matrix.account}/members"
    owner_role = "33666b9c79b9a5273fc7344ff42f953d"
    assert administrator.call("POST", path, {"email": "new@example.net", "roles": [owner_role]}).status == 403
    owner = next(member for member in administrator.ok("GET", path).result if member["roles"][0]["id"] == owner_role)
    assert administrator.call("DELETE", f"{path}/{owner['id']}").status == 403
    mine = next(member for member in administrator.ok("GET", path).result if member["roles"][0]["name"] == "Administrator")
    assert administrator.call("PUT", f"{path}/{mine['id']}", {"roles": [owner_role]}).status == 403


def test_42_05_a_refused_change_is_in_the_audit(matrix):
    answer = matrix.people["viewer"].call("DELETE", f"/zones/{matrix.zone}")
    assert answer.status == 403
    with sqlite3.connect(matrix.control.store) as db:
        row = db.execute("SELECT new_json, account_id FROM audit WHERE action = 'request.refuse' AND request_id = ?",
                         (answer.headers["x-request-id"],)).fetchone()
    assert row == ('{"request":"DELETE /zones/{zone}"}', matrix.account)
    owner, request = matrix.people["owner"], answer.headers["x-request-id"]
    first = owner.ok("GET", f"/accounts/{matrix.account}/audit_logs?per_page=1000").result
    second = owner.ok("GET", f"/accounts/{matrix.account}/logs/audit?limit=1000").result
    refused = [one for one in first if one["metadata"]["request_id"] == request]
    assert [one["action"] for one in refused] == [{"type": "request.refuse", "result": False}]
    assert [one["action"]["result"] for one in second if one["id"] == refused[0]["id"]] == ["failure"]
    made = [one["id"] for one in first if one["action"]["type"] == "zone.create"]
    assert made and all(one["action"]["result"] is True for one in first if one["id"] in made)
    assert {one["action"]["result"] for one in second if one["id"] in made} == {"success"}


def good_bodies(matrix):
    """The least role and, for each of the routes that people ask most, a request that succeeds for who may."""
    zone, account, number = f"/zones/{matrix.zone}", f"/accounts/{matrix.account}", next(names)
    return [(VIEWER, "GET", zone, None),
            (VIEWER, "GET", f"{zone}/settings", None),
            (VIEWER, "GET", f"{zone}/dns_records", None),
            (VIEWER, "GET", account, None),
            (EDITOR, "PATCH", f"{zone}/settings/origin_max_http_version", {"value": "1"}),
            (EDITOR, "POST", f"{zone}/dns_records", {"type": "TXT", "name": "@", "content": f"matrix {number}"}),
            (EDITOR, "PUT", f"{zone}/origin_tls_client_auth/settings", {"enabled": False}),
            (ADMINISTRATOR, "PATCH", zone, {"paused": False}),
            (ADMINISTRATOR, "POST", "/zones", {"name": f"good{number}.example.net", "account": {"id": matrix.account}}),
            (ADMINISTRATOR, "POST", f"{account}/members", {"email": f"good{number}@example.net", "roles": [VIEWER_ROLE]}),
            (ADMINISTRATOR, "GET", f"{account}/audit_logs", None),
            (ADMINISTRATOR, "GET", f"{account}/tokens", None)]


@pytest.mark.parametrize("who,rank,here", [("operator", OPERATOR, True), ("owner", OWNER, True), ("administrator", ADMINISTRATOR, True),
                                           ("editor of this zone", EDITOR, True), ("editor of another zone", EDITOR, False),
                                           ("viewer", VIEWER, True)])
def test_42_06_who_may_succeeds_and_others_do_not(matrix, who, rank, here):
    """With whole bodies: a refusal of everybody would pass the matrix of empty ones."""
    api = matrix.editor_here if who == "editor of this zone" else matrix.people[who]
    wrong = []
    for least, method, path, body in good_bodies(matrix):
        answer = api.call(method, path, body)
        wanted = 200 if rank >= least else 403
        if not here and path.startswith(f"/zones/{matrix.zone}"):
            wanted = 404
        if answer.status != wanted:
            wrong.append(f"{method} {path}: {answer.status} {answer.codes}, not {wanted}")
    assert not wrong, "\n".join(wrong)
