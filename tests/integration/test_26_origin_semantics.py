"""What a message means survives the way through the edge: every visitor protocol to every origin protocol.

Requests are judged by what the origin saw, answers by what the visitor saw, byte for byte (harness/frames.py,
harness/witness.py).  Faults are in test_27; here both sides are right, or are asked to send what must not pass.
"""
import subprocess

import pytest

from harness.frames import EARLY, GOOD_BODY, FrameOrigin, data, head, rst, trailers, wait
from harness.process import wait_until
from harness.witness import Witness

PAIRS = [(visitor, origin) for visitor in ("h1", "h2") for origin in ("h1", "h2")]
HOP = ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "http2-settings", "expect")


@pytest.fixture(scope="module")
def place(build, authority, tmp_path_factory):
    from conftest import World
    world = World(build, tmp_path_factory.mktemp("semantics"), authority, workers=1).start()
    yield world
    world.stop()


@pytest.fixture(params=PAIRS, ids=[f"{visitor}-to-{origin}" for visitor, origin in PAIRS])
def pair(place, request):
    visitor, protocol = request.param
    made = Pair(place, visitor, protocol)
    yield made
    made.close()


class Pair:
    def __init__(self, world, visitor, protocol):
        self.visitor, self.protocol, self.edge = visitor, protocol, world.edge
        self.origin = FrameOrigin(world.certificate, ("h2",) if protocol == "h2" else ("http/1.1",))
        _, self.host = world.zone(self.origin.port)
        self.witness = Witness(world.edge, self.host, visitor)

    def close(self):
        self.witness.close()
        self.origin.stop()

    def ask(self, path="/asked", **options):
        return self.witness.ask(path, **options)

    def sent(self, path="/asked", **options):
        """The request as the origin saw it; its answer is the good one."""
        answer = self.ask(path, **options)
        assert (answer.status, answer.whole, answer.body) == (200, True, GOOD_BODY), answer
        return self.origin.seen(path)[-1]

    def answered(self, fields, body=b"", status=200, ending=(), **options):
        """The answer as the visitor saw it."""
        if self.protocol == "h2":
            script = [head(status, *fields, end=not body and not ending)]
            script += [data(body, end=not ending)] if body else []
            script += [trailers(*ending)] if ending else []
        else:
            lines = [b"HTTP/1.1 %d Fine" % status] + [f"{k}: {v}".encode() for k, v in fields]
            if ending:
                lines.append(b"transfer-encoding: chunked")
                body = b"%x\r\n%s\r\n0\r\n" % (len(body), body) + b"".join(f"{k}: {v}\r\n".encode() for k, v in ending) + b"\r\n"
            elif not any(k == "content-length" for k, _ in fields) and status != 204:
                lines.append(b"content-length: %d" % len(body))
            script = [b"\r\n".join(lines) + b"\r\n\r\n" + body]
        self.origin.plan("/asked", script)
        return self.ask(**options)


# ---- requests

def test_26_01_the_target_passes_unchanged(pair):
    for path in ("/", "/a//b/../c;p=1?q=%2F%00&x=a+b", "/?", "/%e2%82%ac", "/" + "p" * 8000):
        assert pair.sent(path).path == path


@pytest.mark.parametrize("method", ("GET", "OPTIONS", "DELETE", "PATCH", "PROPFIND", "M-SEARCH", "X'y|z"))
def test_26_02_the_method_passes_unchanged(pair, method):
    assert pair.sent(method=method).method == method


def test_26_03_host_and_authority_are_one(pair):
    seen = pair.sent()
    if pair.protocol == "h2":
        assert seen.header(":authority") == [pair.host] and seen.header("host") == []
        assert seen.header(":scheme") == ["https"]
    else:
        assert seen.header("host") == [pair.host]
        assert not any(name.startswith(":") for name, _ in seen.headers)


def test_26_04_cookies_are_one_line(pair):
    split = pair.sent(fields=[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]) if pair.visitor == "h2" else None
    joined = pair.sent(fields=[("cookie", "a=1; b=2; c=3")])
    for seen in (split, joined):
        if seen:
            assert "; ".join(seen.header("cookie")) == "a=1; b=2; c=3"
            assert pair.protocol == "h2" or len(seen.header("cookie")) == 1


def test_26_05_repeated_fields_keep_their_order(pair):
    seen = pair.sent(fields=[("x-many", "1"), ("x-other", "o"), ("x-many", "2, 3"), ("x-many", "")])
    assert [value for name, value in seen.headers if name == "x-many"] == ["1", "2, 3", ""]


