"""The visitor side of TLS: versions and protocols by zone, session tickets, misdirected requests, certificates
that change under load, private keys that are nowhere in clear."""
import base64
import os
import signal
import socket
import ssl
import subprocess
import threading

import h2.config
import h2.connection
import h2.events
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from harness.process import wait_until

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


# ---- clients

def client(newest=TLS_1_3, oldest=TLS_1_2, alpn=("http/1.1",)):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.minimum_version, made.maximum_version = oldest, newest
    if alpn:
        made.set_alpn_protocols(list(alpn))
    return made


def connect(edge, host, made=None, session=None):
    plain = socket.create_connection(("127.0.0.1", edge.https), timeout=20)
    try:
        return (made or client()).wrap_socket(plain, server_hostname=host, session=session)
    except BaseException:
        plain.close()
        raise


def ask(sock, host, path="/1k", method="GET"):
    """One HTTP/1.1 request on a connection that stays open; the status."""
    sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    got = b""
    while b"\r\n\r\n" not in got:
        piece = sock.recv(65536)
        assert piece, got
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    length = int(next(line.split(":")[1] for line in lines if line.startswith("content-length:")))
    while len(body) < length:
        piece = sock.recv(65536)
        assert piece, (len(body), length)
        body += piece
    return int(lines[0].split()[1])


def visit(edge, host, made, session=None):
    """A connection with one request: (resumed, the session for the next one, the version)."""
    with connect(edge, host, made, session) as sock:
        assert ask(sock, host) == 200
        return sock.session_reused, sock.session, sock.version()


def shown(edge, host):
    """The serial number of the certificate that a new connection sees."""
    with connect(edge, host) as sock:
        return x509.load_der_x509_certificate(sock.getpeercert(True)).serial_number


class H2:
    """An HTTP/2 connection for several authorities."""

    def __init__(self, edge, sni):
        self.sock = connect(edge, sni, client(alpn=("h2",)))
        assert self.sock.selected_alpn_protocol() == "h2"
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.conn.initiate_connection()

    def get(self, authority, path="/1k"):
        stream = self.conn.get_next_available_stream_id()
        self.conn.send_headers(stream, [(":method", "GET"), (":scheme", "https"), (":authority", authority),
                                        (":path", path)], end_stream=True)
        self.sock.sendall(self.conn.data_to_send())
        status = None
        while True:
            data = self.sock.recv(65536)
            assert data, "the connection ended"
            for event in self.conn.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    status = int(dict(event.headers)[":status"])
                if isinstance(event, h2.events.DataReceived):
                    self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if isinstance(event, h2.events.StreamEnded):
                    self.sock.sendall(self.conn.data_to_send())
                    return status
            self.sock.sendall(self.conn.data_to_send())

    def close(self):
        self.sock.close()


def events(edge, name):
    """How many lines of the log have this event."""
    return edge.log_text().count(f'"event":"{name}"')


# ---- the world

@pytest.fixture(scope="module")
def origin(world):
    return world.nginx()


@pytest.fixture(scope="module")
def zone(world, origin):
    return world.zone(origin.port)


@pytest.fixture
def settings(world, zone):
    """Sets settings of the shared zone, and puts them back."""
    usual = {"min_tls_version": "1.0", "tls_1_3": "on", "http2": "on", "always_use_https": "off"}
    yield lambda **values: change(world, zone, values)
    change(world, zone, usual)


def change(world, zone, values):
    answer = world.api.ok("PATCH", f"/zones/{zone[0]['id']}/settings",
                          {"items": [{"id": key, "value": value} for key, value in values.items()]})
    world.api.applied(answer, zone[0]["id"])


def other_account(world, name, port):
    """A zone of an account of its own."""
    account = world.api.ok("POST", "/accounts", {"name": name}).result
    made = world.api.zone(account["id"], name)
    world.api.applied(world.api.origin(made["id"], name, port), made["id"])
    return made, name


