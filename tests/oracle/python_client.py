#!/usr/bin/env python3
"""Prints what Pulsar's Python client writes: per line a schema as it registers it, a payload, and the row that it must become.

The row is made of what the same client reads back of the payload, by the rules of docs/understand/formats.md. Where those say that
a record is bad, a line has the reason instead, and the class below states it. Where the client itself cannot write or read a
value, there is no line.
"""

import base64
import copy
import enum
import json
import sys

from pulsar.schema import AvroSchema, BytesSchema, JsonSchema, Record, StringSchema

import documented_rows
import python_client_definitions
import python_client_nested
import python_client_random
import python_client_records


def main():
    for kind, bad, value in [*python_client_nested.cases(), *python_client_random.cases()]:
        for schema_class in (AvroSchema, JsonSchema):
            emit(kind.__name__, lambda: schema_class(kind), lambda: kind(**value), bad.get(schema_class))
    for name, definition, value in python_client_definitions.cases():
        emit(name, lambda: AvroSchema(None, schema_definition=copy.deepcopy(definition)), lambda: value)
    for text in python_client_records.TEXTS:
        emit("StringSchema", StringSchema, lambda: text)
    for value in python_client_records.BYTES:
        emit("BytesSchema", BytesSchema, lambda: value)


def emit(name, schema, value, reason=None):
    """Prints a line, unless the client cannot write or read it."""
    try:
        schema, value = schema(), value()
        payload = schema.encode(value)
        read = schema.decode(payload)
    except Exception as error:  # whatever it is: it is the client's
        print(f"{name}: not by this client: {error!r:.200}", file=sys.stderr)
        return
    info = schema.schema_info()
    line = {
        "name": f"{name}/{info.schema_type().name}",
        "schema": {"type": info.schema_type().name, "schema": info.schema(), "version": ""},
        "payload": payload.hex(),
    }
    if reason:
        line["reason"] = reason
    elif isinstance(read, (str, bytes)):
        one = {
            "type": "record",
            "name": "R",
            "fields": [{"name": "value", "type": "string" if isinstance(read, str) else "bytes"}],
        }
        line["row"] = documented_rows.row(one, {"value": read})
    else:
        line["row"] = documented_rows.row(json.loads(info.schema()), plain(read, isinstance(schema, JsonSchema)))
    print(json.dumps(line))


def plain(value, of_json):
    """Dictionaries and texts instead of the client's classes."""
    if isinstance(value, Record):
        return {name: plain(getattr(value, name), of_json) for name in value._fields}
    if isinstance(value, dict):
        return {name: plain(inner, of_json) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner, of_json) for inner in value]
    if isinstance(value, enum.Enum):
        # In a JSON topic the client writes an enum's value: a number is its own text.
        return str(value.value) if of_json and type(value.value) is int else value.name
    if of_json and isinstance(value, bytes):
        # JSON has bytes in base64. The client writes them as they are, so that is what it has to be given.
        return base64.b64decode(value, validate=True)
    return value


if __name__ == "__main__":
    main()
