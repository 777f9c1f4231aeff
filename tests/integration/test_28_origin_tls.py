"""TLS to the origin: the origin CA, client certificates, and which rule a bad certificate breaks."""
import contextlib
import datetime
import json
import re
import sqlite3
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.api import Api
from harness.certs import Authority
from harness.process import wait_until

VISITORS = ("h1", "h2")
ROOT = Path(__file__).resolve().parent.parent.parent
NOBODYS_PORT = 13999  # of origins that are never asked


def request_for(directory, *names, kind="ec"):
    """(csr as PEM, path of the key): what an origin's owner makes."""
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
    csr = (x509.CertificateSigningRequestBuilder()
           .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])).sign(key, hashes.SHA256()))
    path = directory / f"{names[0].replace('*', 'star')}.origin.key"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))
    return csr.public_bytes(serialization.Encoding.PEM).decode(), path


def sign(world, directory, *names, validity=7, **options):
    """What POST /certificates answers, and the files that an origin serves with."""
    csr, key = request_for(directory, *names, **options)
    answer = world.api.ok("POST", "/certificates", {"csr": csr, "hostnames": list(names), "request_type": "origin-ecc",
                                                    "requested_validity": validity})
    chain = key.with_suffix(".pem")
    chain.write_text(answer.result["certificate"])
    return answer.result, (chain, key)


def origin_ca(world):
    told = subprocess.run([world.control.program, "ca", "--origin", "--store", world.control.store],
                          capture_output=True, text=True, timeout=30)
    assert told.returncode == 0, told.stderr
    return told.stdout


class Clients(Authority):
    """The CA that an origin trusts for those who connect to it."""

    def client(self, name, days=30):
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        certificate = (
            x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self.certificate.subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=60))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self.key, hashes.SHA256()))
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption()).decode()
        return certificate.public_bytes(serialization.Encoding.PEM).decode(), private


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    return Clients(tmp_path_factory.mktemp("clients"), "client ca")


def demand(origin, ca_path):
    """From now on only who shows a certificate of this CA gets in."""
    origin.tls.verify_mode = ssl.CERT_REQUIRED
    origin.tls.load_verify_locations(str(ca_path))
    return origin


def upload(world, zone, pair):
    return world.api.ok("POST", f"/zones/{zone['id']}/origin_tls_client_auth",
                        {"certificate": pair[0], "private_key": pair[1]})


def switch(world, zone, enabled):
    answer = world.api.ok("PUT", f"/zones/{zone['id']}/origin_tls_client_auth/settings", {"enabled": enabled})
    world.api.applied(answer, zone["id"])
    return answer


def check_refused(world, host, status, slug, words, protocol="h2"):
    """The page, for people and for programs, and the log say what is wrong."""
    page = world.visitor(protocol).get(host, "/x", "-H", "accept: application/json")
    assert page.status == status, page.body
    assert re.search(words, page.body.decode()), page.body
    html = world.visitor(protocol).get(host, "/x").body.decode()
    assert re.search(words, html.replace("&#39;", "'")), html
    line = world.edge.await_access(host=host, status=status)[-1]
    assert line["err"] == slug
    return line


# ---- the origin CA

def test_28_01_the_origin_ca_signs_and_openssl_agrees(world, tmp_path):
    zone, host = world.zone(NOBODYS_PORT)
    told, (chain, _) = sign(world, tmp_path, host, f"*.{host}")
    assert {"id", "certificate", "csr", "hostnames", "expires_on", "request_type", "requested_validity"} <= told.keys()
    assert told["hostnames"] == [host, f"*.{host}"] and told["requested_validity"] == 7
    ca = tmp_path / "origin-ca.pem"
    ca.write_text(origin_ca(world))
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", f"a.{host}",
                           "-CAfile", ca, chain], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    local = subprocess.run([world.control.program, "ca", "--store", world.control.store], capture_output=True, text=True,
                           timeout=30).stdout
    assert local != ca.read_text()
    assert world.api.ok("GET", f"/certificates/{told['id']}").result == told
    listed = world.api.ok("GET", f"/certificates?zone_id={zone['id']}")
    assert listed.result == [told] and listed.body["result_info"]["total_count"] == 1