def test_26_06_fields_of_one_hop_stay_there(place):
    for protocol in ("h1", "h2"):
        pair = Pair(place, "h1", protocol)
        seen = pair.sent(fields=[("connection", "keep-alive, x-hop, Upgrade, HTTP2-Settings"), ("keep-alive", "timeout=5"),
                                 ("x-hop", "1"), ("upgrade", "h2c"), ("http2-settings", "AAMAAABkAAQAAP__"), ("te", "gzip"),
                                 ("proxy-connection", "close"), ("x-end", "1")])
        assert [name for name, _ in seen.headers if name in (*HOP, "x-hop")] == []
        assert seen.header("x-end") == ["1"]
        pair.close()


def test_26_07_te_trailers_passes(pair):
    fields = [("te", "trailers")] + ([("connection", "te")] if pair.visitor == "h1" else [])
    assert pair.sent(fields=fields).header("te") == ["trailers"]


def test_26_08_expect_is_answered_by_the_edge(pair):
    answer = pair.ask(method="POST", body=b"body", fields=[("expect", "100-continue")])
    seen = pair.origin.seen("/asked")[0]
    assert answer.status == 200 and seen.body == b"body" and seen.header("expect") == []
    assert [status for status, _ in answer.interims] in ([100], [])


@pytest.mark.parametrize("size", (0, 1, 16384, 65536, 300000))
def test_26_09_a_body_with_its_length(pair, size):
    body = bytes(n * 7 & 255 for n in range(size))
    seen = pair.sent(method="POST", body=body, fields=[("content-length", str(size))])
    assert seen.body == body and seen.header("content-length") == [str(size)] and not seen.header("transfer-encoding")


def test_26_10_a_body_without_a_length(pair):
    pieces = [b"one", b"two" * 20000, b"three"]
    seen = pair.sent(method="POST", body=pieces, chunked=True)
    assert seen.body == b"".join(pieces) and seen.ended


def test_26_11_no_body_says_nothing(pair):
    seen = pair.sent()
    assert seen.header("content-length") == [] and seen.header("transfer-encoding") == [] and seen.body == b""


def test_26_12_request_trailers_pass(pair):
    seen = pair.sent(method="POST", body=b"body", trailers=[("x-sum", "1"), ("grpc-status", "0")])
    assert seen.body == b"body" and seen.ended
    assert seen.trailers == [("x-sum", "1"), ("grpc-status", "0")]


@pytest.mark.parametrize("name", ("content-length", "transfer-encoding", "host", "authorization", "cookie", "cf-connecting-ip"))
def test_26_13_request_trailers_that_frame_or_route_are_refused(pair, name):
    answer = pair.ask("/refused", method="POST", body=b"body", trailers=[(name, "1")])
    assert answer.status in (0, 400) and answer.status != 200, answer
    for seen in pair.origin.seen("/refused"):
        wait_until(lambda: not seen.ended, "an upload that was refused looks cut")
        assert not seen.ended and seen.trailers == []
    assert pair.ask("/next").status == 200


def test_26_14_what_the_edge_says_of_the_visitor_cannot_be_said_by_him(pair):
    seen = pair.sent(fields=[("cf-connecting-ip", "9.9.9.9"), ("x-forwarded-for", "9.9.9.9"), ("x-forwarded-proto", "http"),
                             ("cf-visitor", "x"), ("cf-ray", "x")])
    assert seen.header("cf-connecting-ip") == ["127.0.0.1"] and seen.header("x-forwarded-for") == ["9.9.9.9, 127.0.0.1"]
    assert seen.header("x-forwarded-proto") == ["https"]
    assert len(seen.header("cf-ray")) == 1 and seen.header("cf-ray") != ["x"]


def test_26_15_names_are_in_lower_case(place):
    pair = Pair(place, "h1", "h2")
    assert pair.sent(fields=[("X-MiXeD", "VaLue")]).header("x-mixed") == ["VaLue"]
    pair.close()


UPLOAD = b"u" * 20000


def cut_by_reset(witness):
    witness.h2.reset_stream(1, 8)
    witness.sock.sendall(witness.h2.data_to_send())


def cut_by_close(witness):
    witness.close()


def cut_by_end_too_soon(witness):
    """END_STREAM before content-length is reached: past python3-h2, which would not say it."""
    witness.sock.sendall(b"\0\0\0\0\1\0\0\0\1")


def cut_by_a_broken_chunk(witness):
    witness.sock.sendall(b"zz\r\n")


def cut_by_half_a_close(witness):
    try:
        witness.sock.unwrap()
    except OSError:
        pass  # the edge is done with us


