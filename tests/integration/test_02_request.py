"""One request and its answer, every pair of {h1, h2, plain} visitor and {h1, h2} origin."""
import hashlib
import re
import ssl

import pytest

from harness.origin import pattern
from harness.visitor import PROTOCOLS, read_all, tls_socket

PAIRS = [(visitor, origin) for visitor in PROTOCOLS for origin in ("h1", "h2")]


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: "-".join(pair))
def pair(request, world):
    """(visitor, origin, host) for one pair of protocols."""
    protocol, kind = request.param
    origin = world.origin(alpn=("h2", "http/1.1") if kind == "h2" else ("http/1.1",))
    zone, host = world.zone(origin.port)
    return world.visitor(protocol), origin, host


@pytest.mark.parametrize("size", (0, 1, 1023, 16384, 65536, 65537, 1000000))
def test_02_01_bodies_arrive_byte_for_byte(pair, size):
    visitor, _, host = pair

    page = visitor.get(host, f"/b?bytes={size}&chunks=3")

    assert page.status == 200 and page.code == 0
    assert page.body == pattern(size)
    assert page.headers["content-length"] == str(size)


@pytest.mark.parametrize("size", (1, 65536, 200000, 1000000))
def test_02_02_uploads_arrive_byte_for_byte(pair, size):
    visitor, origin, host = pair

    page = visitor.get(host, f"/up-{size}?echo=1", data=pattern(size))

    assert page.body == pattern(size)
    assert origin.seen(f"/up-{size}?")[0].digest == hashlib.sha256(pattern(size)).hexdigest()


def test_02_03_an_upload_of_unknown_length(pair):
    visitor, origin, host = pair

    page = visitor.get(host, "/chunked-up?echo=1", "-H", "transfer-encoding: chunked", data=pattern(100000))

    assert page.body == pattern(100000)


def test_02_04_an_answer_of_unknown_length(pair):
    visitor, _, host = pair

    page = visitor.get(host, "/chunked?bytes=50000&chunks=5&chunked=1")

    assert page.body == pattern(50000) and page.code == 0


def test_02_05_head_has_a_length_and_no_body(pair):
    visitor, origin, host = pair

    page = visitor.get(host, "/head?bytes=5000", "--head")

    assert page.status == 200 and page.body == b""
    assert page.headers["content-length"] == "5000"
    assert origin.seen("/head")[0].method == "HEAD"


@pytest.mark.parametrize("status", (204, 304, 404, 500, 502))
def test_02_06_statuses_pass(pair, status):
    visitor, _, host = pair

    page = visitor.get(host, f"/s?status={status}&bytes=7")

    assert page.status == status and page.code == 0
    assert len(page.body) == (0 if status in (204, 304) else 7)


def test_02_07_early_hints_pass(pair):
    visitor, _, host = pair

    page = visitor.get(host, "/hints?interim=103")

    assert [status for status, _ in page.interim] == [103]
    assert page.interim[0][1]["link"] == "</style.css>; rel=preload"
    assert page.status == 200


def test_02_08_expect_is_answered_by_the_edge(pair):
    visitor, origin, host = pair

    page = visitor.get(host, "/expect?echo=1", "-H", "expect: 100-continue", data=b"z" * 3000)

    assert page.status == 200 and page.body == b"z" * 3000
    assert origin.seen("/expect")[0].header("expect") == []


def test_02_09_trailers_of_answers_pass(pair):
    visitor, _, host = pair

    page = visitor.get(host, "/trailers?trailers=1&bytes=3000&chunks=2")

    # curl prints trailers behind the body.
    assert page.body.startswith(pattern(3000))
    assert b"x-trailer: end" in page.body[3000:]


def test_02_10_what_the_origin_is_told(pair):
    visitor, origin, host = pair

    page = visitor.get(host, "/told", "-H", "x-forwarded-for: 198.51.100.9", "-H", "cf-connecting-ip: 1.2.3.4",
                       "-H", "connection: x-private", "-H", "x-private: 1", "-H", "x-forwarded-proto: gopher",
                       "-H", "accept: text/plain")

    seen = origin.seen("/told")[0]
    scheme = "http" if visitor.protocol == "plain" else "https"
    assert seen.header("cf-connecting-ip") == ["127.0.0.1"]
    assert seen.header("x-forwarded-for") == ["198.51.100.9, 127.0.0.1"]
    assert seen.header("x-forwarded-proto") == [scheme]
    assert seen.header("cf-visitor") == ['{"scheme":"%s"}' % scheme]
    assert seen.header("accept") == ["text/plain"]
    ray = seen.header("cf-ray")
    assert len(ray) == 1 and re.fullmatch(r"[0-9a-f]{16}-test-1", ray[0])
    assert page.headers["cf-ray"] == ray[0]
    assert "test-1" in seen.header("cdn-loop")[0]
    for name in ("connection", "keep-alive", "te", "transfer-encoding", "upgrade", "http2-settings"):
        assert seen.header(name) == []
    if visitor.protocol != "h2":
        assert seen.header("x-private") == []
    authority = seen.header(":authority") + seen.header("host")
    assert authority and authority[0].split(":")[0] == host


def test_02_11_a_loop_is_refused(pair):
    visitor, origin, host = pair

    page = visitor.get(host, "/loop", "-H", "cdn-loop: other, test-1")

    assert page.status == 508
    assert origin.seen("/loop") == []


