"""What was found by attacking the whole from outside, one test for each finding, by its number."""
import json
import socket

import pytest

from harness.frames import DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, block, frame
from harness.process import wait_until
from harness.sites import Prober, Site


@pytest.fixture(scope="module")
def sites(world):
    made = {"h1": Site(world, "h1"), "h2": Site(world, "h2")}
    yield made
    for one in made.values():
        one.close()


def ask_plain(site, path, *lines):
    """The status of one HTTP/1.1 request with these field lines."""
    with socket.create_connection(("127.0.0.1", site.edge.http), timeout=10) as sock:
        sock.sendall("\r\n".join([f"GET {path} HTTP/1.1", f"Host: {site.host}", *lines, "", ""]).encode())
        return int(sock.recv(65536).split(b" ", 2)[1])


def ask_h2(prober, path, *fields):
    """The outcome of one HTTP/2 request with these fields."""
    stream = prober.request([(":method", "GET"), (":scheme", "https"), (":authority", prober.host), (":path", path), *fields])
    return prober.outcome(stream)


def message_of(site, path):
    return next(one for one in site.origin.whole if one.path == path)


def test_1_a_cookie_line_without_a_cookie_is_no_malformed_request(sites):
    """`a=b` and nothing, joined, ended in a blank, and the request was refused."""
    site = sites["h1"]
    prober = Prober(site.edge, site.host)
    assert ask_h2(prober, "/crumbs", ("cookie", "a=b"), ("cookie", ""), ("cookie", "c=d"), ("cookie", "")) == 200
    assert message_of(site, "/crumbs").field("cookie") == ["a=b; c=d"]
    prober.close()


def test_2_connection_does_not_hide_a_loop_or_a_visitor(sites):
    """A visitor had CDN-Loop taken away by naming it in Connection: an edge that had seen the request did not know it."""
    site = sites["h1"]
    assert ask_plain(site, "/loop", "CDN-Loop: test-1") == 508
    assert ask_plain(site, "/loop", "Connection: cdn-loop", "CDN-Loop: test-1") == 508
    assert ask_plain(site, "/hop", "Connection: x-forwarded-for, x-hop", "X-Forwarded-For: 192.0.2.7", "X-Hop: 1") == 200
    message = message_of(site, "/hop")
    assert message.field("x-forwarded-for") == ["192.0.2.7, 127.0.0.1"] and not message.field("x-hop")


@pytest.mark.parametrize("name", ("cf_connecting_ip", "cf-connecting_ip", "x_forwarded_for", "x_forwarded_proto", "cf_ray",
                                  "content_length", "transfer_encoding", "transferencoding"))
def test_3_an_underscore_is_no_way_to_say_what_only_the_edge_says(sites, name):
    """Origins behind CGI or WSGI read `CF_Connecting_IP` as `CF-Connecting-IP`."""
    known = name != "transferencoding"
    site = sites["h1"]
    assert ask_plain(site, "/mask", f"{name.title()}: 5") == (400 if known else 200)
    prober = Prober(site.edge, site.host)
    assert ask_h2(prober, "/mask", (name, "5")) == ("reset" if known else 200)
    assert ask_h2(prober, "/mask", ("x_request_id", "5")) == 200
    prober.close()


def test_4_the_access_log_does_not_grow_by_what_hpack_repeats(sites):
    """A target of 4 KB costs its sender one byte from the second time on, and cost the log 8 KB each time."""
    site = sites["h1"]
    prober = Prober(site.edge, site.host)
    path = "/" + '"' * 3900
    assert ask_h2(prober, path) == 200
    entry = wait_until(lambda: [one for one in site.edge.access(host=site.host) if one["path"].startswith('/""')], "its line")[0]
    assert entry["path"] == path[:2048] and len(json.dumps(entry)) < 6000
    prober.close()


@pytest.mark.parametrize("length", (0, 5))
@pytest.mark.parametrize("fault", ("abort", "trailers"))
def test_5_a_request_is_not_whole_by_its_length_alone(sites, length, fault):
    """An HTTP/1.1 origin took an upload for whole that the visitor aborted, or broke, behind its last byte."""
    site = sites["h1"]
    path = f"/length/{length}/{fault}"
    prober = Prober(site.edge, site.host)
    fields = [(":method", "POST"), (":scheme", "https"), (":authority", site.host), (":path", path), ("content-length", length)]
    prober.send(frame(HEADERS, END_HEADERS, 1, block(*fields)))
    if length:
        prober.send(frame(DATA, 0, 1, b"h" * length))
        wait_until(lambda: site.origin.begun(path), "the head at the origin")
    broken = frame(RST_STREAM, 0, 1, b"\0\0\0\x08") if fault == "abort" else frame(HEADERS, END_HEADERS | END_STREAM, 1, block(("x", "a\nb")))
    prober.send(broken)
    wait_until(lambda: site.origin.cut(path), "its end at the origin")
    prober.close()
    prober = Prober(site.edge, site.host)
    prober.send(frame(HEADERS, END_HEADERS, 1, block(*fields)))
    prober.send(frame(DATA, 0, 1, b"h" * length) + frame(DATA, END_STREAM, 1, b""))
    assert prober.outcome(1) == 200 and message_of(site, path).body == b"h" * length
    prober.close()
