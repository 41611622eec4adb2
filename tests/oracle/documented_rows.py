"""The row that a value becomes, by the rules of docs/understand/formats.md: dialect hive, with commas.

Takes a schema as Avro has it, and a value as Python's readers give it: dictionaries for records, texts for enums, bytes or base64
for bytes, and the classes of datetime, decimal and uuid for logical types. Shares nothing with the connector.
"""

import base64
import datetime
import decimal
import json
import math
import struct
import uuid

_NAMED = ("record", "error", "enum", "fixed")
_NESTED = ("record", "error", "array", "map")
_EPOCH = datetime.datetime(1970, 1, 1)
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", ",": "\\,"}
_DIGITS = {"millis": 3, "micros": 6, "nanos": 9}


def row(schema, value):
    """The row's text, without its line feed."""
    names = {}
    _define(schema, "", names)
    return ",".join(_column(names, *field) for field in _fields(names, schema, value))


def _column(names, schema, value):
    branch, schema = _branch(names, schema, value)
    if value is None:
        return "\\N"
    nested = _type(schema) in _NESTED or branch is not None
    text = _json(_tree(names, schema, value, branch)) if nested else _scalar(schema, value)
    return "".join(_ESCAPES.get(sign, sign) for sign in text)


def _fields(names, schema, value):
    for field in schema["fields"]:
        yield _resolved(names, field["type"]), value.get(field["name"])


def _tree(names, schema, value, branch=None):
    """What is written as JSON: every field of a record, in the schema's order."""
    if branch is not None:
        return {branch: _tree(names, schema, value)}
    kind = _type(schema)
    if value is None:
        return None
    if isinstance(value, Bare) and not (kind == "record" and not schema["fields"]):
        return value
    if kind in ("record", "error"):
        values = [_nested(names, *field) for field in _fields(names, schema, value)]
        return dict(zip((field["name"] for field in schema["fields"]), values))
    if kind == "array":
        return [_nested(names, schema["items"], item) for item in value]
    if kind == "map":
        return {key: _nested(names, schema["values"], item) for key, item in value.items()}
    text = _scalar(schema, value)
    bare = kind in ("boolean", "int", "long", "float", "double") and not _logical(schema)
    return Bare(text) if bare and "N" not in text and "I" not in text else text


def _nested(names, schema, value):
    branch, schema = _branch(names, _resolved(names, schema), value)
    return _tree(names, schema, value, branch if value is not None else None)


class Bare(str):
    """What is JSON already: the text of a number or a truth value, which has no quotes, or of whatever a client wrote."""


def _json(tree):
    if isinstance(tree, dict):
        return "{" + ",".join(f"{_json(key)}:{_json(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(map(_json, tree)) + "]"
    return tree if isinstance(tree, Bare) else json.dumps(tree, ensure_ascii=False)


def _scalar(schema, value):
    kind, meaning = _type(schema), _logical(schema)
    if meaning == "decimal":
        return f"{value.quantize(decimal.Decimal(1).scaleb(-schema.get('scale', 0)), context=decimal.Context(prec=80)):f}"
    if meaning == "duration":
        months, days, millis = struct.unpack("<III", value)
        return f"P{months}M{days}DT{millis // 1000}.{millis % 1000:03}S"
    if meaning == "date":
        return value.isoformat()
    if meaning and meaning.startswith("time-"):
        return f"{value:%H:%M:%S}" + _fraction(value.microsecond * 1000, meaning)
    if meaning and "timestamp" in meaning:
        return _moment(value, meaning)
    if isinstance(value, uuid.UUID):
        return str(value)
    if kind == "boolean":
        return "true" if value else "false"
    if kind in ("int", "long"):
        return str(int(value))
    if kind == "float":
        return _float(struct.unpack("<f", struct.pack("<f", value))[0], single=True)
    if kind == "double":
        return _float(float(value), single=False)
    if kind in ("bytes", "fixed"):
        return value if isinstance(value, str) else base64.b64encode(value).decode()
    # An enum's value can be a number.
    return str(value)