@pytest.mark.parametrize("protocol", VISITORS)
@pytest.mark.parametrize("ssl_mode,kind", (("strict", "ec"), ("origin_pull", "rsa")))
def test_28_02_strict_trusts_the_origin_ca(world, tmp_path, protocol, ssl_mode, kind):
    zone, host = world.zone(NOBODYS_PORT, settings={"ssl": ssl_mode})
    _, files = sign(world, tmp_path, host, kind=kind)
    origin = world.origin(certificate=files)
    world.api.applied(world.api.origin(zone["id"], f"a.{host}", origin.port, origin_sni=host), zone["id"])
    assert world.visitor(protocol).get(f"a.{host}").status == 200


@pytest.mark.parametrize("body,field", (
    ({"hostnames": ["www.example.org"]}, "hostnames"),
    ({"hostnames": ["net"]}, "hostnames"),
    ({"hostnames": []}, "hostnames"),
    ({"hostnames": ["a..b"]}, "hostnames"),
    ({"csr": "not a csr"}, "csr"),
    ({"requested_validity": 8}, "requested_validity"),
    ({"request_type": "keyless"}, "request_type"),
))
def test_28_03_what_is_not_signed(world, tmp_path, body, field):
    _, host = world.zone(NOBODYS_PORT)
    csr, _ = request_for(tmp_path, host)
    answer = world.api.call("POST", "/certificates", {"csr": csr, "hostnames": [host], **body})
    assert answer.status == 400 and field in answer.text, answer.text


def test_28_04_a_weak_key_is_not_signed(world):
    _, host = world.zone(NOBODYS_PORT)
    key = rsa.generate_private_key(65537, 1024)
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    answer = world.api.call("POST", "/certificates", {"csr": csr.public_bytes(serialization.Encoding.PEM).decode(),
                                                      "hostnames": [host]})
    assert answer.status == 400 and "1024" in answer.text


def test_28_05_another_tenant_gets_and_sees_nothing(world, tmp_path):
    zone, host = world.zone(NOBODYS_PORT)
    told, _ = sign(world, tmp_path, host)
    made = subprocess.run([world.control.program, "user", "--store", world.control.store, "--email", "tls@example.com",
                           "--password-stdin"], input="another password\n", capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    other = Api(world.control.port, json.loads(made.stdout)["token"])
    csr, _ = request_for(tmp_path, host)
    foreign = other.call("POST", "/certificates", {"csr": csr, "hostnames": [host]})
    absent = other.call("POST", "/certificates", {"csr": csr, "hostnames": ["nobody.example.org"]})
    assert other.call("POST", "/zones", {"name": "claimed.example.org"}).result["status"] == "pending"
    claimed = other.call("POST", "/certificates", {"csr": csr, "hostnames": ["claimed.example.org"]})
    assert claimed.status == 400 and "pending" in claimed.text, "edges trust this CA: a claim is no proof"
    assert foreign.status == absent.status == 400
    assert foreign.text.replace(host, "") == absent.text.replace("nobody.example.org", "")
    for method, path, body in (("GET", f"/certificates/{told['id']}", None), ("DELETE", f"/certificates/{told['id']}", None),
                               ("GET", f"/certificates?zone_id={zone['id']}", None),
                               ("GET", f"/zones/{zone['id']}/origin_tls_client_auth", None),
                               ("GET", f"/zones/{zone['id']}/origin_tls_client_auth/settings", None),
                               ("PUT", f"/zones/{zone['id']}/origin_tls_client_auth/settings", {"enabled": True})):
        assert other.call(method, path, body).status == 404, (method, path)
    assert world.api.call("GET", "/certificates").status == 400


def test_28_06_a_revoked_certificate_is_refused(world, tmp_path):
    zone, host = world.zone(NOBODYS_PORT, settings={"ssl": "strict"})
    told, files = sign(world, tmp_path, host)
    _, good_files = sign(world, tmp_path, f"good.{host}")
    bad, good = world.origin(certificate=files), world.origin(certificate=good_files)
    world.api.origin(zone["id"], f"bad.{host}", bad.port, origin_sni=host)
    world.api.applied(world.api.origin(zone["id"], f"good.{host}", good.port), zone["id"])

    gone = world.api.ok("DELETE", f"/certificates/{told['id']}")

    assert gone.result["id"] == told["id"] and gone.revision > 0
    # A later change of the zone is applied after it.
    world.api.applied(world.api.setting(zone["id"], "origin_h2_max_streams", 7), zone["id"])
    check_refused(world, f"bad.{host}", 526, "origin_certificate", "revoked")
    assert world.visitor().get(f"good.{host}").status == 200
    assert world.api.call("DELETE", f"/certificates/{told['id']}").status == 400
    listed = world.api.ok("GET", f"/certificates?zone_id={zone['id']}").result
    assert [one["hostnames"] for one in listed] == [[f"good.{host}"]]
    assert world.api.ok("GET", f"/certificates/{told['id']}").result["revoked_at"].endswith("Z")
    # An origin that another CA certified is not looked up in the list.
    public = world.origin()
    _, other = world.zone(public.port, settings={"ssl": "strict"})
    assert world.visitor().get(other).status == 200


def make_older(path, newest):
    """The same store as a program had it that knew migrations up to `newest` only: what it had no place for is not there."""
    files = [file for file in sorted((ROOT / "schema/sql").glob("0*.sql")) if int(file.name[:4]) <= newest]
    made = path.with_name("older.db")
    with contextlib.closing(sqlite3.connect(made)) as store:
        store.execute("ATTACH ? AS newer", (str(path),))
        for file in files:
            store.executescript(file.read_text())
        store.execute("CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, "
                      "checksum BLOB NOT NULL, applied_at_us INTEGER NOT NULL) STRICT")
        here = [row[0] for row in store.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table' "
                                                "AND name NOT LIKE 'sqlite_%'")]
        for table in here:
            columns = ", ".join(row[1] for row in store.execute(f"PRAGMA main.table_info({table})"))
            store.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
        store.execute("DELETE FROM schema_migrations WHERE number > ?", (newest,))
        application = store.execute("PRAGMA newer.application_id").fetchone()[0]
        store.commit()
        store.execute(f"PRAGMA main.application_id = {application}")
        store.execute("PRAGMA main.journal_mode = WAL")
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    made.rename(path)


