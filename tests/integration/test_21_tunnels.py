"""WebSockets: from visitors of both protocols, byte for byte, cut when cut, closed when silent."""
import asyncio
import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import pytest
import websockets
from websockets.frames import OP_BINARY, OP_CLOSE, Frame

from harness.process import listen, wait_until
from harness.visitor import tls_socket

MESSAGES = 1000
UPGRADE = (b"GET %s HTTP/1.1\r\nhost: %s\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
           b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
ACCEPTED = (b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


class Echo:
    """A WebSocket origin of python3-websockets: /echo sends back what comes, and counts."""

    def __init__(self, certificate):
        self.heads, self.closed, self.messages = [], [], 0
        self.loop = asyncio.new_event_loop()
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(*map(str, certificate))
        self.tls.set_alpn_protocols(["http/1.1"])
        self.up = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        assert self.up.wait(10)

    def _run(self):
        asyncio.set_event_loop(self.loop)

        async def start():
            self.server = await websockets.serve(self._serve, "127.0.0.1", 0, ssl=self.tls, max_size=None,
                                                 subprotocols=["chat"], ping_interval=None)
            self.port = self.server.sockets[0].getsockname()[1]
            self.up.set()

        self.loop.run_until_complete(start())
        self.loop.run_forever()

    async def _serve(self, peer):
        self.heads.append((peer.path, dict(peer.request_headers)))
        try:
            async for message in peer:
                self.messages += 1
                await peer.send(message)
        finally:
            self.closed.append(peer.close_code)

    def stop(self):
        async def end():
            self.server.close()
            await self.server.wait_closed()
            self.loop.call_soon(self.loop.stop)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(20)


class Raw:
    """An HTTP/1.1 origin by hand, on TLS: `script(sock, head)` runs after each request head."""

    def __init__(self, certificate, script):
        self.script, self.heads = script, []
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(*map(str, certificate))
        self.listener = listen()
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        try:
            with self.tls.wrap_socket(plain, server_side=True) as sock:
                head = head_of(sock)
                self.heads.append(head)
                self.script(sock, head)
        except OSError:
            pass

    def stop(self):
        self.listener.close()


def head_of(sock):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = sock.recv(1)
        if not piece:
            raise ConnectionResetError
        head += piece
    return head


def exactly(sock, count):
    got = b""
    while len(got) < count:
        piece = sock.recv(count - len(got))
        assert piece, f"ended after {got!r}"
        got += piece
    return got


class Connect:
    """An HTTP/2 visitor's extended CONNECT (RFC 8441) as a stream of bytes."""

    def __init__(self, edge, host, path="/echo", protocol="websocket", fields=()):
        self.sock = tls_socket(edge, host, alpn=("h2",))
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.conn.initiate_connection()
        self.flush()
        self.bytes, self.head, self.reset, self.ended = b"", None, None, False
        self.step_until(lambda: self.conn.remote_settings.get(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL))
        self.stream = self.conn.get_next_available_stream_id()
        head = [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "https"), (":path", path),
                (":authority", host), ("sec-websocket-version", "13"), *fields]
        self.conn.send_headers(self.stream, head)
        self.flush()

    def flush(self):
        self.sock.sendall(self.conn.data_to_send())

    def step(self):
        got = self.sock.recv(65536)
        assert got, "the connection ended"
        for event in self.conn.receive_data(got):
            if isinstance(event, h2.events.ResponseReceived):
                self.head = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.bytes += event.data
                if event.flow_controlled_length:
                    self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self.reset = event.error_code
            elif isinstance(event, h2.events.StreamEnded):
                self.ended = True
        self.flush()

    def step_until(self, condition):
        while not condition():
            self.step()

    def answered(self):
        self.step_until(lambda: self.head is not None)
        return self.head

    def send(self, bytes_):
        while bytes_:
            room = min(self.conn.local_flow_control_window(self.stream), 16384, len(bytes_))
            if room == 0:
                self.step()
                continue
            self.conn.send_data(self.stream, bytes_[:room])
            bytes_ = bytes_[room:]
            self.flush()

    def exactly(self, count):
        self.step_until(lambda: len(self.bytes) >= count or self.ended or self.reset is not None)
        got, self.bytes = self.bytes[:count], self.bytes[count:]
        assert len(got) == count, (got, self.ended, self.reset)
        return got

    def end(self):
        self.conn.end_stream(self.stream)
        self.flush()

    def cut(self):
        self.conn.reset_stream(self.stream, h2.errors.ErrorCodes.CANCEL)
        self.flush()

    def close(self):
        self.sock.close()


class Upgrade:
    """The same surface for an HTTP/1.1 visitor."""

    def __init__(self, edge, host, path="/echo", ahead=b""):
        self.sock = tls_socket(edge, host)
        self.sock.sendall(UPGRADE % (path.encode(), host.encode()) + ahead)

    def answered(self):
        lines = head_of(self.sock).decode().split("\r\n")
        head = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        head[":status"] = lines[0].split(" ")[1]
        return head

    def send(self, bytes_):
        self.sock.sendall(bytes_)

    def exactly(self, count):
        return exactly(self.sock, count)

    def end(self):
        self.sock = self.sock.unwrap()

    def cut(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        os.close(self.sock.detach())

    def close(self):
        self.sock.close()


VISITORS = {"h1": Upgrade, "h2": Connect}
OPENED = {"h1": "101", "h2": "200"}
both = pytest.mark.parametrize("protocol", VISITORS)


@pytest.fixture(scope="module")
def echo(world):
    origin = Echo(world.certificate)
    yield origin
    origin.stop()


@pytest.fixture(scope="module")
def host(world, echo):
    return world.zone(echo.port)[1]


@pytest.fixture
def raw(world):
    made = []

    def make(script, **zone):
        made.append(Raw(world.certificate, script))
        return world.zone(made[-1].port, **zone)[1]

    yield make
    for one in made:
        one.stop()


def accept_of(head):
    key = [line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key: ")][0]
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


def accept(sock, head, behind=b""):
    sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                 b"sec-websocket-accept: %s\r\n\r\n%s" % (accept_of(head), behind))


def wanted_messages():
    return [bytes([i % 256]) * (i * 37 % 3000) for i in range(MESSAGES)]


def test_21_01_a_thousand_messages_both_ways_h1(world, host, echo):
    """python3-websockets at both ends."""
    async def talk():
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        async with websockets.connect(f"wss://{host}:{world.edge.https}/echo?a=b", ssl=tls, host="127.0.0.1",
                                      server_hostname=host, subprotocols=["chat"], max_size=None) as peer:
            assert peer.subprotocol == "chat"

            async def send():
                for message in wanted_messages():
                    await peer.send(message)

            sending = asyncio.ensure_future(send())
            for message in wanted_messages():
                assert await peer.recv() == message
            await sending
    asyncio.run(talk())

    path, head = echo.heads[-1]
    assert path == "/echo?a=b" and head["x-forwarded-proto"] == "https"
    wait_until(lambda: echo.closed and echo.closed[-1] == 1000, "the origin saw the close in order")
    line = world.edge.await_access(host=host, path="/echo?a=b")[0]
    assert line["status"] == 101 and line["origin_protocol"] == "http/1.1", json.dumps(line)


def test_21_02_a_thousand_messages_both_ways_h2(world, host, echo):
    visitor = Connect(world.edge, host, "/echo?h2", fields=[("sec-websocket-protocol", "chat")])
    head = visitor.answered()
    assert head[":status"] == "200" and head["sec-websocket-protocol"] == "chat"
    assert "sec-websocket-accept" not in head and "upgrade" not in head

    visitor.send(b"".join(Frame(OP_BINARY, message).serialize(mask=True) for message in wanted_messages()))
    assert [next_message(visitor) for _ in range(MESSAGES)] == wanted_messages()
    visitor.send(Frame(OP_CLOSE, b"\x03\xe8").serialize(mask=True))
    visitor.step_until(lambda: visitor.ended)
    assert visitor.reset is None
    wait_until(lambda: echo.closed[-1] == 1000, "the origin saw the close in order")
    visitor.close()


def next_message(tunnel):
    """One unfragmented frame from a server (RFC 6455 5.2)."""
    opcode, length = struct.unpack("!BB", tunnel.exactly(2))
    assert opcode == 0x80 | OP_BINARY and length < 127, (opcode, length)
    if length == 126:
        length, = struct.unpack("!H", tunnel.exactly(2))
    return tunnel.exactly(length)


@both
def test_21_03_bytes_flow_only_after_101(world, raw, protocol):
    """What the visitor sends ahead waits at the edge; what the origin sends behind the head is not lost."""
    early, go = [], threading.Event()

    def script(sock, head):
        sock.settimeout(0.5)
        try:
            early.append(sock.recv(100))
        except TimeoutError:
            early.append(None)
        sock.settimeout(10)
        accept(sock, head, b"hello")
        sock.sendall(exactly(sock, 5)[::-1])
        go.wait(10)

    host = raw(script)
    if protocol == "h1":
        visitor = Upgrade(world.edge, host, ahead=b"ahead")
    else:
        visitor = Connect(world.edge, host)
        visitor.send(b"ahead")
    assert visitor.answered()[":status"] == OPENED[protocol]
    assert visitor.exactly(10) == b"helloda" + b"eha"
    assert early == [None]
    go.set()
    visitor.close()


@both
def test_21_04_an_end_is_an_end_and_the_other_way_goes_on(world, raw, protocol):
    seen, ended = [], threading.Event()

    def script(sock, head):
        accept(sock, head)
        got = b""
        while piece := sock.recv(100):
            got += piece
        seen.append(got)
        ended.wait(20)  # Python's unwrap refuses data that come while it says its own end
        sock.sendall(b"after your end")
        sock.unwrap()

    visitor = VISITORS[protocol](world.edge, raw(script))
    assert visitor.answered()[":status"] == OPENED[protocol]
    visitor.send(b"last words")
    if protocol == "h1":
        half_close(visitor.sock)
        ended.set()
        assert exactly(visitor.sock, 14) == b"after your end"
        with pytest.raises(ssl.SSLZeroReturnError):  # close_notify: no cut
            visitor.sock.recv(1)
    else:
        visitor.end()
        ended.set()
        visitor.step_until(lambda: visitor.ended or visitor.reset is not None)
        assert visitor.reset is None and visitor.bytes == b"after your end"
    assert seen == [b"last words"]
    visitor.close()


def half_close(sock):
    """close_notify, while reading goes on: Python's ssl has no word for it but a non-blocking unwrap."""
    sock.setblocking(False)
    with pytest.raises(ssl.SSLWantReadError):
        sock.unwrap()
    sock.setblocking(True)
    sock.settimeout(20)


@both
def test_21_05_a_cut_visitor_is_seen_cut_at_the_origin(world, raw, protocol):
    seen = []

    def script(sock, head):
        accept(sock, head)
        try:
            seen.append(("ended", read_to_end(sock)))
        except (ConnectionResetError, ssl.SSLError) as error:
            seen.append(("cut", error))

    visitor = VISITORS[protocol](world.edge, raw(script))
    visitor.answered()
    visitor.send(b"some")
    visitor.cut()
    wait_until(lambda: seen, "the origin noticed")
    assert seen[0][0] == "cut", seen


def read_to_end(sock):
    sock.suppress_ragged_eofs = False
    got = b""
    while piece := sock.recv(100):
        got += piece
    return got


@both
def test_21_06_a_cut_origin_is_seen_cut_at_the_visitor(world, raw, protocol):
    def script(sock, head):
        accept(sock, head)
        exactly(sock, 3)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        os.close(sock.detach())

    visitor = VISITORS[protocol](world.edge, raw(script))
    assert visitor.answered()[":status"] == OPENED[protocol]
    visitor.send(b"now")
    if protocol == "h1":
        with pytest.raises((ConnectionResetError, ssl.SSLError)):
            read_to_end(visitor.sock)
    else:
        visitor.step_until(lambda: visitor.ended or visitor.reset is not None)
        assert not visitor.ended and visitor.reset == h2.errors.ErrorCodes.CONNECT_ERROR
    visitor.close()


@both
def test_21_07_a_refused_upgrade_is_an_ordinary_answer(world, raw, protocol):
    """On HTTP/1.1 the connection goes on: what was sent ahead is the next request."""
    def script(sock, _):
        sock.sendall(b"HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno")

    host = raw(script)
    if protocol == "h1":
        visitor = Upgrade(world.edge, host, ahead=UPGRADE % (b"/next", host.encode()))
    else:
        visitor = Connect(world.edge, host)
    for _ in range(2 if protocol == "h1" else 1):
        assert visitor.answered()[":status"] == "403"
        assert visitor.exactly(2) == b"no"
    visitor.close()


@both
@pytest.mark.parametrize("answer", (
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
), ids=("no_accept", "wrong_accept", "other_protocol"))
def test_21_08_a_101_that_is_no_tunnel_is_an_error(world, raw, protocol, answer):
    visitor = VISITORS[protocol](world.edge, raw(lambda sock, _: sock.sendall(answer)))
    assert visitor.answered()[":status"] == "520"
    visitor.close()


def test_21_09_a_200_is_no_tunnel_for_an_http2_visitor(world, raw):
    visitor = Connect(world.edge, raw(lambda sock, _: sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")))
    assert visitor.answered()[":status"] == "520"
    visitor.close()


def test_21_10_a_101_that_nobody_asked_for_is_an_error(world, raw):
    host = raw(lambda sock, _: sock.sendall(ACCEPTED))
    assert world.visitor("h1").get(host, "/").status == 520


@pytest.mark.parametrize("fields", (
    b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n",
    b"connection: Upgrade\r\nupgrade: websocket\r\n",  # no key: no handshake
    b"upgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",  # not said in Connection
), ids=("h2c", "no_key", "not_named"))
def test_21_11_other_upgrades_are_stripped(world, fields):
    origin = world.origin()
    _, host = world.zone(origin.port)
    with tls_socket(world.edge, host) as sock:
        sock.sendall(b"GET /strip HTTP/1.1\r\nhost: %s\r\n%s\r\n" % (host.encode(), fields))
        assert head_of(sock).startswith(b"HTTP/1.1 200 ")
    seen = origin.seen("/strip")[0]
    assert seen.protocol == "h2" and not seen.header("upgrade") and not seen.header("connection")


def test_21_12_other_connects_are_refused(world, host):
    assert Connect(world.edge, host, protocol="connect-udp").answered()[":status"] == "405"
    with tls_socket(world.edge, host) as sock:
        sock.sendall(b"CONNECT %s:443 HTTP/1.1\r\nhost: %s:443\r\n\r\n" % (host.encode(), host.encode()))
        assert head_of(sock).startswith(b"HTTP/1.1 405 ")


def test_21_13_the_setting_off_strips_the_upgrade(world, raw):
    def script(sock, head):
        assert b"upgrade" not in head.lower(), head
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody")

    host = raw(script, settings={"websockets": "off", "origin_max_http_version": "1"})
    visitor = Upgrade(world.edge, host)
    assert visitor.answered()[":status"] == "200"
    assert visitor.exactly(4) == b"body"
    visitor.close()
    visitor = Connect(world.edge, host)
    assert visitor.answered()[":status"] == "405"
    visitor.close()


def test_21_14_paused_zones_and_plain_origins_pass_too(world, raw):
    def script(sock, head):
        accept(sock, head, b"open")

    host = raw(script)
    zone = [one for one in world.api.ok("GET", f"/zones?name={host}").result][0]
    world.api.applied(world.api.ok("PATCH", f"/zones/{zone['id']}", {"paused": True}), zone["id"])
    for protocol in VISITORS:
        visitor = VISITORS[protocol](world.edge, host)
        assert visitor.answered()[":status"] == OPENED[protocol]
        assert visitor.exactly(4) == b"open"
        visitor.close()


@both
def test_21_15_a_silent_tunnel_is_closed(make_world, authority, protocol):
    world = make_world(workers=1, edge_flags=("--tunnel-idle-timeout", "400ms")).start()
    ended = []

    def script(sock, head):
        accept(sock, head)
        try:
            for _ in range(4):
                sock.sendall(exactly(sock, 4))
            read_to_end(sock)
        except OSError:
            pass
        ended.append(True)

    origin = Raw(world.certificate, script)
    _, host = world.zone(origin.port)
    visitor = VISITORS[protocol](world.edge, host)
    assert visitor.answered()[":status"] == OPENED[protocol]
    for _ in range(4):
        time.sleep(0.2)  # twice the limit in all: each word begins it anew
        visitor.send(b"word")
        assert visitor.exactly(4) == b"word"
    assert not ended
    wait_until(lambda: ended, "the origin was closed")
    if protocol == "h1":
        with pytest.raises((ConnectionResetError, ssl.SSLError)):
            read_to_end(visitor.sock)
    else:
        visitor.step_until(lambda: visitor.reset is not None)
    visitor.close()
    origin.stop()


def test_21_18_tunnels_do_not_take_the_places_of_requests(make_world):
    """More tunnels than LIMIT_ORIGIN_CONNS, and a request beside them."""
    world = make_world(workers=1).start()
    origin = Echo(world.certificate)
    _, host = world.zone(origin.port)

    async def crowd():
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        peers = []
        for _ in range(27):
            peers += await asyncio.gather(*(websockets.connect(
                f"wss://{host}:{world.edge.https}/echo", ssl=tls, host="127.0.0.1", server_hostname=host,
                ping_interval=None) for _ in range(10)))
        await peers[0].send("still")
        assert await peers[0].recv() == "still"
        await asyncio.gather(*(peer.close() for peer in peers))

    asyncio.run(crowd())
    origin.stop()


@both
def test_21_16_a_slow_reader_holds_the_origin(world, raw, protocol):
    """Both flows are bounded: an origin that floods is stopped by a visitor that does not read."""
    sent, go = [0], threading.Event()
    flood = 64 << 20  # more than the kernel's buffers hold

    def script(sock, head):
        accept(sock, head)
        sock.settimeout(1)
        piece = os.urandom(1 << 20)
        while sent[0] < flood:
            try:
                sock.sendall(piece)
            except TimeoutError:
                sock.settimeout(20)
                stalled.append(sent[0])
                go.wait(10)
                return
            sent[0] += len(piece)

    stalled = []
    visitor = VISITORS[protocol](world.edge, raw(script))
    visitor.answered()
    wait_until(lambda: stalled, "the origin was stopped")
    assert stalled[0] < flood
    go.set()
    visitor.close()


@both
def test_21_17_a_large_flood_arrives_whole(world, raw, protocol):
    block = os.urandom(1 << 20)

    def script(sock, head):
        accept(sock, head)
        for _ in range(4):
            got = exactly(sock, len(block))
            sock.sendall(got)
        sock.unwrap()

    visitor = VISITORS[protocol](world.edge, raw(script))
    visitor.answered()
    for _ in range(4):
        visitor.send(block)
        assert visitor.exactly(len(block)) == block
    visitor.close()
