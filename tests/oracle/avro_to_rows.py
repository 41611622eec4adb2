#!/usr/bin/env python3
"""Compares rows with the Avro payloads that they were made of, field by field: fastavro reads the payload, Python the text.

Takes a file of JSON lines, each with a schema, a payload and a row, both in hexadecimal. fastavro is given the schema without its
logical types, so that their meaning is this script's and not a library's. Ends with 1 when a field differs, and says which.
"""

import base64
import datetime
import decimal
import io
import json
import struct
import sys
import uuid

import fastavro

import hive_text

_EPOCH = datetime.datetime(1970, 1, 1)
_UNITS = {"millis": 10**3, "micros": 10**6, "nanos": 10**9}
_CONTEXT = decimal.Context(prec=60)


def main(path):
    differences = count = fields = 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            case = json.loads(line)
            payload = io.BytesIO(bytes.fromhex(case["payload"]))
            record = fastavro.schemaless_reader(payload, fastavro.parse_schema(without_logical_types(case["schema"])))
            assert not payload.read(), "bytes are left"
            row = bytes.fromhex(case["row"])
            assert row.endswith(b"\n") and len(hive_text.rows(row)) == 1, row
            texts = hive_text.fields(row[:-1])
            assert len(texts) == len(case["schema"]["fields"]), row
            count += 1
            for field, text in zip(case["schema"]["fields"], texts):
                fields += 1
                try:
                    same = column(field["type"], record[field["name"]], text)
                except (ValueError, TypeError, KeyError, AssertionError) as error:
                    same, text = False, f"{text!r} ({error!r})"
                if not same:
                    differences += 1
                    print(f"{field}: {record[field['name']]!r} became {text!r}", file=sys.stderr)
    print(f"{count} rows, {fields} fields, {differences} differ")
    return 1 if differences or not count else 0


def without_logical_types(schema):
    if isinstance(schema, dict):
        return {key: without_logical_types(value) for key, value in schema.items() if key != "logicalType"}
    return [without_logical_types(item) for item in schema] if isinstance(schema, list) else schema


def column(schema, value, text):
    """Whether a column's text is this value: as its type when it is a scalar, as JSON when it is nested."""
    if value is None or text is None:
        return value is None and text is None
    if isinstance(schema, list) and len(schema) == 2 and "null" in schema:
        schema = schema[0] if schema[1] == "null" else schema[1]
    name = base(schema)
    if name in ("boolean", "int", "long") and not logical(schema):
        return same(schema, value, json.loads(text))
    if name in ("float", "double"):
        return same(schema, value, text if text.endswith(("NaN", "Infinity")) else float(text))
    nested = name in ("record", "array", "map") or isinstance(schema, list)
    return same(schema, value, json.loads(text) if nested else text)


def same(schema, value, found):
    """Whether what was found in JSON is this value."""
    if isinstance(schema, list):
        if value is None or found is None:
            return value is None and found is None
        if len(schema) == 2 and "null" in schema:
            return same(schema[0] if schema[1] == "null" else schema[1], value, found)
        ((branch, inner),) = found.items()
        (of_name,) = [one for one in schema if branch_name(one) == branch]
        return same(of_name, value, inner)
    name, meaning = base(schema), logical(schema)
    if meaning == "decimal":
        number = decimal.Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-schema.get("scale", 0), _CONTEXT)
        return _CONTEXT.create_decimal(found) == number and "e" not in found.lower()
    if meaning == "uuid":
        return uuid.UUID(bytes=value) == uuid.UUID(found) if name == "fixed" else value == found
    if meaning == "duration":
        months, days, millis = struct.unpack("<III", value)
        return found == f"P{months}M{days}DT{millis // 1000}.{millis % 1000:03}S"
    if meaning == "date":
        return found == (_EPOCH + datetime.timedelta(days=value)).date().isoformat()
    if meaning:
        return same_time(meaning, value, found)
    if name in ("bytes", "fixed"):
        return base64.b64decode(found, validate=True) == value
    if name in ("float", "double"):
        number, form = float(found), "<f" if name == "float" else "<d"
        return struct.pack(form, number) == struct.pack(form, value) or (number != number and value != value)
    if name == "record":
        fields = schema["fields"]
        in_order = list(found) == [field["name"] for field in fields]
        return in_order and all(same(field["type"], value[field["name"]], found[field["name"]]) for field in fields)
    if name == "array":
        return len(value) == len(found) and all(same(schema["items"], *pair) for pair in zip(value, found))
    if name == "map":
        return value.keys() == found.keys() and all(same(schema["values"], value[key], found[key]) for key in value)
    return type(value) is type(found) and value == found


def same_time(meaning, value, found):
    kind, unit = meaning.rsplit("-", 1)
    per_second = _UNITS[unit]
    seconds, fraction = divmod(value, per_second)
    moment = _EPOCH + datetime.timedelta(seconds=seconds)
    text = f"{moment:%H:%M:%S}.{fraction:0{len(str(per_second)) - 1}}"
    return found == (text if kind == "time" else f"{moment.date().isoformat()} {text}")


def base(schema):
    return schema["type"] if isinstance(schema, dict) else schema if isinstance(schema, str) else "union"


def logical(schema):
    return schema.get("logicalType") if isinstance(schema, dict) else None


def branch_name(schema):
    return schema["name"] if base(schema) in ("record", "enum", "fixed") else base(schema)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