@pytest.mark.parametrize("visitor,cut,framed", (("h2", cut_by_reset, "length"), ("h2", cut_by_reset, "none"), ("h2", cut_by_close, "none"),
                                                ("h2", cut_by_end_too_soon, "length"), ("h1", cut_by_close, "length"),
                                                ("h1", cut_by_close, "chunked"), ("h1", cut_by_a_broken_chunk, "chunked"),
                                                ("h1", cut_by_half_a_close, "length"), ("h1", cut_by_half_a_close, "chunked")))
@pytest.mark.parametrize("protocol", ("h1", "h2"))
def test_26_16_an_upload_that_is_cut_looks_cut_to_the_origin(place, protocol, visitor, cut, framed):
    pair = Pair(place, visitor, protocol)
    witness = pair.witness
    witness.connect()
    lengths = [("content-length", "90000")] if framed == "length" else []
    if visitor == "h2":
        witness.h2.send_headers(1, [(":method", "POST"), (":scheme", "https"), (":authority", pair.host), (":path", "/cut"), *lengths])
        for at in range(0, len(UPLOAD), 10000):
            witness.h2.send_data(1, UPLOAD[at:at + 10000])
        witness.sock.sendall(witness.h2.data_to_send())
    else:
        head_text = f"POST /cut HTTP/1.1\r\nhost: {pair.host}\r\n" + \
            ("content-length: 90000\r\n\r\n" if lengths else "transfer-encoding: chunked\r\n\r\n")
        witness.sock.sendall(head_text.encode() + (UPLOAD if lengths else b"%x\r\n%s\r\n" % (len(UPLOAD), UPLOAD)))
    seen = wait_until(lambda: pair.origin.seen("/cut"), "the request is there")[0]
    wait_until(lambda: len(seen.body) == len(UPLOAD) or protocol == "h1", "its bytes are there")

    cut(witness)

    wait_until(lambda: seen.reset is not None or pair.origin.closed, "the origin knows")
    assert not seen.ended and seen.reset != 0
    witness.close()
    assert pair.ask("/next").body == GOOD_BODY
    pair.close()


# ---- answers

@pytest.mark.parametrize("status", (200, 201, 206, 299, 301, 404, 429, 500, 599))
def test_26_20_status_and_body_pass(pair, status):
    answer = pair.answered([("content-length", "3"), ("x-end", "1")], b"abc", status)
    assert (answer.status, answer.body, answer.whole) == (status, b"abc", True)
    assert answer.header("x-end") == ["1"] and answer.header("content-length") == ["3"]


def test_26_21_head_tells_the_length_of_a_body_that_is_not_there(pair):
    answer = pair.answered([("content-length", "12345")], method="HEAD")
    assert answer.whole and answer.body == b"" and answer.header("content-length") == ["12345"]
    assert pair.ask("/next").status == 200