def test_28_07_a_store_that_is_older_than_the_origin_ca(make_world, tmp_path):
    """It is migrated with all it has; the CA comes with the first certificate, and running edges hear of it."""
    world = make_world(workers=1).start()
    plain = world.origin()
    old_zone, old_host = world.zone(plain.port)
    old_key = world.authority.issue(old_host)
    world.api.applied(world.api.ok("POST", f"/zones/{old_zone['id']}/custom_certificates", {
        "certificate": old_key[0].read_text(), "private_key": old_key[1].read_text()}), old_zone["id"])
    shown = world.api.ok("GET", f"/zones/{old_zone['id']}/custom_certificates").result
    world.control.stop()
    make_older(world.control.store, 1)
    world.control.start()
    assert world.api.ok("GET", f"/zones/{old_zone['id']}/custom_certificates").result == shown
    assert world.visitor().get(old_host).status == 200

    zone, host = world.zone(NOBODYS_PORT, settings={"ssl": "strict"})
    missing = subprocess.run([world.control.program, "ca", "--origin", "--store", world.control.store],
                             capture_output=True, text=True, timeout=30)
    assert missing.returncode == 1 and "no origin CA" in missing.stderr
    _, files = sign(world, tmp_path, host)
    origin = world.origin(certificate=files)
    world.api.applied(world.api.origin(zone["id"], f"a.{host}", origin.port, origin_sni=host), zone["id"])
    assert world.visitor().get(f"a.{host}").status == 200
    assert "BEGIN CERTIFICATE" in origin_ca(world)
    # The edge has it without control, too.
    world.control.stop()
    world.edge.stop()
    world.edge.start()
    assert world.visitor().get(f"a.{host}").status == 200
    assert world.visitor().get(old_host).status == 200


# ---- what is wrong with a certificate

@pytest.mark.parametrize("protocol", VISITORS)
@pytest.mark.parametrize("why,words", (("name", "does not cover the name"), ("expired", "has expired"),
                                       ("issuer", "issuer is unknown"), ("self", "self-signed")))