def _moment(value, meaning):
    if isinstance(value, int):
        value, nanos = _EPOCH + datetime.timedelta(seconds=value // 10**9), value % 10**9
    else:
        value, nanos = value.replace(tzinfo=None), value.microsecond * 1000
    return f"{value.date().isoformat()} {value:%H:%M:%S}" + _fraction(nanos, meaning)


def _fraction(nanos, meaning):
    return "." + f"{nanos:09}"[: _DIGITS[meaning.rsplit("-", 1)[1]]]


def _float(value, single):
    """The fewest digits that read back as the same number; plain near one, otherwise with an exponent."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"

    shortest = _shortest_single(value) if single else repr(value)
    sign, digits, exponent = decimal.Decimal(shortest).normalize().as_tuple()
    digits = "".join(map(str, digits))
    place = len(digits) - 1 + exponent
    least, most = (-6, 12) if single else (-5, 15)
    if not least <= place <= most:
        text = digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{place:+}"
    elif place < 0:
        text = "0." + "0" * (-place - 1) + digits
    else:
        whole = digits.ljust(place + 1, "0")
        text = whole[: place + 1] + "." + (whole[place + 1 :] or "0")
    return "-" * sign + text


def _shortest_single(value):
    """Python's own text of a float is that of a double."""
    for digits in range(9):
        text = f"{value:.{digits}e}"
        try:
            if struct.pack("<f", float(text)) == struct.pack("<f", value):
                return text
        except OverflowError:  # rounded up beyond the largest one
            continue
    raise AssertionError(value)


def _type(schema):
    return schema["type"] if isinstance(schema, dict) else schema if isinstance(schema, str) else "union"


def _logical(schema):
    return schema.get("logicalType") if isinstance(schema, dict) else None


def _branch(names, schema, value):
    """A union's branch: its type, and its name where there are several besides null."""
    if not isinstance(schema, list):
        return None, schema
    branches = [_resolved(names, branch) for branch in schema if branch != "null"]
    if value is None:
        return None, "null"
    if len(schema) == 2 and len(branches) == 1:
        return None, branches[0]
    branch = next(branch for branch in branches if _holds(branch, value))
    return branch["full name"] if _type(branch) in _NAMED else _type(branch), branch


def _holds(schema, value):
    """Whether a branch is the one of this value: the corpora have no unions in which two could be."""
    kind, meaning = _type(schema), _logical(schema)
    if kind in ("record", "error"):
        return isinstance(value, dict) and value.keys() == {field["name"] for field in schema["fields"]}
    if kind == "enum":
        return isinstance(value, str) and value in schema["symbols"]
    if meaning:
        return isinstance(value, (datetime.date, datetime.time, decimal.Decimal, uuid.UUID))
    types = {"boolean": bool, "int": int, "long": int, "float": float, "double": float, "string": str}
    return type(value) is {**types, "bytes": bytes, "fixed": bytes, "array": list, "map": dict}[kind]


def _resolved(names, schema):
    """The definition of a type that is used by its name."""
    return names.get(schema, schema) if isinstance(schema, str) else schema


def _define(schema, namespace, names):
    """Collects the named types, and puts full names in the place of names within this schema."""
    if isinstance(schema, list):
        schema[:] = [_define(branch, namespace, names) for branch in schema]
    elif isinstance(schema, dict):
        kind = schema["type"]
        if kind in _NAMED:
            name = schema["name"] if "." in schema["name"] else _full(schema["name"], schema.get("namespace", namespace))
            schema["full name"] = name
            names[name] = schema
            for field in schema.get("fields", []):
                field["type"] = _define(field["type"], name.rpartition(".")[0], names)
        elif kind in ("array", "map"):
            inner = "items" if kind == "array" else "values"
            schema[inner] = _define(schema[inner], namespace, names)
        elif not isinstance(kind, str):
            return _define(kind, namespace, names)
    elif _full(schema, namespace) in names:
        return _full(schema, namespace)
    return schema


def _full(name, namespace):
    return f"{namespace}.{name}" if namespace and "." not in name else name
