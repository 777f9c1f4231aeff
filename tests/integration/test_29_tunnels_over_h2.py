"""WebSockets to an origin that takes extended CONNECT (RFC 8441), and to one that does not say so."""
import ssl
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import pytest

from harness.process import listen, wait_until
from test_21_tunnels import OPENED, VISITORS, accept, both, exactly, half_close, head_of, read_to_end

MESSAGES = 100
CONNECT = h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # of the key that test_21's visitor sends


class Tunnels:
    """An origin of both protocols that echoes; what it does with a tunnel is in its path."""

    def __init__(self, certificate, announces):
        self.announces = announces
        self.tunnels, self.upgrades, self.ends, self.resets = [], [], [], []
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(*map(str, certificate))
        self.tls.set_alpn_protocols(["h2", "http/1.1"])
        self.listener = listen()
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.listener.close()

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
                if sock.selected_alpn_protocol() == "h2":
                    self._serve_h2(sock)
                else:
                    self._serve_h1(sock)
        except OSError:
            pass

    def _serve_h1(self, sock):
        head = head_of(sock)
        self.upgrades.append(head)
        accept(sock, head)
        while piece := sock.recv(65536):
            sock.sendall(piece)

    def _serve_h2(self, sock):
        conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        if self.announces:
            conn.local_settings[CONNECT] = 1
            conn.local_settings.acknowledge()
        conn.initiate_connection()
        sock.sendall(conn.data_to_send())
        while got := sock.recv(65536):
            for event in conn.receive_data(got):
                self._take(conn, event)
            sock.sendall(conn.data_to_send())

    def _take(self, conn, event):
        if isinstance(event, h2.events.RequestReceived):
            self._begin(conn, event.stream_id, dict(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if event.data == b"cut me":
                conn.reset_stream(event.stream_id, h2.errors.ErrorCodes.CONNECT_ERROR)
            elif event.data:
                conn.send_data(event.stream_id, event.data)
        elif isinstance(event, h2.events.StreamEnded) and event.stream_id in self.opened:
            self.ends.append(event.stream_id)
            conn.send_data(event.stream_id, b"after your end", end_stream=True)
        elif isinstance(event, h2.events.StreamReset):
            self.resets.append(event.error_code)

    @property
    def opened(self):
        return [stream for stream, head in self.tunnels if head[":path"] != "/refuse"]

    def _begin(self, conn, stream, head):
        if head[":method"] != "CONNECT":
            conn.send_headers(stream, [(":status", "200"), ("content-length", "0")], end_stream=True)
            return
        self.tunnels.append((stream, head))
        if head[":path"] == "/refuse":
            conn.send_headers(stream, [(":status", "403"), ("content-length", "2")])
            conn.send_data(stream, b"no", end_stream=True)
        else:
            conn.send_headers(stream, [(":status", "200"), ("sec-websocket-accept", "none of ours")])


@pytest.fixture
def make_tunnels(make_world):
    """One worker that has an HTTP/2 connection open to such an origin: (origin, world, host)."""
    made = []

    def make(announces=True, edge_flags=()):
        world = make_world(workers=1, edge_flags=edge_flags).start()
        made.append(Tunnels(world.certificate, announces))
        _, host = world.zone(made[0].port)
        assert world.visitor("h1").get(host, "/warm").status == 200
        return made[0], world, host

    yield make
    for one in made:
        one.stop()


def echo(visitor):
    for i in range(MESSAGES):
        message = b"%05d" % i * (1 + i * 7 % 500)
        visitor.send(message)
        assert visitor.exactly(len(message)) == message


def check_opened(head, protocol):
    assert head[":status"] == OPENED[protocol], head
    assert head.get("sec-websocket-accept") == (ACCEPT if protocol == "h1" else None)


@both
def test_29_01_messages_and_ends_pass_over_h2(make_tunnels, protocol):
    origin, world, host = make_tunnels()
    visitor = VISITORS[protocol](world.edge, host, "/echo?a=b")
    check_opened(visitor.answered(), protocol)
    echo(visitor)
    head = origin.tunnels[0][1]
    assert head[":protocol"] == "websocket" and head[":scheme"] == "https" and head[":authority"] == host
    assert head[":path"] == "/echo?a=b" and head["sec-websocket-version"] == "13"
    assert not {"sec-websocket-key", "upgrade", "connection"} & set(head)
    if protocol == "h1":
        half_close(visitor.sock)
        assert exactly(visitor.sock, 14) == b"after your end"
        with pytest.raises(ssl.SSLZeroReturnError):  # close_notify: no cut
            visitor.sock.recv(1)
    else:
        visitor.end()
        visitor.step_until(lambda: visitor.ended or visitor.reset is not None)
        assert visitor.reset is None and visitor.bytes == b"after your end"
    visitor.close()
    assert len(origin.ends) == 1 and not origin.resets and not origin.upgrades
    line = world.edge.await_access(host=host, path="/echo?a=b")[0]
    assert line["status"] == 101 and line["origin_protocol"] == "h2", line


@both
def test_29_02_a_cut_is_seen_at_the_other_end(make_tunnels, protocol):
    origin, world, host = make_tunnels()
    visitor = VISITORS[protocol](world.edge, host)
    check_opened(visitor.answered(), protocol)
    visitor.cut()
    wait_until(lambda: origin.resets == [h2.errors.ErrorCodes.CANCEL], "the origin saw the cut")

    visitor = VISITORS[protocol](world.edge, host)
    check_opened(visitor.answered(), protocol)
    visitor.send(b"cut me")
    see_cut(visitor, protocol)
    assert len(origin.tunnels) == 2 and not origin.upgrades and not origin.ends


def see_cut(visitor, protocol):
    if protocol == "h1":
        with pytest.raises((ConnectionResetError, ssl.SSLError)):
            read_to_end(visitor.sock)
    else:
        visitor.step_until(lambda: visitor.ended or visitor.reset is not None)
        assert not visitor.ended and visitor.reset == h2.errors.ErrorCodes.CONNECT_ERROR
    visitor.close()


@both
def test_29_03_a_refusal_is_an_ordinary_answer(make_tunnels, protocol):
    origin, world, host = make_tunnels()
    visitor = VISITORS[protocol](world.edge, host, "/refuse")
    visitor.send(b"ahead")
    assert visitor.answered()[":status"] == "403"
    assert visitor.exactly(2) == b"no"
    visitor.close()
    assert len(origin.tunnels) == 1 and not origin.upgrades
    assert world.visitor("h1").get(host, "/after").status == 200


@both
def test_29_04_only_a_silent_tunnel_is_closed(make_tunnels, protocol):
    """The time for an answer is shorter than a tunnel may be silent, and does not end it."""
    origin, world, host = make_tunnels(
        edge_flags=("--tunnel-idle-timeout", "1500ms", "--origin-read-timeout", "300ms"))
    visitor = VISITORS[protocol](world.edge, host)
    check_opened(visitor.answered(), protocol)
    threading.Event().wait(0.9)  # beyond the time for an answer, within that of a tunnel
    visitor.send(b"word")
    assert visitor.exactly(4) == b"word"
    wait_until(lambda: origin.resets, "the silent tunnel was closed")
    see_cut(visitor, protocol)


@both
def test_29_05_without_the_announcement_it_is_an_upgrade(make_tunnels, protocol):
    origin, world, host = make_tunnels(announces=False)
    visitor = VISITORS[protocol](world.edge, host)
    check_opened(visitor.answered(), protocol)
    echo(visitor)
    visitor.close()
    assert len(origin.upgrades) == 1 and b"upgrade: websocket\r\n" in origin.upgrades[0] and not origin.tunnels
