"""The REST API as a client sees it: one call, the whole answer."""
import http.client
import json
from dataclasses import dataclass, field


@dataclass
class Answer:
    status: int
    headers: dict
    text: str
    body: dict = field(default=None)

    @property
    def result(self):
        return self.body["result"]

    @property
    def revision(self):
        return int(self.headers["x-config-revision"])

    @property
    def codes(self):
        return [error["code"] for error in self.body["errors"]]


class Api:
    def __init__(self, port, token):
        self.port = port
        self.token = token

    def call(self, method, path, body=None, raw=None, headers=None):
        """body: sent as JSON; raw: sent as it is.  Every answer must be an envelope."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = raw
        if body is not None:
            data = json.dumps(body)
        if data is not None:
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, "/client/v4" + path, body=data, headers=sent)
            got = connection.getresponse()
            text = got.read().decode()
            answer = Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, text)
        finally:
            connection.close()
        if answer.status == 304:
            assert text == ""
            return answer
        answer.body = json.loads(text)
        for member in ("success", "errors", "messages"):
            assert member in answer.body, text
        assert answer.body["success"] == (answer.status < 400), text
        return answer

    def ok(self, method, path, body=None):
        answer = self.call(method, path, body)
        assert answer.status in (200, 201), f"{method} {path}: {answer.status} {answer.text}"
        return answer

    def applied(self, answer, zone_id, timeout="10s"):
        """Waits until every edge serves the revision of this answer."""
        told = self.ok("GET", f"/zones/{zone_id}/propagation?wait={answer.revision}&timeout={timeout}").result
        assert told["applied"], told
        return told

    def zone(self, account_id, name, plan=None):
        zone = self.ok("POST", "/zones", {"name": name, "account": {"id": account_id}}).result
        if plan:
            self.ok("PATCH", f"/zones/{zone['id']}", {"plan": {"id": plan}})
        return zone

    def origin(self, zone_id, name, port, address="127.0.0.1", **members):
        """A proxied record: the origin of `name`."""
        kind = "AAAA" if ":" in address else "A" if address[0].isdigit() else "CNAME"
        return self.ok("POST", f"/zones/{zone_id}/dns_records",
                       {"type": kind, "name": name, "content": address, "proxied": True, "ttl": 1,
                        "origin_port": port, **members})

    def setting(self, zone_id, name, value):
        return self.ok("PATCH", f"/zones/{zone_id}/settings/{name}", {"value": value})
