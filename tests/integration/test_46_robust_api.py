"""What automation relies on: conditional requests, requests that may be sent again, and limits that say when to return."""
import concurrent.futures
import json
import re
import subprocess

import pytest

from harness.api import Api
from harness.control import PASSWORD, Control

ETAG = re.compile(r'"[0-9a-f]{32}"')


@pytest.fixture
def zone(world):
    return world.api.zone(world.control.account_id, f"robust{next(world.names)}.example.net")


def tenant(control, email):
    """A user who is no operator, with an account of his own."""
    done = subprocess.run([control.program, "user", "--store", control.store, "--email", email, "--password-stdin"],
                          input=PASSWORD + "\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def version(api, path):
    answer = api.ok("GET", path)
    assert ETAG.fullmatch(answer.headers["etag"])
    return answer.headers["etag"]


def test_46_01_an_etag_lasts_as_long_as_what_it_names(world, zone):
    path = f"/zones/{zone['id']}/settings/origin_max_http_version"
    first = version(world.api, path)
    assert version(world.api, path) == first
    same = world.api.call("GET", path, headers={"If-None-Match": f'"other", W/{first}'})
    assert same.status == 304 and same.headers["etag"] == first
    world.api.setting(zone["id"], "origin_max_http_version", "1")
    fresh = world.api.call("GET", path, headers={"If-None-Match": first})
    assert fresh.status == 200 and fresh.headers["etag"] != first


@pytest.mark.parametrize("condition", ['"00000000000000000000000000000000"', "W/{etag}", "nonsense", ""])
def test_46_02_a_change_on_an_old_version_is_refused(world, zone, condition):
    path = f"/zones/{zone['id']}/settings/ssl"
    etag = version(world.api, path)
    lost = world.api.call("PATCH", path, {"value": "strict"}, headers={"If-Match": condition.format(etag=etag)})
    assert (lost.status, lost.codes) == (412, [10012]) and etag in lost.text.replace('\\"', '"')
    assert world.api.ok("GET", path).result["value"] == "full" and version(world.api, path) == etag


@pytest.mark.parametrize("condition", ["{etag}", '"x", {etag}', "*"])
def test_46_03_a_change_on_the_present_version_is_made(world, zone, condition):
    path = f"/zones/{zone['id']}/settings/ssl"
    headers = {"If-Match": condition.format(etag=version(world.api, path))}
    assert world.api.call("PATCH", path, {"value": "strict"}, headers=headers).status == 200
    assert world.api.ok("GET", path).result["value"] == "strict"


def test_46_04_of_many_who_edit_one_version_one_wins(world, zone):
    path = f"/zones/{zone['id']}/settings/origin_h2_max_streams"
    etag = version(world.api, path)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: world.api.call("PATCH", path, {"value": n}, headers={"If-Match": etag}), range(10, 26)))
    won = [answer for answer in answers if answer.status == 200]
    assert len(won) == 1 and {answer.status for answer in answers} == {200, 412}
    assert world.api.ok("GET", path).result["value"] == won[0].result["value"]


def test_46_05_what_is_not_there_stays_404_whatever_the_condition(world):
    for method in ("PATCH", "DELETE"):
        answer = world.api.call(method, "/zones/" + "0" * 32, {"paused": True}, headers={"If-Match": '"x"'})
        assert answer.status == 404


def test_46_06_a_post_that_is_sent_again_is_made_once(world):
    body = {"name": f"again{next(world.names)}.example.net", "account": {"id": world.control.account_id}}
    headers = {"Idempotency-Key": "a-7f3e"}
    first = world.api.call("POST", "/zones", body, headers=headers)
    again = world.api.call("POST", "/zones", body, headers=headers)
    assert first.status == again.status == 200 and first.text == again.text
    assert first.revision == again.revision
    assert "idempotency-replayed" not in first.headers and again.headers["idempotency-replayed"] == "true"
    other = world.api.call("POST", "/zones", dict(body, name="x" + body["name"]), headers=headers)
    assert (other.status, other.codes) == (422, [10014])
    without = world.api.call("POST", "/zones", body)
    assert without.codes == [1061]