def upload(world, zone, *names, days=90):
    """A custom certificate: (its id, its serial, its key as PEM)."""
    chain, key = world.authority.issue(*names, days=days)
    answer = world.api.ok("POST", f"/zones/{zone[0]['id']}/custom_certificates",
                          {"certificate": chain.read_text(), "private_key": key.read_text()})
    return answer, x509.load_pem_x509_certificate(chain.read_bytes()).serial_number, key.read_bytes()


# ---- versions, protocols

@pytest.mark.parametrize("values,tls_1_2,tls_1_3", (
    ({}, True, True),
    ({"min_tls_version": "1.1"}, True, True),
    ({"min_tls_version": "1.2"}, True, True),
    ({"min_tls_version": "1.3"}, False, True),
    ({"tls_1_3": "off"}, True, False),
    ({"tls_1_3": "zrt"}, True, True),
    ({"min_tls_version": "1.3", "tls_1_3": "off"}, False, True),
))
def test_37_01_a_zones_versions(world, zone, settings, values, tls_1_2, tls_1_3):
    if values:
        settings(**values)
    for made, spoken in ((client(newest=TLS_1_2), tls_1_2), (client(oldest=TLS_1_3), tls_1_3)):
        if spoken:
            assert visit(world.edge, zone[1], made)[2] == made.maximum_version.name.replace("_", ".")
        else:
            with pytest.raises(ssl.SSLError, match="(?i)alert.*version|version"):
                connect(world.edge, zone[1], made)


def test_37_02_nothing_older_than_1_2_is_spoken(world, zone):
    for version in ("-tls1", "-tls1_1"):
        done = s_client(world.edge, zone[1], version, "-cipher", "ALL:@SECLEVEL=0")
        assert "alert protocol version" in done or "unsupported protocol" in done, done


def test_37_03_http2_off_is_http_1_1_for_new_connections_and_open_ones_live_on(world, zone, settings):
    open_one = H2(world.edge, zone[1])
    assert open_one.get(zone[1]) == 200
    settings(http2="off")
    with connect(world.edge, zone[1], client(alpn=("h2", "http/1.1"))) as sock:
        assert sock.selected_alpn_protocol() == "http/1.1"
        assert ask(sock, zone[1]) == 200
    with pytest.raises(ssl.SSLError, match="(?i)application.protocol"):
        connect(world.edge, zone[1], client(alpn=("h2",)))
    assert open_one.get(zone[1]) == 200
    open_one.close()


def test_37_04_a_raised_minimum_leaves_open_connections_alone(world, zone, settings):
    with connect(world.edge, zone[1], client(newest=TLS_1_2)) as sock:
        assert ask(sock, zone[1]) == 200
        settings(min_tls_version="1.3")
        assert ask(sock, zone[1]) == 200
    with pytest.raises(ssl.SSLError):
        connect(world.edge, zone[1], client(newest=TLS_1_2))


def s_client(edge, host, *flags, stdin=b""):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{edge.https}", "-servername", host, *flags],
                          input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    return done.stdout.decode("latin-1")


def test_37_05_no_renegotiation_no_compression_no_early_data_only_aead(world, zone):
    told = s_client(world.edge, zone[1], "-tls1_2", stdin=b"R\n")
    assert "no renegotiation" in told.lower() and "Compression: NONE" in told, told
    with subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{world.edge.https}", "-servername", zone[1],
                           "-tls1_3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as told:
        told.stdin.write(f"GET /1k HTTP/1.1\r\nHost: {zone[1]}\r\nConnection: close\r\n\r\n".encode())
        told.stdin.flush()
        assert b"Max Early Data: 0" in told.stdout.read()
    for cipher in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA"):
        assert "alert handshake failure" in s_client(world.edge, zone[1], "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")


# ---- plain HTTP

def plain(edge, host, path, method="GET"):
    with socket.create_connection(("127.0.0.1", edge.http), timeout=20) as sock:
        sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        got = b""
        while piece := sock.recv(65536):
            got += piece
    lines = got.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:lines.index("")])
    return int(lines[0].split()[1]), fields


