"""gRPC by python3-grpcio at both ends: the four kinds, trailers, deadline and cancel; never over HTTP/1.1."""
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from harness.process import free_port, wait_until
from harness.visitor import tls_socket


class Server:
    """Handlers of bytes: no generated code."""

    def __init__(self, certificate):
        self.metadata, self.events = {}, []
        self.server = grpc.server(ThreadPoolExecutor(16))
        handlers = {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "Collect": grpc.stream_unary_rpc_method_handler(self.collect),
            "Count": grpc.unary_stream_rpc_method_handler(self.count),
            "Echo": grpc.stream_stream_rpc_method_handler(self.echo),
            "Hang": grpc.unary_unary_rpc_method_handler(self.hang),
            "Drip": grpc.unary_stream_rpc_method_handler(self.drip),
        }
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Service", handlers),))
        chain, key = certificate
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), chain.read_bytes())])
        self.port = self.server.add_secure_port("127.0.0.1:0", credentials)
        self.server.start()

    def stop(self):
        self.server.stop(0).wait(5)

    def note(self, context):
        self.metadata = dict(context.invocation_metadata())

    def unary(self, request, context):
        self.note(context)
        context.set_trailing_metadata((("x-end", "of unary"), ("x-bits-bin", b"\x00\xff")))
        return request[::-1]

    def fail(self, request, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not now: 100 % of it")

    def collect(self, requests, context):
        return b"".join(requests)

    def count(self, request, context):
        for number in range(int(request)):
            yield b"%d" % number

    def echo(self, requests, context):
        for request in requests:
            yield request.upper()

    def watched(self, context):
        gone = threading.Event()
        context.add_callback(gone.set)
        self.events.append(("begun", context.time_remaining()))
        if gone.wait(20):
            self.events.append(("ended", time.monotonic()))

    def hang(self, request, context):
        self.watched(context)
        return b"late"

    def drip(self, request, context):
        yield b"first"
        self.watched(context)


@pytest.fixture(scope="module")
def server(world):
    made = Server(world.certificate)
    yield made
    made.stop()


def channel_to(world, host):
    """A visitor that takes whatever certificate the edge shows for this host, and speaks HTTP/2."""
    with tls_socket(world.edge, host, alpn=("h2",)) as sock:
        shown = ssl.DER_cert_to_PEM_cert(sock.getpeercert(binary_form=True))
    options = (("grpc.ssl_target_name_override", host), ("grpc.default_authority", host), ("grpc.enable_retries", 0))
    return grpc.secure_channel(f"127.0.0.1:{world.edge.https}",
                               grpc.ssl_channel_credentials(shown.encode()), options)


@pytest.fixture(scope="module")
def host(world, server):
    return world.zone(server.port)[1]


@pytest.fixture(scope="module")
def channel(world, host):
    with channel_to(world, host) as made:
        yield made


def kind(channel, shape, name):
    return getattr(channel, shape)(f"/test.Service/{name}")


def test_22_01_unary_with_metadata_and_trailers(channel, server, world, host):
    answer, call = kind(channel, "unary_unary", "Unary").with_call(b"abc", timeout=10, metadata=(("x-one", "1"),))
    assert answer == b"cba"
    trailers = dict(call.trailing_metadata())
    assert trailers["x-end"] == "of unary" and trailers["x-bits-bin"] == b"\x00\xff"
    assert server.metadata["x-one"] == "1" and "cf-ray" in server.metadata
    line = world.edge.await_access(host=host, path="/test.Service/Unary")[0]
    assert line["origin_protocol"] == "h2", line


def test_22_02_an_error_is_trailers_only(channel):
    with pytest.raises(grpc.RpcError) as caught:
        kind(channel, "unary_unary", "Fail")(b"", timeout=10)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.details() == "not now: 100 % of it"


def test_22_03_a_method_that_is_not_there(channel):
    with pytest.raises(grpc.RpcError) as caught:
        kind(channel, "unary_unary", "Nowhere")(b"", timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_22_04_client_streaming(channel):
    parts = [b"%d," % number * 100 for number in range(500)]
    assert kind(channel, "stream_unary", "Collect")(iter(parts), timeout=10) == b"".join(parts)


def test_22_05_server_streaming(channel):
    got = list(kind(channel, "unary_stream", "Count")(b"1000", timeout=10))
    assert got == [b"%d" % number for number in range(1000)]


def test_22_06_both_ways_one_by_one(channel):
    """Each answer is awaited before the next question is asked: nothing is held back anywhere."""
    turn = threading.Semaphore(1)

    def questions():
        for number in range(200):
            assert turn.acquire(timeout=10)
            yield b"question %d" % number

    got = []
    for answer in kind(channel, "stream_stream", "Echo")(questions(), timeout=10):
        got.append(answer)
        turn.release()
    assert got == [b"QUESTION %d" % number for number in range(200)]


def test_22_07_a_large_message_both_ways(channel):
    message = bytes(range(256)) * 12000
    assert kind(channel, "unary_unary", "Unary")(message, timeout=10) == message[::-1]


def test_22_08_the_deadline_reaches_the_server(channel, server):
    server.events.clear()
    with pytest.raises(grpc.RpcError) as caught:
        kind(channel, "unary_unary", "Hang")(b"", timeout=1)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until(lambda: len(server.events) == 2, "the server saw the end", 5)
    assert 0 < server.events[0][1] < 1.1


@pytest.mark.parametrize("name,shape", (("Hang", "unary_unary"), ("Drip", "unary_stream")))
def test_22_09_a_cancel_reaches_the_server_at_once(channel, server, name, shape):
    server.events.clear()
    if shape == "unary_unary":
        call = kind(channel, shape, name).future(b"")
    else:
        call = kind(channel, shape, name)(b"")
        assert next(call) == b"first"
    wait_until(lambda: server.events, "the server has begun")
    cancelled = time.monotonic()
    call.cancel()
    wait_until(lambda: len(server.events) == 2, "the server saw the cancel", 5)
    assert server.events[1][1] - cancelled < 0.5


def refused(world, host):
    """code and details of a call that the edge answers itself."""
    with channel_to(world, host) as channel, pytest.raises(grpc.RpcError) as caught:
        kind(channel, "unary_unary", "Unary")(b"abc", timeout=10)
    return caught.value.code(), caught.value.details()


def test_22_10_an_origin_of_http1_is_no_grpc_origin(world):
    origin = world.origin(alpn=("http/1.1",))
    _, host = world.zone(origin.port)
    for _ in range(2):  # the second knows
        code, details = refused(world, host)
        assert code == grpc.StatusCode.UNAVAILABLE and "HTTP/2" in details
    assert not origin.seen()


def test_22_11_the_toggle_off_downgrades_no_grpc(world, server):
    _, host = world.zone(server.port, settings={"origin_max_http_version": "1"})
    assert refused(world, host)[0] == grpc.StatusCode.UNAVAILABLE


def test_22_12_a_dead_origin_is_unavailable(world):
    _, host = world.zone(free_port())
    assert refused(world, host)[0] == grpc.StatusCode.UNAVAILABLE


def test_22_13_http_1_1_required_downgrades_no_grpc(world):
    origin = world.origin()
    _, host = world.zone(origin.port)
    with channel_to(world, host) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/any?fail=h1_required")(b"abc", timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert {seen.protocol for seen in origin.seen()} == {"h2"}


def test_22_14_known_to_need_http1_grpc_still_uses_http2(world):
    """An ordinary request has taught the edge to use HTTP/1.1 here."""
    origin = world.origin()
    _, host = world.zone(origin.port)
    visitor = world.visitor("h2")
    assert visitor.get(host, "/teach?fail=h1_required").status == 200
    assert visitor.get(host, "/taught").status == 200 and origin.seen("/taught")[0].protocol == "http/1.1"
    with channel_to(world, host) as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary("/grpc?status=200&bytes=0")(b"abc", timeout=10)  # an answer without grpc-status
    assert [seen.protocol for seen in origin.seen("/grpc")] == ["h2"]


def test_22_15_grpc_web_and_pages_go_over_http1(world):
    origin = world.origin(alpn=("http/1.1",))
    _, host = world.zone(origin.port)
    page = world.visitor("h2").get(host, "/web", "-H", "content-type: application/grpc-web+proto", data=b"x")
    assert page.status == 200 and origin.seen("/web")[0].protocol == "http/1.1"


def test_22_16_a_paused_zone_passes_grpc(world, server):
    zone, host = world.zone(server.port)
    world.api.applied(world.api.ok("PATCH", f"/zones/{zone['id']}", {"paused": True}), zone["id"])
    with channel_to(world, host) as channel:
        assert kind(channel, "unary_unary", "Unary")(b"abc", timeout=10) == b"cba"
