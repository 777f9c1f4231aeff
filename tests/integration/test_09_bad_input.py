"""Bad input gets a clear error and loses nothing."""
import socket

import pytest

from harness.process import free_port, run


@pytest.fixture(params=("trunkline-control", "trunkline-edge"))
def program(request, build):
    return build / request.param


def first(program):
    return [program, "serve"] if program.name == "trunkline-control" else [program]


def test_09_01_an_unknown_flag(program):
    done = run([*first(program), "--no-such-flag"])
    assert done.returncode == 2
    assert "--no-such-flag" in done.stderr and "--help" in done.stderr


def test_09_02_a_flag_without_its_value(program):
    done = run([*first(program), "--socket"])
    assert done.returncode == 2 and "--socket" in done.stderr


@pytest.mark.parametrize("flag,value", (("--workers", "0"), ("--workers", "many"), ("--https", "nowhere"), ("--https", "127.0.0.1:99999"),
                                        ("--allow-origin", "10.0.0.0/99"), ("--origin-read-timeout", "soon"),
                                        ("--edge-id", "white space")))
def test_09_03_values_that_are_none(build, tmp_path, flag, value):
    done = run([build / "trunkline-edge", "--state", tmp_path, "--socket", tmp_path / "s", "--http", "127.0.0.1:0",
                *([] if flag == "--https" else ["--https", "127.0.0.1:0"]), flag, value])
    assert done.returncode in (1, 2) and (flag in done.stderr or value in done.stderr), done.stderr


def test_09_04_a_port_in_use(build, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        edge = run([build / "trunkline-edge", "--state", tmp_path / "state", "--socket", tmp_path / "s",
                    "--https", f"127.0.0.1:{port}", "--http", "127.0.0.1:0"])
        control = run([build / "trunkline-control", "serve", "--store", tmp_path / "c.db", "--socket", tmp_path / "s",
                       "--listen", f"127.0.0.1:{port}"])
    for done in (edge, control):
        assert done.returncode == 1 and str(port) in done.stderr and "in use" in done.stderr, done.stderr


def test_09_05_a_store_that_is_not_sqlite(build, tmp_path):
    store = tmp_path / "notes.txt"
    store.write_text("this is a shopping list, not a database\n" * 100)
    before = store.read_bytes()

    done = run([build / "trunkline-control", "serve", "--store", store, "--socket", tmp_path / "s",
                "--listen", f"127.0.0.1:{free_port()}"])

    assert done.returncode == 1 and "notes.txt" in done.stderr
    assert store.read_bytes() == before


def test_09_06_a_socket_path_too_long(build, tmp_path):
    path = tmp_path / ("x" * 200)
    for command in ([build / "trunkline-control", "serve", "--store", tmp_path / "c.db", "--socket", path,
                     "--listen", "127.0.0.1:0"],
                    [build / "trunkline-edge", "--state", tmp_path / "e", "--socket", path, "--https", "127.0.0.1:0",
                     "--http", "127.0.0.1:0"]):
        done = run(command)
        assert done.returncode in (1, 2) and "107" in done.stderr, done.stderr


def test_09_07_a_second_control_on_one_store(make_world):
    world = make_world()
    world.control.start()
    done = run([world.control.program, "serve", "--store", world.control.store, "--socket", world.directory / "t.sock",
                "--listen", f"127.0.0.1:{free_port()}"])
    assert done.returncode == 1 and "another" in done.stderr
    assert world.api.ok("GET", "/zones").status == 200


def test_09_08_a_directory_that_does_not_exist(build, tmp_path):
    done = run([build / "trunkline-control", "serve", "--store", tmp_path / "no/such/c.db", "--socket", tmp_path / "s",
                "--listen", "127.0.0.1:0"])
    assert done.returncode == 1 and "no/such" in done.stderr


def test_09_09_passwords_have_a_length(build, tmp_path):
    for password in ("short\n", "x" * 2000 + "\n", "\n"):
        done = run([build / "trunkline-control", "bootstrap", "--store", tmp_path / "c.db", "--email", "a@example.com",
                    "--password-stdin"], input=password)
        assert done.returncode in (1, 2) and "password" in done.stderr
    done = run([build / "trunkline-control", "bootstrap", "--store", tmp_path / "c.db", "--email", "not an address",
                "--password-stdin"], input="long enough password\n")
    assert done.returncode in (1, 2) and "mail" in done.stderr


MALFORMED = {
    "two lengths": b"GET / HTTP/1.1\r\nHost: {h}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "length and coding": b"POST / HTTP/1.1\r\nHost: {h}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: {h}\r\nHost: other\r\n\r\n",
    "bare lf": b"GET / HTTP/1.1\nHost: {h}\n\n",
    "space before colon": b"GET / HTTP/1.1\r\nHost: {h}\r\nX-A : 1\r\n\r\n",
    "folded line": b"GET / HTTP/1.1\r\nHost: {h}\r\nX-A: 1\r\n 2\r\n\r\n",
    "nul": b"GET / HTTP/1.1\r\nHost: {h}\r\nX-A: a\x00b\r\n\r\n",
    "xchunked": b"POST / HTTP/1.1\r\nHost: {h}\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: {h}\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
    "negative length": b"POST / HTTP/1.1\r\nHost: {h}\r\nContent-Length: -1\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: {h}\r\n\r\n",
    "version": b"GET / HTTP/3.0\r\nHost: {h}\r\n\r\n",
    "fragment": b"GET /#f HTTP/1.1\r\nHost: {h}\r\n\r\n",
    "connect": b"CONNECT {h}:443 HTTP/1.1\r\nHost: {h}:443\r\n\r\n",
    "trace": b"TRACE / HTTP/1.1\r\nHost: {h}\r\n\r\n",
    "bad chunk": b"POST / HTTP/1.1\r\nHost: {h}\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "raw 8 bit target": b"GET /\xff HTTP/1.1\r\nHost: {h}\r\n\r\n",
    "userinfo host": b"GET / HTTP/1.1\r\nHost: a@{h}\r\n\r\n",
    "noise": bytes(range(256)),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_09_10_ambiguous_requests_are_refused_and_not_forwarded(world, what):
    origin = world.origin()
    _, host = world.zone(origin.port)
    with socket.create_connection(("127.0.0.1", world.edge.http), timeout=15) as sock:
        sock.sendall(MALFORMED[what].replace(b"{h}", host.encode()))
        got = b""
        while piece := sock.recv(4096):
            got += piece
    assert got[9:10] in (b"4", b"5"), got[:60]
    if what != "bad chunk":
        assert origin.seen() == []
    assert world.visitor("plain").get(host, "/next").status == 200


def test_09_11_heads_have_limits(world):
    origin = world.origin()
    _, host = world.zone(origin.port)
    for head, status in ((b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", b"414"),
                         (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X-A: b\r\n" * 200 + b"\r\n", b"431"),
                         (b"GET / HTTP/1.1\r\nHost: h\r\nX-A: " + b"b" * 70000 + b"\r\n\r\n", b"431")):
        with socket.create_connection(("127.0.0.1", world.edge.http), timeout=15) as sock:
            try:
                sock.sendall(head)
            except OSError:
                pass
            assert sock.recv(4096)[9:12] == status
    page = world.visitor("h2").get(host, "/x", *sum((["-H", f"x-{i}: {i}"] for i in range(150)), []))
    assert page.status == 431