def test_26_22_head_without_a_length(pair):
    pair.origin.plan("/asked", [head(200, end=True)] if pair.protocol == "h2"
                     else [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"])
    answer = pair.ask(method="HEAD")
    assert answer.whole and answer.status == 200 and answer.header("content-length") in ([], ["0"]), answer
    assert pair.ask("/next").status == 200


@pytest.mark.parametrize("status,fields", ((204, []), (304, [("etag", '"1"')]), (304, [("etag", '"1"'), ("content-length", "9")])))
def test_26_23_204_and_304_have_no_body(pair, status, fields):
    answer = pair.answered(fields + ([("content-length", "9")] if pair.protocol == "h1" and status == 304 and len(fields) == 1 else []),
                           status=status)
    assert answer.whole and answer.status == status and answer.body == b""
    assert status != 204 or answer.header("content-length") == []
    assert not answer.header("transfer-encoding")
    assert pair.ask("/next").status == 200


def test_26_24_trailers_pass(pair):
    answer = pair.answered([("trailer", "x-sum")], b"abc", ending=[("x-sum", "1"), ("x-two", "2")])
    assert answer.whole and answer.body == b"abc" and answer.trailers == [("x-sum", "1"), ("x-two", "2")]


def test_26_25_trailers_without_a_body_pass(pair):
    if pair.protocol == "h2":
        pair.origin.plan("/asked", [head(200), trailers(("grpc-status", "5"))])
    else:
        pair.origin.plan("/asked", [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\ngrpc-status: 5\r\n\r\n"])
    answer = pair.ask()
    assert answer.whole and answer.body == b"" and answer.trailers == [("grpc-status", "5")]


def test_26_26_set_cookie_stays_apart(pair):
    answer = pair.answered([("set-cookie", "a=1; expires=Wed, 21 Oct 2026 07:28:00 GMT"), ("set-cookie", "b=2")])
    assert answer.header("set-cookie") == ["a=1; expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2"]


def test_26_27_upgrade_of_an_h2c_minded_origin_is_stripped(place):
    for visitor in ("h1", "h2"):
        pair = Pair(place, visitor, "h1")
        answer = pair.answered([("upgrade", "h2,h2c"), ("connection", "Upgrade, Keep-Alive"), ("keep-alive", "timeout=5, max=100")])
        assert answer.status == 200 and answer.header("upgrade") == answer.header("keep-alive") == []
        assert "upgrade" not in " ".join(answer.header("connection")).lower()
        pair.close()


def test_26_28_early_hints_pass_in_order_before_the_answer(pair):
    links = [f"</{number}.css>" for number in range(3)]
    if pair.protocol == "h2":
        hints = [head(103, ("link", link)) for link in links]
        pair.origin.plan("/asked", [head(100), *hints, wait(0.02), head(200), data(b"abc", end=True)])
    else:
        hints = "".join(f"HTTP/1.1 103 Early Hints\r\nlink: {link}\r\n\r\n" for link in links).encode()
        pair.origin.plan("/asked", [b"HTTP/1.1 100 Continue\r\n\r\n" + hints, wait(0.02),
                                    b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"])
    answer = pair.ask()
    assert [(status, dict(fields)["link"]) for status, fields in answer.interims] == [(103, link) for link in links]
    assert answer.body == b"abc"


def test_26_29_an_early_answer_arrives_while_the_upload_goes_on(pair):
    if pair.protocol == "h2":
        pair.origin.plan("/early", [EARLY, head(413, ("content-length", "3")), data(b"abc", end=True), rst(0)])
    else:
        pair.origin.plan("/early", [EARLY, b"HTTP/1.1 413 No\r\ncontent-length: 3\r\n\r\nabc"])
    answer = pair.ask("/early", method="POST", body=b"u" * 200000)
    assert (answer.status, answer.body, answer.whole) == (413, b"abc", True)
    assert pair.ask("/next").body == GOOD_BODY


def test_26_30_a_large_answer_without_a_length(pair):
    body = bytes(n * 31 >> 3 & 255 for n in range(300000))
    if pair.protocol == "h2":
        script = [head(200)] + [data(body[at:at + 16384]) for at in range(0, 49152, 16384)]
        body = body[:49152]
        pair.origin.plan("/asked", script + [data(b"", end=True)])
    else:
        chunks = b"".join(b"%X;x\r\n%s\r\n" % (len(piece), piece) for piece in (body[at:at + 5000] for at in range(0, len(body), 5000)))
        pair.origin.plan("/asked", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"])
    answer = pair.ask()
    assert answer.whole and answer.body == body


@pytest.mark.parametrize("chunked", (False, True))
@pytest.mark.parametrize("protocol", ("h1", "h2"))
def test_26_31_a_visitor_of_1_0_gets_what_he_can_read(place, protocol, chunked):
    pair = Pair(place, "h1", protocol)
    if chunked:
        pair.origin.plan("/asked", [head(103), head(200), data(b"abc"), wait(0.02), trailers(("x-sum", "1"))] if protocol == "h2" else
                         [b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", wait(0.02),
                          b"0\r\nx-sum: 1\r\n\r\n"])
    answer = pair.ask(version="1.0")
    assert answer.status == 200 and answer.whole and answer.body == (b"abc" if chunked else GOOD_BODY)
    assert not answer.header("transfer-encoding") and not answer.interims
    pair.close()


@pytest.mark.parametrize("protocol", ("h1", "h2"))
def test_26_32_curl_of_1_0_is_served(place, protocol):
    pair = Pair(place, "h1", protocol)
    done = subprocess.run(["curl", "-sSk", "--http1.0", "--resolve", f"{pair.host}:{place.edge.https}:127.0.0.1", "-d", "body",
                           f"https://{pair.host}:{place.edge.https}/asked"], stdout=subprocess.PIPE, check=True, timeout=20)
    assert done.stdout == GOOD_BODY
    seen = pair.origin.seen("/asked")[0]
    assert seen.body == b"body" and seen.header("connection") == []
    pair.close()


def test_26_33_two_visitors_never_get_each_others_answers(place):
    """Answers of a kept HTTP/1.1 connection come in order, whatever their framing."""
    pair = Pair(place, "h1", "h1")
    other = Witness(place.edge, pair.host, "h2")
    for number in range(20):
        pair.origin.plan(f"/a{number}", [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"])
        assert pair.ask(f"/a{number}").body == b"a"
        assert other.ask(f"/b{number}").body == GOOD_BODY
        assert pair.ask(f"/c{number}", method="HEAD").body == b""
    other.close()
    pair.close()
