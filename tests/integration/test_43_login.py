"""The dashboard's login: cookies, who may change what with them, second factors, and guessing."""
import base64
import concurrent.futures
import hashlib
import hmac
import http.client
import http.cookies
import itertools
import json
import sqlite3
import statistics
import struct
import time

import pytest

from harness.api import Answer, Api
from harness.process import run

PASSWORD = "a good password"
CONSOLE = {"Sec-Fetch-Site": "same-origin", "X-Requested-By": "console", "Content-Type": "application/json"}
names, addresses = itertools.count(1), itertools.count(0)


def one_time(secret, at=None):
    """RFC 6238, written apart from the program's own."""
    step = int((time.time() if at is None else at) // 30)
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    start = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[start:start + 4])[0] & 0x7fffffff) % 1000000:06}"


class Browser:
    """Keeps cookies, and comes from an address of its own."""

    def __init__(self, control, address=None):
        number = next(addresses)
        self.address = address or f"127.0.{10 + number // 250}.{number % 250 + 1}"
        self.port, self.cookies = control.port, {}

    def call(self, method, path, body=None, headers=None):
        sent = dict(headers or {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        data = None if body is None else json.dumps(body)
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=(self.address, 0))
        try:
            connection.request(method, "/client/v4" + path, body=data, headers=sent)
            got = connection.getresponse()
            text = got.read().decode()
        finally:
            connection.close()
        self.set_cookies = got.headers.get_all("Set-Cookie") or []
        for line in self.set_cookies:
            for name, morsel in http.cookies.SimpleCookie(line).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        answer = Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, text)
        answer.body = json.loads(text)
        return answer

    def log_in(self, email, password=PASSWORD, **members):
        return self.call("POST", "/login", {"email": email, "password": password, **members})

    def change(self, method, path, body=None):
        return self.call(method, path, body, CONSOLE)


