"""A DNS server that knows a few names, and an address where nobody answers."""
import socket
import struct
import threading

from .process import listen

A, CNAME, TXT, AAAA = 1, 5, 16, 28


def _labels(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


class Names:
    """UDP, on 127.0.0.1; `table` is {name: [addresses]}, aliases {name: the name it is a CNAME of},
    texts {name: [text]}, which may be changed while it runs."""

    def __init__(self, table, ttl_s=60, aliases=(), texts=()):
        self.table, self.ttl_s, self.aliases, self.texts = table, ttl_s, dict(aliases), dict(texts)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                asked, peer = self.sock.recvfrom(4096)
            except OSError:
                return
            self.sock.sendto(self.answer(asked), peer)

    def answer(self, asked):
        labels, at = [], 12
        while asked[at]:
            labels.append(asked[at + 1:at + 1 + asked[at]].decode())
            at += 1 + asked[at]
        kind = struct.unpack(">H", asked[at + 1:at + 3])[0]
        question = asked[12:at + 5]
        family = {A: socket.AF_INET, AAAA: socket.AF_INET6}.get(kind)
        name = ".".join(labels).lower()
        alias = self.aliases.get(name)
        found = [address for address in self.table.get(alias or name, ())
                 if family and (":" in address) == (family == socket.AF_INET6)]
        texts = self.texts.get(name, ()) if kind == TXT else ()
        code = 0 if alias or name in self.table or name in self.texts else 3
        head = asked[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(found) + len(texts) + bool(alias), 0, 0)
        owner, records = b"\xc0\x0c", b""
        if alias:
            records += owner + struct.pack(">HHIH", CNAME, 1, self.ttl_s, len(_labels(alias))) + _labels(alias)
            owner = _labels(alias)
        for address in found:
            octets = socket.inet_pton(family, address)
            records += owner + struct.pack(">HHIH", kind, 1, self.ttl_s, len(octets)) + octets
        for text in texts:
            records += owner + struct.pack(">HHIHB", TXT, 1, self.ttl_s, len(text) + 1, len(text)) + text.encode()
        return head + question + records

    def stop(self):
        self.sock.close()


class Blackhole:
    """A listener whose queue is full: a connection to it hangs."""

    def __init__(self, host="127.0.0.1", port=0):
        self.listener = listen(host, port, backlog=0)
        self.port = self.listener.getsockname()[1]
        self.held = []
        for _ in range(4):
            sock = socket.socket(self.listener.family)
            sock.setblocking(False)
            sock.connect_ex((host, self.port))
            self.held.append(sock)

    def stop(self):
        for sock in (*self.held, self.listener):
            sock.close()
