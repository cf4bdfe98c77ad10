"""For the tests: every object that a command prints with --json is held against its schema in src/aicomp/schemas."""

import json
from functools import cache

from aicomp.cli import guide, output
from aicomp.cli import main as cli

_PLAIN_KEYS = ("$schema", "title", "description")


def close(schema):
    """The same schema, refusing keys that it does not name: what is printed has to be in the schema.

    >>> close({"type": "object", "properties": {"a": {}}})["additionalProperties"]
    False
    """
    if isinstance(schema, list):
        return [close(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: close(part) for key, part in schema.items()}
    if "properties" in schema and "type" in schema:
        closed.setdefault("additionalProperties", False)
    return closed


@cache
def validator(name):
    """Of a command's schema, closed."""
    from jsonschema import Draft202012Validator

    schema = guide.schema(name)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(close(schema))


def problems(name, content):
    """What is wrong with an object, a sentence each."""
    return [f"{name}: {e.json_path}: {e.message}"[:600] for e in validator(name).iter_errors(content)]


def flatten(name, schema, path=""):
    """A line for each key and type that a schema promises.

    >>> list(flatten("x", {"type": "object", "properties": {"a": {"type": ["number", "null"]}}, "required": ["a"]}))
    ['x : object', 'x a always', 'x a : null', 'x a : number']
    """
    types = schema.get("type", [])
    for kind in sorted([types] if isinstance(types, str) else types):
        yield f"{name} {path} : {kind}".replace("  ", " ")
    for value in schema.get("enum", ()):
        yield f"{name} {path} = {json.dumps(value)}"
    for k, part in enumerate(schema.get("anyOf", ())):
        yield from flatten(name, part, f"{path}({k})")
    for key, part in schema.get("properties", {}).items():
        inner = f"{path}.{key}" if path else key
        if key in schema.get("required", ()):
            yield f"{name} {inner} always"
        yield from flatten(name, part, inner)
    if "items" in schema:
        yield from flatten(name, schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from flatten(name, schema["additionalProperties"], f"{path}.*")


class Watch:
    """Stands in front of the commands, and of what writes their JSON, and keeps what does not fit."""

    def __init__(self):
        self.found = []
        self.seen = set()
        self._running = []
        self._app, self._write = cli.app, output.write_json

    def __getattr__(self, name):
        return getattr(self._app, name)

    def __call__(self, arguments, **keywords):
        self._running.append(guide.command_of(arguments))
        try:
            return self._app(arguments, **keywords)
        finally:
            self._running.pop()

    def write_json(self, content):
        """Look at an object, then write it."""
        if set(content) == {"error"}:
            self._look("error", content)
        elif self._running:
            self._look(self._running[-1], content)
        self._write(content)

    def _look(self, name, content):
        self.seen.add(name)
        printed = json.loads(json.dumps(output._finite(content)))
        self.found += problems(name, printed)


def watch():
    """Begin to look at all that is printed with --json."""
    watching = Watch()
    cli.app = watching
    cli.write_json = output.write_json = watching.write_json
    return watching
