#!/usr/bin/env python3
"""Makes a corpus of what JavaClient.java prints: per line a schema, a payload, and the row that it must become.

The row is made of what the same client read back of the payload, by the rules of docs/understand/formats.md.
"""

import datetime
import json
import re
import sys

import documented_rows

# A primitive schema is one column.
PRIMITIVES = {
    "INT8": "int",
    "INT16": "int",
    "INT32": "int",
    "INT64": "long",
    "FLOAT": "float",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "STRING": "string",
    "BYTES": "bytes",
    "INSTANT": {"type": "long", "logicalType": "timestamp-nanos"},
    "LOCAL_DATE": {"type": "int", "logicalType": "date"},
    "LOCAL_TIME": {"type": "long", "logicalType": "time-nanos"},
    "LOCAL_DATE_TIME": {"type": "long", "logicalType": "timestamp-nanos"},
}


def main():
    for line in map(json.loads, sys.stdin):
        schema, read = line["schema"], line.pop("read")
        if schema["type"] == "KEY_VALUE":
            whole, values = pair(schema, line.pop("readKey"), read)
        else:
            whole, values = part(schema, read, line["payload"], "value")
        line["row"] = documented_rows.row(whole, values)
        print(json.dumps(line))


def pair(schema, key, value):
    """The fields of both, those of a key that is a record with its name in front."""
    (of_key, keys), (of_value, values) = part(schema["key"], key, None, "key"), part(schema["value"], value, None, "value")
    prefix = "" if schema["key"]["type"] in PRIMITIVES else "key_"
    fields = [{**field, "name": prefix + field["name"]} for field in of_key["fields"]] + of_value["fields"]
    whole = {"type": "record", "name": "Pair", "namespace": of_value.get("namespace", ""), "fields": fields}
    return whole, {**{prefix + name: inner for name, inner in keys.items()}, **values}


def part(schema, read, payload, name):
    """A record's schema and its values; a primitive schema is a record of one field."""
    if schema["type"] in PRIMITIVES:
        fields = [{"name": name, "type": PRIMITIVES[schema["type"]]}]
        return {"type": "record", "name": "One", "fields": fields}, {name: plain(read)}
    definition, values = json.loads(schema["schema"]), plain(read)
    if schema["type"] == "JSON":
        written = json.loads(bytes.fromhex(payload)) if payload else values
        # Java has a zero for a number that is not there, and knows members by other names (@JsonProperty).
        values = {name: inner if name in written else None for name, inner in values.items()}
        definition = as_jackson_writes(definition)
    return definition, values


def as_jackson_writes(schema):
    """Jackson writes Java's moments with all of their nanoseconds, whatever the unit; and a record without fields, which reflection
    makes of a class of Java's own, is any JSON: its text is that of a string."""
    if isinstance(schema, list):
        return [as_jackson_writes(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "record" and not schema["fields"]:
        return "string"
    unit = re.fullmatch(r"((?:local-)?time(?:stamp)?)-(?:millis|micros)", schema.get("logicalType", ""))
    schema = {**schema, **({"logicalType": unit[1] + "-nanos"} if unit else {})}
    for inner in {"type", "items", "values", "fields"} & schema.keys():
        schema[inner] = as_jackson_writes(schema[inner])
    return schema


def plain(value):
    """The value as Python has it: what JSON has no word for came as an object of one member."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "members":
        return {name: plain(member) for name, member in inner.items()}
    if kind == "bytes":
        return bytes.fromhex(inner)
    if kind == "day":
        return datetime.date.fromisoformat(inner)
    if kind == "time":
        midnight = datetime.datetime.min
        return (midnight + datetime.timedelta(microseconds=int(inner) // 1_000)).time()
    return {"moment": int, "float": float, "whatever": documented_rows.Bare}[kind](inner)


if __name__ == "__main__":
    main()