def test_02_12_an_early_answer_ends_the_upload(pair):
    visitor, origin, host = pair

    page = visitor.get(host, "/early?early=1&status=413&bytes=9", data=b"u" * 3000000)

    assert page.status == 413 and page.body == pattern(9)


def test_02_13_cookies_stay_whole(pair):
    visitor, origin, host = pair

    visitor.get(host, "/cookie", "-H", "cookie: a=1; b=2; c=3")

    cookies = origin.seen("/cookie")[0].header("cookie")
    assert "; ".join(cookies) == "a=1; b=2; c=3"


def test_02_14_the_access_log_tells_how(pair, world):
    visitor, origin, host = pair
    visitor.get(host, "/log-1")
    visitor.get(host, "/log-2?bytes=77")

    line = world.edge.await_access(host=host, path="/log-2?bytes=77")[-1]

    assert line["status"] == 200
    assert line["origin_protocol"] == ("h2" if origin.alpn[0] == "h2" else "http/1.1")
    assert line["origin_connection_id"] > 0
    assert isinstance(line["origin_connection_reused"], bool)
    assert line["response_bytes"] == 77
    assert line["client_protocol"] == ("h2" if visitor.protocol == "h2" else "http/1.1")


def test_02_15_visitors_get_a_certificate_that_the_local_ca_signed(world):
    origin = world.origin()
    _, host = world.zone(origin.port)
    ca = world.directory / "local-ca.pem"
    from harness.process import run
    done = run([world.control.program, "ca", "--store", world.control.store])
    assert done.returncode == 0 and "BEGIN CERTIFICATE" in done.stdout, done.stderr
    ca.write_text(done.stdout)

    sock = tls_socket(world.edge, host, verify=str(ca))

    assert sock.version() == "TLSv1.3"
    sock.close()


def test_02_16_an_uploaded_certificate_is_used(world):
    origin = world.origin()
    zone, host = world.zone(origin.port)
    chain, key = world.authority.issue(host, f"*.{host}")

    answer = world.api.ok("POST", f"/zones/{zone['id']}/custom_certificates",
                          {"certificate": chain.read_text(), "private_key": key.read_text()})
    world.api.applied(answer, zone["id"])

    sock = tls_socket(world.edge, host, verify=str(world.authority.path))
    assert sock.getpeercert()["subject"][0][0] == ("commonName", host)
    sock.close()
    assert key.read_text() not in answer.text


@pytest.mark.parametrize("version", (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3))
def test_02_17_tls_versions(world, version):
    origin = world.origin()
    _, host = world.zone(origin.port)

    flag = "--tls-max" if version == ssl.TLSVersion.TLSv1_2 else "--tlsv1.3"
    flags = (flag, "1.2") if flag == "--tls-max" else (flag,)
    page = world.visitor("h2").get(host, "/v", *flags)

    assert page.status == 200


def test_02_18_keep_alive_and_pipelining(world):
    origin = world.origin(alpn=("http/1.1",))
    _, host = world.zone(origin.port)
    sock = tls_socket(world.edge, host)

    sock.sendall(b"".join(b"GET /p%d?bytes=5 HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (
        i, host.encode(), b"Connection: close\r\n" if i == 2 else b"") for i in range(3)))
    got, error = read_all(sock)

    assert error is None
    assert got.count(b"HTTP/1.1 200") == 3
    assert [r.path for r in origin.seen("/p")] == [f"/p{i}?bytes=5" for i in range(3)]


def test_02_19_http_1_0_without_keep_alive(world):
    origin = world.origin()
    _, host = world.zone(origin.port)
    sock = tls_socket(world.edge, host)

    sock.sendall(b"GET /old?bytes=100&chunked=1 HTTP/1.0\r\nHost: %s\r\n\r\n" % host.encode())
    got, error = read_all(sock)

    assert error is None and got.startswith(b"HTTP/1.1 200")
    assert b"transfer-encoding" not in got.lower()
    assert got.endswith(pattern(100))


def test_02_20_names_below_the_zone(world):
    origin = world.origin()
    zone, host = world.zone(origin.port)
    world.api.applied(world.api.origin(zone["id"], f"*.{host}", origin.port), zone["id"])
    world.api.applied(world.api.origin(zone["id"], f"a.b.{host}", origin.port), zone["id"])

    for name, status in ((f"x.{host}", 200), (f"a.b.{host}", 200)):
        assert world.visitor("h2").get(name, "/n").status == status
    assert world.visitor("plain").get(f"x.y.{host}", "/n").status == 404


def test_02_22_host_header_and_sni_of_a_record(world):
    origin = world.origin()
    _, host = world.zone(origin.port, settings={"ssl": "strict"}, origin_host_header="inner.example.net",
                         origin_sni="inner.example.net")

    page = world.visitor("h2").get(host, "/inner")

    assert page.status == 200
    seen = origin.seen("/inner")[0]
    assert (seen.header(":authority") + seen.header("host"))[0] == "inner.example.net"


def test_02_23_plain_http_to_the_origin(world):
    origin = world.origin(certificate=None)
    for mode in ("off", "flexible"):
        _, host = world.zone(origin.port, settings={"ssl": mode})
        assert world.visitor("h2").get(host, f"/{mode}").headers["x-origin"] == "h1"