def test_37_06_always_use_https(world, zone, settings):
    host = zone[1]
    assert plain(world.edge, host, "/1k")[0] == 200
    settings(always_use_https="on")
    for method in ("GET", "HEAD", "POST", "DELETE"):
        status, fields = plain(world.edge, host, "/a%20b//c?x=1&y=2", method)
        assert status == 301 and fields["location"] == f"https://{host}/a%20b//c?x=1&y=2", (method, fields)
    assert plain(world.edge, host + ":80", "/")[1]["location"] == f"https://{host}/"
    assert plain(world.edge, f"{host.upper()}.:{world.edge.http}", "/")[1]["location"] == \
        f"https://{host}:{world.edge.https}/"
    assert plain(world.edge, host, "/.well-known/acme-challenge/token")[0] == 404  # the origin's
    assert plain(world.edge, host, "/.well-known/acme-challeng")[0] == 301
    assert world.visitor("h2").get(host, "/1k").status == 200
    settings(always_use_https="off")
    assert plain(world.edge, host, "/1k")[0] == 200


# ---- tickets

@pytest.mark.parametrize("newest", (TLS_1_2, TLS_1_3), ids=("1.2", "1.3"))
def test_37_10_a_ticket_is_good_at_every_worker(make_world, newest):
    world = make_world(workers=4).start()
    host = world.zone(world.nginx().port)[1]
    made = client(newest=newest)
    resumed, session, _ = visit(world.edge, host, made)
    assert not resumed
    for _ in range(40):
        resumed, session, version = visit(world.edge, host, made, session)
        assert resumed and version == newest.name.replace("_", "."), version
    assert len({line["worker"] for line in world.edge.await_access(41, host=host)}) > 1


@pytest.mark.parametrize("newest", (TLS_1_2, TLS_1_3), ids=("1.2", "1.3"))
def test_37_11_a_ticket_outlives_its_worker_and_its_supervisor(make_world, newest):
    world = make_world(workers=2).start()
    host = world.zone(world.nginx().port)[1]
    made = client(newest=newest)
    _, session, _ = visit(world.edge, host, made)

    before = world.edge.worker_pids()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(now := world.edge.worker_pids()) == 2 and not set(now) & set(before), "new workers")
    for _ in range(10):
        resumed, session, _ = visit(world.edge, host, made, session)
        assert resumed

    world.edge.kill()
    world.edge.start()
    wait_until(lambda: events(world.edge, "ticket_keys_adopted"), "the orphans' keys")
    for _ in range(10):
        resumed, session, _ = visit(world.edge, host, made, session)
        assert resumed

    os.kill(world.edge.pid, signal.SIGHUP)
    wait_until(lambda: events(world.edge, "worker_ended") >= 2, "replaced workers")
    for _ in range(10):
        resumed, session, _ = visit(world.edge, host, made, session)
        assert resumed


def test_37_12_a_ticket_outlives_a_rotation(make_world):
    world = make_world(workers=2, edge_flags=("--ticket-rotation", "3s")).start()
    host = world.zone(world.nginx().port)[1]
    made = client()
    rotations = events(world.edge, "ticket_keys_rotated")
    for _ in range(2):
        session = None
        while session is None or events(world.edge, "ticket_keys_rotated") == rotations:
            _, session, _ = visit(world.edge, host, made)
        rotations = events(world.edge, "ticket_keys_rotated")
        resumed, session, _ = visit(world.edge, host, made, session)
        assert resumed


