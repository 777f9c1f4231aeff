"""schema/openapi.yaml as a judge: every answer must be what the document says of its operation."""
import json
import re
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, RefResolver

from .api import Api

ROOT = Path(__file__).resolve().parent.parent.parent.parent
METHODS = ("get", "post", "put", "patch", "delete")


class Contract:
    def __init__(self):
        with open(ROOT / "schema/openapi.yaml", encoding="utf-8") as file:
            self.document = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.resolver = RefResolver.from_schema(self.document)
        self.operations = {}
        self.seen = set()
        for pattern, item in self.document["paths"].items():
            # A fixed segment wins over a braced one, as in the server's tables.
            expression = re.compile(re.sub(r"\{[^}]*\}", "[^/]+", pattern) + "$")
            for method in METHODS:
                if method in item:
                    self.operations[(method, pattern)] = (expression, item[method])

    def find(self, method, path):
        """(key, operation) of the path with the fewest braces."""
        path = path.split("?")[0]
        found = [(key, operation) for key, (expression, operation) in self.operations.items()
                 if key[0] == method.lower() and expression.match(path)]
        return min(found, key=lambda one: one[0][1].count("{"), default=(None, None))

    def resolve(self, node):
        while "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def check(self, method, path, answer):
        key, operation = self.find(method, path)
        assert operation is not None, f"schema/openapi.yaml has no {method} {path}"
        responses = operation["responses"]
        described = self.resolve(responses.get(str(answer.status), responses.get("default", {})))
        assert described, f"{key}: {answer.status} is not described"
        if answer.status < 400:
            self.seen.add(key)
        content = described.get("content", {})
        if "application/json" not in content:
            return
        schema = content["application/json"]["schema"]
        validator = Draft202012Validator(schema, resolver=self.resolver)
        wrong = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
                 for error in validator.iter_errors(json.loads(answer.text))]
        assert not wrong, f"{key} {answer.status}: {wrong}"


class JudgedApi(Api):
    """The same calls; each answer is held against the contract."""

    def __init__(self, port, token, contract):
        super().__init__(port, token)
        self.contract = contract

    def call(self, method, path, body=None, raw=None, headers=None):
        answer = super().call(method, path, body, raw, headers)
        self.contract.check(method, path, answer)
        return answer