def test_28_08_which_rule_a_certificate_breaks(world, tmp_path, protocol, why, words):
    def self_signed():
        alone = Authority(tmp_path, "alone")
        alone.path.with_suffix(".key").write_bytes(alone.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return alone.path, alone.path.with_suffix(".key")
    certificate = {"name": lambda: world.authority.issue("other.example.org"),
                   "expired": lambda: world.authority.issue("*.example.net", days=-5),
                   "issuer": lambda: Authority(tmp_path, "stranger").issue("*.example.net"),
                   "self": self_signed}[why]()
    origin = world.origin(certificate=certificate)
    _, host = world.zone(origin.port, settings={"ssl": "strict"})
    line = check_refused(world, host, 526, "origin_certificate", words, protocol)
    assert re.search(words, line["reason"])
    _, lenient = world.zone(origin.port)
    assert world.visitor(protocol).get(lenient).status == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_28_09_tls_before_1_2_is_525(world):
    origin = world.origin()
    origin.tls.minimum_version = ssl.TLSVersion.TLSv1
    origin.tls.maximum_version = ssl.TLSVersion.TLSv1_1
    origin.tls.set_ciphers("ALL:@SECLEVEL=0")
    _, host = world.zone(origin.port)
    line = check_refused(world, host, 525, "origin_tls", "1\\.2")
    assert "1.2" in line["reason"]


@pytest.mark.parametrize("sni", (None, "inner.example.net"))
def test_28_10_sni_is_the_visitors_host_or_the_records(world, sni):
    seen = []
    origin = world.origin()
    origin.tls.sni_callback = lambda sock, name, context: seen.append(name)
    _, host = world.zone(origin.port, settings={"ssl": "strict"}, **({"origin_sni": sni} if sni else {}))
    assert world.visitor().get(host).status == 200
    assert set(seen) == {sni or host}


# ---- client certificates

@pytest.mark.parametrize("protocol", VISITORS)
@pytest.mark.parametrize("alpn,version", ((("h2", "http/1.1"), ssl.TLSVersion.TLSv1_3), (("http/1.1",), ssl.TLSVersion.TLSv1_3),
                                          (("h2", "http/1.1"), ssl.TLSVersion.TLSv1_2)), ids=("h2", "h1", "tls12"))
def test_28_11_an_origin_that_wants_a_client_certificate(world, clients, protocol, alpn, version):
    origin = demand(world.origin(alpn=alpn), clients.path)
    origin.tls.maximum_version = version
    zone, host = world.zone(origin.port)
    upload(world, zone, clients.client("edge"))
    off = world.api.ok("GET", f"/zones/{zone['id']}/origin_tls_client_auth/settings").result
    assert off == {"enabled": False}
    check = world.visitor(protocol).get(host, "/x", "-H", "accept: application/json")
    assert check.status == 525 and b"the origin " in check.body and b"wants a client certificate" in check.body

    assert switch(world, zone, True).result == {"enabled": True}
    assert world.api.ok("GET", f"/zones/{zone['id']}/settings/tls_client_auth").result["value"] == "on"
    assert world.visitor(protocol).get(host).status == 200

    world.api.applied(world.api.setting(zone["id"], "tls_client_auth", "off"), zone["id"])
    assert world.visitor(protocol).get(host).status == 525


def test_28_12_a_certificate_that_the_origin_does_not_accept(world, clients, tmp_path):
    origin = demand(world.origin(), clients.path)
    zone, host = world.zone(origin.port)
    upload(world, zone, Clients(tmp_path, "unknown ca").client("edge"))
    switch(world, zone, True)
    line = check_refused(world, host, 525, "origin_client_certificate", "the origin refused the client certificate")
    assert line["reason"].startswith("the origin refused the client certificate")


def test_28_13_rotation_drops_nobody(world, clients):
    origin = demand(world.origin(), clients.path)
    zone, host = world.zone(origin.port)
    first = upload(world, zone, clients.client("first")).result
    switch(world, zone, True)
    pages = []
    slow = threading.Thread(target=lambda: pages.append(
        world.visitor().get(host, "/slow?bytes=60000&chunks=6&chunk_delay_ms=250")))
    slow.start()
    wait_until(lambda: origin.seen("/slow"), "the slow one runs")

    second = upload(world, zone, clients.client("second"))
    world.api.applied(second, zone["id"])
    assert world.visitor().get(host, "/new").status == 200
    deleted = world.api.ok("DELETE", f"/zones/{zone['id']}/origin_tls_client_auth/{first['id']}")
    world.api.applied(deleted, zone["id"])
    assert world.visitor().get(host, "/newer").status == 200

    slow.join(20)
    assert pages[0].status == 200 and len(pages[0].body) == 60000
    connections = {one.path.split("?")[0]: one.connection for one in origin.seen()}
    assert connections["/new"] != connections["/slow"]
    listed = world.api.ok("GET", f"/zones/{zone['id']}/origin_tls_client_auth").result
    assert [one["id"] for one in listed] == [second.result["id"]]


def test_28_14_two_certificates_never_share_a_connection(world, clients):
    origin = demand(world.origin(), clients.path)
    zones = []
    for name in ("one", "two"):
        zone, host = world.zone(origin.port, origin_sni="shared.example.net")
        upload(world, zone, clients.client(name))
        switch(world, zone, True)
        zones.append(host)
    for turn in range(3):
        for host in zones:
            assert world.visitor().get(host, f"/{zones.index(host)}-{turn}").status == 200
    used = [{one.connection for one in origin.seen(f"/{index}-")} for index in range(2)]
    assert not used[0] & used[1], used


@pytest.mark.parametrize("pair,field", (
    (lambda c: (c.client("a")[0], c.client("b")[1]), "private_key"),
    (lambda c: ("nonsense", c.client("b")[1]), "certificate"),
    (lambda c: c.client("late", days=-2), "certificate"),
    (lambda c: tuple(path.read_text() for path in c.issue("server.example.net")), "certificate"),
), ids=("key", "pem", "expired", "server"))
def test_28_15_client_certificates_that_are_refused(world, clients, pair, field):
    zone, _ = world.zone(NOBODYS_PORT)
    chain, key = pair(clients)
    answer = world.api.call("POST", f"/zones/{zone['id']}/origin_tls_client_auth",
                            {"certificate": chain, "private_key": key})
    assert answer.status == 400 and field in answer.text, answer.text


def test_28_16_members_and_limits(world, clients):
    zone, _ = world.zone(NOBODYS_PORT)
    path = f"/zones/{zone['id']}/origin_tls_client_auth"
    made = upload(world, zone, clients.client("member")).result
    assert {"id", "certificate", "issuer", "signature", "status", "expires_on", "uploaded_on"} <= made.keys()
    assert "private_key" not in made and "PRIVATE KEY" not in str(made)
    assert world.api.ok("GET", f"{path}/{made['id']}").result == made
    assert world.api.ok("GET", f"/zones/{zone['id']}/custom_certificates").result == []
    assert world.api.call("GET", f"/zones/{zone['id']}/custom_certificates/{made['id']}").status == 404
    assert world.api.call("PUT", f"{path}/settings", {"enabled": "yes"}).status == 400
    for number in range(7):
        upload(world, zone, clients.client(f"n{number}"))
    assert world.api.call("POST", path, dict(zip(("certificate", "private_key"), clients.client("too many")))).status == 400
    assert world.api.ok("DELETE", f"{path}/{made['id']}").result == {"id": made["id"]}
    assert world.api.call("GET", f"{path}/{made['id']}").status == 404


def test_28_17_keys_are_nowhere_in_clear_and_changes_are_audited(world, clients, tmp_path):
    zone, host = world.zone(NOBODYS_PORT)
    chain, key = clients.client("secret")
    made = upload(world, zone, (chain, key))
    world.api.applied(made, zone["id"])
    signed, _ = sign(world, tmp_path, host)
    secret = "".join(key.splitlines()[1:-1]).encode()
    halves = [line.encode() for line in key.splitlines()[1:-1]]
    files = [*world.directory.glob("control.db*"), *world.edge.state.rglob("*")]
    assert any(chain.splitlines()[1].encode() in path.read_bytes() for path in files if path.is_file())
    for path in files:
        if path.is_file():
            bytes_of = path.read_bytes()
            assert secret not in bytes_of and not any(half in bytes_of for half in halves[:-1]), path
            if path.name != "control.db.key" and "key" not in path.name:
                assert b"PRIVATE KEY" not in bytes_of, path
    for text in (world.control.log_text(), world.edge.log_text()):
        assert "PRIVATE KEY" not in text and not any(half.decode() in text for half in halves[:-1])
    with sqlite3.connect(f"file:{world.control.store}?mode=ro", uri=True) as store:
        deeds = [row[0] for row in store.execute("SELECT action FROM audit WHERE new_json LIKE ? OR new_json LIKE ?",
                                                 (f"%{made.result['id']}%", f"%{signed['id']}%"))]
    assert sorted(deeds) == ["certificate.create", "origin_certificate.create"]