@pytest.mark.parametrize("newest", (TLS_1_2, TLS_1_3), ids=("1.2", "1.3"))
def test_37_13_a_ticket_is_good_for_its_own_zone_and_name_alone(world, origin, newest):
    """Both zones show one certificate, so that OpenSSL alone would resume."""
    ours = world.zone(origin.port)
    theirs = other_account(world, f"ticket{newest.value}.example.net", origin.port)
    chain, key = world.authority.issue(ours[1], theirs[1], f"www.{ours[1]}")
    www = f"www.{ours[1]}"
    world.api.origin(ours[0]["id"], www, origin.port)
    for one in (ours, theirs):
        answer = world.api.ok("POST", f"/zones/{one[0]['id']}/custom_certificates",
                              {"certificate": chain.read_text(), "private_key": key.read_text()})
        world.api.applied(answer, one[0]["id"])
    made = client(newest=newest)
    _, session, _ = visit(world.edge, ours[1], made)

    assert visit(world.edge, theirs[1], made, session)[0] is False
    assert visit(world.edge, www, made, session)[0] is False
    _, session, _ = visit(world.edge, ours[1], made)
    assert visit(world.edge, ours[1], made, session)[0] is True


def test_37_14_a_ticket_below_the_minimum_is_not_taken(world, zone, settings):
    made = client()
    made.maximum_version = TLS_1_2
    _, session, version = visit(world.edge, zone[1], made)
    assert version == "TLSv1.2"
    settings(min_tls_version="1.3")
    with pytest.raises(ssl.SSLError):
        connect(world.edge, zone[1], made, session)
    settings(min_tls_version="1.2")
    assert visit(world.edge, zone[1], made, session)[0] is True


# ---- names

@pytest.mark.parametrize("name", (None, "nobody.example.org", "127.0.0.1"))
def test_37_20_no_name_and_unknown_names_get_the_alert(world, zone, name):
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        connect(world.edge, name)


def test_37_21_coalescing_stops_at_the_certificate_and_at_the_account(world, origin):
    ours, name = world.zone(origin.port)
    www, other = f"www.{name}", world.zone(origin.port)[1]
    deep = f"a.b.{name}"
    for host in (www, deep):
        answer = world.api.origin(ours["id"], host, origin.port)
    world.api.applied(answer, ours["id"])
    theirs, foreign = other_account(world, f"foreign-of-{name}", origin.port)
    chain, key = world.authority.issue(name, www, foreign)
    for one in (ours, theirs):
        answer = world.api.ok("POST", f"/zones/{one['id']}/custom_certificates",
                              {"certificate": chain.read_text(), "private_key": key.read_text()})
        world.api.applied(answer, one["id"])

    wanted = {name: 200, www: 200, f"{www}:{world.edge.https}": 200,
              deep: 421,      # not in the certificate
              other: 421,     # the same account, not in the certificate
              foreign: 421,   # in the certificate, another account
              "nobody.example.org": 404}
    connection = H2(world.edge, name)
    for authority, status in wanted.items():
        assert connection.get(authority) == status, authority
    assert connection.get(name) == 200
    connection.close()
    with connect(world.edge, name) as sock:
        for authority, status in wanted.items():
            assert ask(sock, authority) == status, authority
    connection = H2(world.edge, foreign)
    assert [connection.get(foreign), connection.get(name)] == [200, 421]
    connection.close()


def test_37_22_an_old_connection_does_not_reach_a_stricter_zone(world, origin):
    ours, name = world.zone(origin.port)
    strict, strict_name = world.zone(origin.port, settings={"min_tls_version": "1.3"})
    chain, key = world.authority.issue(name, strict_name)
    for one in (ours, strict):
        answer = world.api.ok("POST", f"/zones/{one['id']}/custom_certificates",
                              {"certificate": chain.read_text(), "private_key": key.read_text()})
        world.api.applied(answer, one["id"])
    for newest, status in ((TLS_1_2, 421), (TLS_1_3, 200)):
        with connect(world.edge, name, client(newest=newest)) as sock:
            assert [ask(sock, name), ask(sock, strict_name)] == [200, status]


# ---- certificates