def test_46_07_a_key_is_its_senders_alone(world):
    told = tenant(world.control, "keys@example.net")
    theirs = Api(world.control.port, told["token"])
    headers = {"Idempotency-Key": "shared-key"}
    mine = world.api.call("POST", "/zones", {"name": f"mine{next(world.names)}.example.net",
                                             "account": {"id": world.control.account_id}}, headers=headers)
    name = f"theirs{next(world.names)}.example.net"
    answer = theirs.call("POST", "/zones", {"name": name, "account": {"id": told["account_id"]}}, headers=headers)
    assert mine.status == answer.status == 200 and answer.result["name"] == name


def test_46_08_a_post_that_failed_may_be_asked_again(world, zone):
    path, headers = f"/zones/{zone['id']}/dns_records", {"Idempotency-Key": "retry"}
    bad = {"type": "A", "name": zone["name"], "content": "not an address"}
    assert world.api.call("POST", path, bad, headers=headers).status == 400
    good = dict(bad, content="203.0.113.9")
    assert world.api.call("POST", path, good, headers=headers).status == 200


def test_46_09_of_many_at_once_one_is_made(world, zone):
    path, headers = f"/zones/{zone['id']}/dns_records", {"Idempotency-Key": "crowd"}
    body = {"type": "TXT", "name": zone["name"], "content": "once"}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: world.api.call("POST", path, body, headers=headers), range(16)))
    made = {answer.result["id"] for answer in answers if answer.status == 200}
    assert len(made) == 1 and {answer.status for answer in answers} <= {200, 409}
    assert len(world.api.ok("GET", path + "?type=TXT").result) == 1
    assert world.api.call("POST", path, body, headers=headers).result["id"] in made


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "t\xe4b"])
def test_46_10_a_key_that_is_none_is_refused(world, zone, key):
    answer = world.api.call("POST", f"/zones/{zone['id']}/dns_records",
                            {"type": "TXT", "name": zone["name"], "content": "v"}, headers={"Idempotency-Key": key})
    assert (answer.status, answer.codes) == (400, [6003])


def test_46_11_a_kept_answer_is_sealed(world):
    name = f"sealed{next(world.names)}.example.net"
    answer = world.api.call("POST", "/zones", {"name": name, "account": {"id": world.control.account_id}},
                            headers={"Idempotency-Key": "sealed"})
    assert answer.status == 200
    shown = subprocess.run(["sqlite3", world.control.store, "SELECT hex(answer) FROM idempotency WHERE answer IS NOT NULL"],
                           capture_output=True, text=True, timeout=30).stdout
    assert len(shown) > 100 and name.encode().hex().upper() not in shown


@pytest.fixture
def narrow(build, tmp_path):
    """A control that allows five requests."""
    control = Control(build, tmp_path, flags=("--rate-limit", "5")).bootstrap()
    told = tenant(control, "limited@example.net")
    control.start()
    control.tenant = Api(control.port, told["token"])
    yield control
    control.stop()


def test_46_12_one_request_too_many_is_told_when_to_come_back(narrow):
    left = []
    for _ in range(5):
        answer = narrow.tenant.ok("GET", "/user")
        assert answer.headers["ratelimit-policy"] == '"default";q=5;w=300'
        left.append(int(re.fullmatch(r'"default";r=(\d+);t=\d+', answer.headers["ratelimit"])[1]))
    assert left == [4, 3, 2, 1, 0]
    refused = narrow.tenant.call("GET", "/user")
    assert (refused.status, refused.codes) == (429, [10100])
    assert 0 < int(refused.headers["retry-after"]) <= 300
    # An operator's automation has more, and is not in the tenant's way nor he in its.
    assert narrow.api.ok("GET", "/user").headers["ratelimit-policy"] == '"default";q=500;w=300'


def test_46_13_guesses_are_counted_by_address(narrow):
    wrong = Api(narrow.port, "tl_" + "0" * 40)
    assert [wrong.call("GET", "/user").status for _ in range(51)] == [403] * 50 + [429]
    assert Api(narrow.port, None).call("GET", "/user").codes == [10100]
    # A client that works behind the same address is not in its way.
    assert narrow.tenant.call("GET", "/user").status == 200


def test_46_14_without_a_limit_nothing_is_said_of_one(build, tmp_path):
    control = Control(build, tmp_path, flags=("--rate-limit", "0")).bootstrap().start()
    assert "ratelimit" not in control.api.ok("GET", "/user").headers
    control.stop()