def make_person(control):
    email = f"login{next(names)}@example.net"
    done = run([control.program, "user", "--store", control.store, "--email", email, "--password-stdin"],
               input=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr
    return email, json.loads(done.stdout)


@pytest.fixture(scope="module")
def own(world):
    """Everybody comes from an address of his own: tries of one test do not count against another."""
    return world.control


@pytest.fixture(scope="module")
def person(own):
    """Somebody who is signed in."""
    email, _ = make_person(own)
    browser = Browser(own)
    assert browser.log_in(email).status == 200
    return browser


def test_43_01_a_login_is_a_cookie_and_ends(own):
    email, told = make_person(own)
    browser = Browser(own)
    answer = browser.log_in(email.upper())
    assert answer.status == 200, answer.text
    assert answer.result["user"]["email"] == email and answer.result["current"] is True
    cookie = next(line for line in browser.set_cookies if line.startswith("login="))
    for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
        assert word in cookie
    assert "Max-Age" not in cookie and "Secure" not in cookie
    first = browser.cookies["login"]
    assert browser.call("GET", "/user").result["email"] == email
    assert browser.call("GET", "/login").result["id"] == answer.result["id"]

    assert browser.log_in(email).status == 200
    assert browser.cookies["login"] != first, "a new id at each login"
    stale = Browser(own)
    stale.cookies["login"] = first
    assert stale.call("GET", "/user").status == 401

    kept = browser.cookies["login"]
    assert browser.change("DELETE", "/login").status == 200 and "login" not in browser.cookies
    stale.cookies["login"] = kept
    gone = stale.call("GET", "/user")
    assert gone.status == 401 and gone.codes == [10000]
    assert kept not in own.log_text() and all(
        kept.encode() not in path.read_bytes() for path in own.store.parent.glob("control.db*"))


def test_43_02_an_id_that_we_did_not_make_is_none(own):
    email, _ = make_person(own)
    browser = Browser(own)
    browser.cookies["login"] = fixed = "tl_" + "A" * 48
    assert browser.log_in(email).status == 200 and browser.cookies["login"] != fixed
    other = Browser(own)
    other.cookies["login"] = fixed
    assert other.call("GET", "/user").status == 401


@pytest.mark.parametrize("headers,good", (
    (CONSOLE, True),
    ({**CONSOLE, "Sec-Fetch-Site": "none"}, True),
    ({**CONSOLE, "Sec-Fetch-Site": "cross-site"}, False),
    ({**CONSOLE, "Sec-Fetch-Site": "same-site"}, False),
    ({**CONSOLE, "X-Requested-By": "form"}, False),
    ({**CONSOLE, "Content-Type": "text/plain"}, False),
    ({"X-Requested-By": "console", "Content-Type": "application/json"}, False),
    ({"X-Requested-By": "console", "Content-Type": "application/json", "Origin": "https://evil.example"}, False),
    ({"X-Requested-By": "console", "Content-Type": "application/json", "Origin": "ours"}, True),
    ({}, False),
))
def test_43_03_a_foreign_page_changes_nothing(own, person, headers, good):
    browser, before = person, person.call("GET", "/user").result["first_name"]
    name = f"Changed {next(names)}"
    sent = {name: f"http://127.0.0.1:{own.port}" if value == "ours" else value for name, value in headers.items()}
    answer = browser.call("PATCH", "/user", {"first_name": name}, sent)
    assert answer.status == (200 if good else 403), answer.text
    assert good or answer.codes == [10015]
    assert browser.call("GET", "/user").result["first_name"] == (name if good else before)
    assert "access-control-allow-origin" not in answer.headers


def test_43_04_a_token_needs_no_such_headers_and_wins(own):
    email, told = make_person(own)
    browser = Browser(own)
    browser.cookies["login"] = "nonsense"
    answer = browser.call("PATCH", "/user", {"first_name": "By token"}, {"Authorization": f"Bearer {told['token']}"})
    assert answer.status == 200 and answer.result["first_name"] == "By token"


def test_43_05_a_foreign_page_logs_nobody_in(own):
    email, _ = make_person(own)
    answer = Browser(own).call("POST", "/login", {"email": email, "password": PASSWORD}, {"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403 and "set-cookie" not in answer.headers


def test_43_06_another_password_ends_the_other_logins(own):
    email, _ = make_person(own)
    here, there = Browser(own), Browser(own)
    assert here.log_in(email).status == 200 and there.log_in(email).status == 200
    assert len(here.call("GET", "/user/logins").result) == 2
    wrong = here.change("POST", "/user/password", {"old_password": "not this", "new_password": "another password"})
    assert wrong.status == 401 and there.call("GET", "/user").status == 200
    short = here.change("POST", "/user/password", {"old_password": PASSWORD, "new_password": "short"})
    assert short.status == 400
    done = here.change("POST", "/user/password", {"old_password": PASSWORD, "new_password": "another password"})
    assert done.status == 200, done.text
    assert here.call("GET", "/user").status == 200 and there.call("GET", "/user").status == 401
    assert there.log_in(email).status == 401 and there.log_in(email, "another password").status == 200


def test_43_07_the_second_factor(own):
    email, _ = make_person(own)
    browser = Browser(own)
    assert browser.log_in(email).status == 200
    begun = browser.change("POST", "/user/second_factor", {"password": PASSWORD}).result
    assert begun["otpauth_url"].startswith("otpauth://totp/") and begun["secret"] in begun["otpauth_url"]
    assert Browser(own).log_in(email).status == 200, "not confirmed yet"
    assert browser.change("PUT", "/user/second_factor", {"code": "000000"}).status == 400
    at = time.time()
    codes = browser.change("PUT", "/user/second_factor", {"code": one_time(begun["secret"], at)}).result["recovery_codes"]
    assert len(set(codes)) == 10

    other = Browser(own)
    asked = other.log_in(email)
    assert asked.status == 401 and asked.codes == [10014] and not other.cookies
    assert other.log_in(email, "wrong").codes == [10000]
    assert other.log_in(email, code=one_time(begun["secret"], at)).status == 401, "a step is good once"
    assert other.log_in(email, code=one_time(begun["secret"], at + 30)).status == 200
    assert Browser(own).log_in(email, code=codes[0]).status == 200
    assert Browser(own).log_in(email, code=codes[0]).status == 401, "a recovery code is good once"
    removed = browser.change("POST", "/user/second_factor/remove", {"password": PASSWORD, "code": codes[1]})
    assert removed.status == 200, removed.text
    assert Browser(own).log_in(email).status == 200
    assert all(begun["secret"].encode() not in path.read_bytes() and codes[2].encode() not in path.read_bytes()
               for path in own.store.parent.glob("control.db*"))


def test_43_08_who_guesses_waits_and_the_owner_does_not(make_world):
    """Scaled down: 200 guesses from 10 addresses at once; the figures of security.md 4.1 are by hand."""
    own = make_world().control
    own.start()
    email, _ = make_person(own)
    owner = Browser(own)
    assert owner.log_in(email).status == 200 and "device" in owner.cookies
    del owner.cookies["login"]

    def guess(number):
        return Browser(own, f"127.0.1.{number % 10 + 1}").log_in(email, f"guess {number}").status

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        guesses = [pool.submit(guess, number) for number in range(200)]
        begun = time.monotonic()
        assert owner.log_in(email).status == 200
        took = time.monotonic() - begun
        statuses = [one.result() for one in guesses]
    assert set(statuses) <= {401, 429, 503} and statuses.count(401) <= 12, statuses
    assert statuses.count(429) > 150
    assert took < 10
    with sqlite3.connect(own.store, timeout=10) as db:
        changed = db.execute("UPDATE login_tries SET count = 20, at_us = ? WHERE key LIKE 'e:%'", (int(time.time() * 1e6),))
        assert changed.rowcount == 1
    told = Browser(own, "127.0.2.1").log_in(email)
    assert told.status == 429 and 1 <= int(told.headers["retry-after"]) <= 60 and told.codes == [10100]

    own.stop()
    own.start()
    assert Browser(own, "127.0.2.1").log_in(email).status == 429, "what was counted survives a restart"
    assert owner.log_in(email).status == 200


def test_43_09_nobody_is_not_told_from_somebody(own):
    """The same status, text and headers; times are close: the 5 ms of security.md 4.1 are by hand."""
    email, _ = make_person(own)
    known, unknown = [], []
    for number in range(5):
        for times, who in ((known, email), (unknown, "nobody@example.net")):
            begun = time.monotonic()
            answer = Browser(own, f"127.0.3.{number + 1}").log_in(who, f"wrong {number}")
            times.append(time.monotonic() - begun)
            assert answer.status == 401, answer.text
            assert answer.body["errors"] == [{"code": 10000, "message": "E-mail or password is not right."}]
    slow, quick = sorted((statistics.median(known), statistics.median(unknown)), reverse=True)
    assert slow < 5 * quick, (known, unknown)


def test_43_10_hashing_holds_nobody_up(own):
    """Sixteen logins at once, and a reader beside them: he is answered while they wait."""
    people = [make_person(own)[0] for _ in range(2)]
    api = Api(own.port, own.token)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        logins = [pool.submit(lambda n: Browser(own, f"127.0.4.{n + 1}").log_in(people[n % 2]).status, n) for n in range(16)]
        answered = 0
        while not all(one.done() for one in logins):
            api.ok("GET", "/user/tokens/verify")
            answered += 1
        assert {200} <= set(one.result() for one in logins) <= {200, 429, 503}
    assert answered > 2


def test_43_11_failures_are_in_the_audit(own):
    email, _ = make_person(own)
    assert Browser(own).log_in(email, "wrong password").status == 401
    assert Browser(own).log_in(email).status == 200
    with sqlite3.connect(own.store) as db:
        rows = db.execute("SELECT action, ip, new_json FROM audit WHERE action LIKE 'login.%' AND "
                          "new_json LIKE ? ORDER BY id", (f"%{email}%",)).fetchall()
    assert [row[0] for row in rows] == ["login.refuse", "login.create"]
    assert all(row[1].startswith("127.0.") for row in rows)
