"""The official Cloudflare SDK, unmodified, with another base URL; its own types judge every answer."""
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from harness.control import EMAIL, Control

ROOT = Path(__file__).resolve().parent.parent.parent
SDK = ROOT / "build/sdk"
GROUPS = ("zones", "settings", "records", "certificates", "origin_ca", "accounts", "user", "audit", "members", "tokens")


def make_csr(name):
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def verdicts(build, authority, tmp_path_factory):
    """One run of all groups: most of its time is the compiler's."""
    assert (SDK / "node_modules/cloudflare").is_dir(), "run `make sdk` first"
    for source in (ROOT / "tests/sdk").glob("*.mjs"):
        shutil.copy(source, SDK)
    control = Control(build, tmp_path_factory.mktemp("sdk"), flags=("--name-servers", "ns1.example.org,ns2.example.org",
                             "--allow-origin", "203.0.113.0/24"))
    control.bootstrap().start()
    chain, key = authority.issue("certificates.example.org", "*.certificates.example.org")
    client_chain, client_key = authority.issue("edge.example.org", usage=x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH)
    told = {"base_url": f"http://127.0.0.1:{control.port}/client/v4", "token": control.token,
            "account_id": control.account_id, "email": EMAIL, "groups": GROUPS,
            "certificate": Path(chain).read_text(), "private_key": Path(key).read_text(),
            "client_certificate": Path(client_chain).read_text(), "client_private_key": Path(client_key).read_text(),
            "csr": make_csr("origin-ca.example.org")}
    try:
        done = subprocess.run(["node", "flow.mjs"], cwd=SDK, input=json.dumps(told), capture_output=True, text=True,
                              timeout=300)
    finally:
        control.stop()
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("group", GROUPS)
def test_45_01_the_sdk_does_its_work(verdicts, group):
    flow = [one for one in verdicts if one["group"] == group and one["step"] == "flow"]
    assert [one["problems"] for one in flow] == [[]]


@pytest.mark.parametrize("group", GROUPS)
def test_45_02_no_answer_lacks_what_the_sdks_types_declare(verdicts, group):
    judged = [one for one in verdicts if one["group"] == group and one["step"] != "flow"]
    assert judged
    assert {one["step"]: one["problems"] for one in judged if one["problems"]} == {}
