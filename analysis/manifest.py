"""What a snapshot's manifest has to be, as a JSON Schema: checked when it is written and whenever it is read."""

import fastjsonschema

from analysis.schema import KEYS

STATUSES = ("complete", "sample", "absent")
TABLES = (*KEYS, "rejected", "truth")

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_COUNTS = {"type": "object", "additionalProperties": _COUNT}
_NAMES = {"type": "array", "items": _TEXT}
_COVERAGE = {
    "type": "object",
    "properties": {"status": {"enum": list(STATUSES)}, "rule": _TEXT, "zeros": {"type": "boolean"}, "columns": _NAMES},
    "required": ["status"],
}
_SIZE = {"rows": _COUNT, "bytes": _COUNT, "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}}
_PART = {  # of a table that is a directory of several files
    "type": "object",
    "properties": {"file": {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._=-]{0,99}\.parquet$"}, **_SIZE},
    "required": ["file", *_SIZE],
}
_TABLE = {
    "type": "object",
    "properties": {
        **_SIZE,
        "parts": {"type": "array", "items": _PART, "minItems": 1},
        "columns": _NAMES,
        "kinds": _COUNTS,
        "coverage": {"type": "object", "additionalProperties": _COVERAGE},
    },
    "required": ["bytes", "columns", "rows", "sha256"],
}
_COVERED = _TABLE | {"required": [*_TABLE["required"], "coverage"]}
SCHEMA = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "date": {"type": "string", "minLength": 1},
        "synthetic": {"type": "boolean"},
        "source": {"type": "object", "properties": dict.fromkeys(("name", "title", "origin", "licence"), _TEXT)},
        "tables": {
            "type": "object",
            "properties": {table: _COVERED if table in KEYS else _TABLE for table in TABLES},
            "additionalProperties": False,
        },
        "rejected": {"type": "object", "additionalProperties": _COUNTS},
        "repositories_left_out": _COUNTS,
        "notes": _COUNTS,
        "meanings": {"type": "object", "additionalProperties": _TEXT},
        "tool": _TEXT,
    },
    "required": ["date", "name", "rejected", "schema", "source", "synthetic", "tables", "tool"],
}
_check = fastjsonschema.compile(SCHEMA)


def fault(manifest: object) -> str | None:
    """The first thing that is wrong, as `, key.key: what was expected`; None for a manifest that is one."""
    try:
        _check(manifest)
    except fastjsonschema.JsonSchemaValueException as error:
        key = ".".join(map(str, error.path[1:]))
        return f"{', ' * bool(key)}{key[:120]}: {_expected(error)}"
    return None


def _expected(error: fastjsonschema.JsonSchemaValueException) -> str:
    wanted, found = error.rule_definition, error.value
    if error.rule == "required":
        return f"without {', '.join(sorted(set(wanted) - set(found)))}"
    if error.rule == "additionalProperties":
        return f"has {sorted(set(found) - set(TABLES))[0][:60]!r}; expected some of {', '.join(TABLES)}"
    if error.rule == "enum":
        return f"expected one of {', '.join(wanted)}"
    if error.rule == "type":
        return f"expected {_WORDS[wanted]}"
    if error.rule == "pattern" and error.name.endswith("file"):
        return "expected the plain name of a Parquet file"
    return "expected " + _RULES[error.rule]


_RULES = {"minimum": "0 or more", "minLength": "a text", "pattern": "64 hexadecimal digits", "minItems": "one or more"}
_WORDS = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
}
