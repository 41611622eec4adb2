"""Columns: how a table's text is read as typed values, how an Avro datum is, and when two values are the same."""

import base64
import datetime
import functools
import json
import math
import re
import struct

_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3})")
_DOUBLE = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|NaN|-?Infinity")
_EPOCH = datetime.datetime(1970, 1, 1)

METADATA = [
    ("_ledger_id", "long"),
    ("_entry_id", "long"),
    ("_batch_index", "int"),
    ("_publish_time", "timestamp"),
    ("_event_time", "timestamp"),
    ("_key", "bytes"),
    ("_topic", "string"),
]


class Schema:
    """The fields of one event, from its schema: (name, kind, nullable)."""

    def __init__(self, record):
        self.fields = [(field["name"], *_kind(field["type"])) for field in record["fields"]]


class Schemas:
    """The schemas that a topic's messages were written with, by version; each adds fields to the one before."""

    def __init__(self, by_version):
        self._by_version = by_version
        self.newest = max(by_version.values(), key=lambda schema: len(schema.fields))
        # The columns that a row has at least: what was added later is NULL where it is missing.
        self.fewest = min(len(schema.fields) for schema in by_version.values())
        for version, schema in by_version.items():
            assert schema.fields == self.newest.fields[: len(schema.fields)], f"version {version} is no beginning of the newest"

    def decode(self, message):
        """A message's values; null for what its schema does not have."""
        # A topic whose schema never changed has only one, whatever its version.
        if len(self._by_version) == 1:
            return decode(self.newest, message["payload"])
        schema = self._by_version[message["schema_version"]]
        return {**{name: None for name, _, _ in self.newest.fields}, **decode(schema, message["payload"])}


def of_file(path):
    """The schema of an .avsc, which never changed."""
    with open(path, encoding="utf-8") as file:
        return Schemas({0: Schema(json.load(file))})


def of_versions(path):
    """By table: the schemas that the broker has of its topic, a JSON object of versions."""
    with open(path, encoding="utf-8") as file:
        tables = json.load(file)
    return {
        table: Schemas({int(version): Schema(json.loads(schema)) for version, schema in versions.items()})
        for table, versions in tables.items()
    }


def _kind(avro):
    if isinstance(avro, list):
        assert len(avro) == 2 and avro[0] == "null", avro
        return _kind(avro[1])[0], True
    if isinstance(avro, dict):
        assert avro == {"type": "long", "logicalType": "timestamp-millis"}, avro
        return "timestamp", False
    assert avro in ("int", "long", "double", "string"), avro
    return avro, False


def read(kind, text):
    """The value that a table's text stands for. Raises ValueError for text that Hive would read as NULL."""
    if text is None:
        return None
    if kind in ("int", "long"):
        value = int(text) if _WHOLE.fullmatch(text) else _refuse(kind, text)
        return value if value.bit_length() < (32 if kind == "int" else 64) else _refuse(kind, text)
    if kind == "double":
        return float(text) if _DOUBLE.fullmatch(text) else _refuse(kind, text)
    if kind == "timestamp":
        if not _TIMESTAMP.fullmatch(text):
            _refuse(kind, text)
        return _second(text[:19]) + int(text[20:])
    if kind == "bytes":
        return base64.b64decode(text, validate=True)
    return text


@functools.lru_cache(maxsize=1 << 17)
def _second(text):
    """A time without its fraction, in milliseconds since 1970."""
    moment = datetime.datetime.fromisoformat(text) - _EPOCH
    return moment.days * 86_400_000 + moment.seconds * 1000


def _refuse(kind, text):
    raise ValueError(f"{text!r} is no {kind}")


def same(kind, left, right):
    """Whether two values are the same, doubles bit for bit."""
    if left is None or right is None:
        return left is right
    if kind == "double":
        return struct.pack(">d", left) == struct.pack(">d", right) or (math.isnan(left) and math.isnan(right))
    return left == right


def day(millis):
    """The UTC day of a time, as its partition directory has it."""
    return _day(millis // 86_400_000)


@functools.lru_cache
def _day(number):
    return (_EPOCH + datetime.timedelta(days=number)).strftime("%Y-%m-%d")


def decode(schema, datum):
    """An Avro datum's values by name, read as the Avro specification says."""
    values, at = {}, 0
    for name, kind, nullable in schema.fields:
        if nullable:
            branch, at = _zigzag(datum, at)
            if branch == 0:
                values[name] = None
                continue
        if kind == "double":
            (values[name],) = struct.unpack_from("<d", datum, at)
            at += 8
        elif kind == "string":
            length, at = _zigzag(datum, at)
            values[name] = datum[at : at + length].decode("utf-8")
            at += length
        else:
            values[name], at = _zigzag(datum, at)
    assert at == len(datum), f"{len(datum) - at} bytes are left of {datum.hex()}"
    return values


def _zigzag(datum, at):
    value, shift = 0, 0
    while True:
        byte = datum[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