def test_37_30_certificates_change_under_load(make_world):
    world = make_world(workers=2).start()
    zone = world.zone(world.nginx().port)
    host, failed, done, stopping = zone[1], [], [], threading.Event()

    def load():
        made = client()
        while not stopping.is_set():
            try:
                with connect(world.edge, host, made) as sock:
                    assert ask(sock, host) == 200
                done.append(1)
            except (OSError, AssertionError) as error:
                failed.append(repr(error))

    kept = connect(world.edge, host)
    local = shown(world.edge, host)
    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(4):
            answer, serial, _ = upload(world, zone, host, f"*.{host}")
            world.api.applied(answer, zone[0]["id"])
            assert shown(world.edge, host) == serial
            assert ask(kept, host) == 200
            gone = world.api.ok("DELETE", f"/zones/{zone[0]['id']}/custom_certificates/{answer.result['id']}")
            world.api.applied(gone, zone[0]["id"])
            assert shown(world.edge, host) == local
        kept_id = upload(world, zone, host)[0].result["id"]
        for _ in range(4):
            chain, key = world.authority.issue(host)
            answer = world.api.ok("PATCH", f"/zones/{zone[0]['id']}/custom_certificates/{kept_id}",
                                  {"certificate": chain.read_text(), "private_key": key.read_text()})
            world.api.applied(answer, zone[0]["id"])
            assert shown(world.edge, host) == x509.load_pem_x509_certificate(chain.read_bytes()).serial_number
            kept_id = answer.result["id"]
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    assert [row["id"] for row in world.api.ok("GET", f"/zones/{zone[0]['id']}/custom_certificates").result] == [kept_id]
    assert ask(kept, host) == 200
    kept.close()
    assert not failed and len(done) > 8, (failed[:3], len(failed), len(done))


@pytest.mark.parametrize("fault", ("key", "expired", "name", "weak", "curve", "garbage"))
def test_37_31_certificates_that_cannot_be_shown_are_refused(world, zone, tmp_path, fault):
    chain, key = world.authority.issue(zone[1], days=-1 if fault == "expired" else 90)
    if fault == "key":
        key = world.authority.issue(zone[1])[1]
    if fault == "name":
        chain, key = world.authority.issue("www.example.org")
    if fault in ("weak", "curve"):
        chain, key = tmp_path / "c.pem", tmp_path / "c.key"
        kind = ["-newkey", "rsa:1024"] if fault == "weak" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"]
        subprocess.run(["openssl", "req", "-x509", "-nodes", *kind, "-keyout", key, "-out", chain, "-days", "9",
                        "-subj", "/CN=x", "-addext", f"subjectAltName=DNS:{zone[1]}"], check=True, capture_output=True)
    body = {"certificate": chain.read_text(), "private_key": key.read_text()}
    if fault == "garbage":
        body["certificate"] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    answer = world.api.call("POST", f"/zones/{zone[0]['id']}/custom_certificates", body)
    assert answer.status == 400, answer.text
    assert "PRIVATE KEY" not in answer.text


def test_37_32_private_keys_are_nowhere_in_clear(make_world):
    world = make_world(workers=2).start()
    zone = world.zone(world.nginx().port)
    answer, serial, pem = upload(world, zone, zone[1])
    world.api.applied(answer, zone[0]["id"])
    assert shown(world.edge, zone[1]) == serial
    told = world.api.ok("GET", f"/zones/{zone[0]['id']}/custom_certificates/{answer.result['id']}").text
    assert "private_key" not in told and "PRIVATE" not in told

    key = load_pem_private_key(pem, None)
    secret = key.private_numbers().private_value.to_bytes(32, "big")
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    needles = {"scalar": secret, "der": der, "hex": secret.hex().encode(), "base64": base64.b64encode(secret),
               "pem": pem.split(b"\n")[2], "header": b"PRIVATE KEY"}
    searched = 0
    for path in sorted(world.directory.rglob("*")):
        if path.is_file() and path.suffix != ".key":
            content = path.read_bytes()
            searched += len(content)
            for kind, needle in needles.items():
                assert needle not in content, (path.name, kind)
    names = {path.name for path in world.directory.rglob("*")}
    assert {"control.db", "control.db-wal", "replica.db"} <= names and searched > 100000, names
    for log in (world.control.log_text(), world.edge.log_text()):
        assert not [kind for kind, needle in needles.items() if needle.decode("latin-1") in log]
