"""Avro schemas given to Pulsar's Python client as definitions, with values of Avro's logical types, as fastavro takes them."""

import datetime
import decimal
import uuid

_UTC = datetime.timezone.utc
_MOMENTS = [
    datetime.datetime(1970, 1, 1),
    datetime.datetime(1969, 12, 31, 23, 59, 59, 999000),
    datetime.datetime(2026, 11, 24, 8, 30, 0, 123000),
    datetime.datetime(1, 1, 1),
    datetime.datetime(9999, 12, 31, 23, 59, 59, 999000),
    datetime.datetime(2026, 11, 24, 8, 30, 0, 123456),
]


def cases():
    """A name, a definition, and a value."""
    for name, fields, values in _KINDS:
        definition = {"type": "record", "name": "R", "fields": [{"name": key, "type": of} for key, of in fields.items()]}
        for value in values:
            yield name, definition, value
    yield from ((name, definition, value) for name, definition, values in _WHOLE for value in values)


def _logical(base, meaning, **more):
    return {"type": base, "logicalType": meaning, **more}


def _decimal(precision, scale, **more):
    return _logical(more.pop("base", "bytes"), "decimal", precision=precision, scale=scale, **more)


def _nullable(of):
    return ["null", of]


def _numbers(*texts):
    return [decimal.Decimal(text) for text in texts]


_FIXED = {"name": "F", "size": 16, "base": "fixed"}
_UUIDS = [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")]
_INNER = {
    "type": "record",
    "name": "Inner",
    "fields": [{"name": "at", "type": _logical("long", "timestamp-micros")}, {"name": "d", "type": _nullable(_decimal(5, 2))}],
}

_KINDS = [
    (
        "Decimals",
        {"d": _decimal(9, 2)},
        [{"d": d} for d in _numbers("0", "-12.30", "0.01", "-0.01", "9999999.99", "-9999999.99", "5")],
    ),
    (
        "WideDecimals",
        {"d": _nullable(_decimal(38, 10))},
        [{"d": d} for d in _numbers("1234567890123456789012345678.0123456789", "-1E-10", "0")] + [{"d": None}],
    ),
    ("WholeDecimals", {"d": _decimal(5, 0)}, [{"d": d} for d in _numbers("0", "-1", "99999", "127", "128", "-128", "-129")]),
    (
        "FixedDecimals",
        {"d": _decimal(20, 4, **_FIXED), "e": _nullable("F")},
        [{"d": d, "e": d} for d in _numbers("0", "-12.3456", "1234567890123456.7891")],
    ),
    ("Dates", {"d": _logical("int", "date")}, [{"d": moment.date()} for moment in _MOMENTS]),
    (
        "Times",
        {"t": _logical("int", "time-millis"), "u": _logical("long", "time-micros")},
        [{"t": moment.time(), "u": moment.time()} for moment in _MOMENTS],
    ),
    *(
        (
            f"Timestamps of {unit}",
            {"t": _logical("long", f"timestamp-{unit}"), "n": _nullable(_logical("long", f"timestamp-{unit}"))},
            [{"t": moment.replace(tzinfo=_UTC), "n": None} for moment in _MOMENTS]
            + [
                {
                    "t": datetime.datetime(2026, 11, 24, tzinfo=datetime.timezone(datetime.timedelta(hours=3))),
                    "n": _MOMENTS[2].replace(tzinfo=_UTC),
                }
            ],
        )
        for unit in ("millis", "micros")
    ),
    *(
        (
            f"Local timestamps of {unit}",
            {"t": _logical("long", f"local-timestamp-{unit}")},
            [{"t": moment} for moment in _MOMENTS],
        )
        for unit in ("millis", "micros")
    ),
    (
        "Uuids",
        {"u": _logical("string", "uuid"), "n": _nullable(_logical("string", "uuid"))},
        [{"u": one, "n": one} for one in _UUIDS],
    ),
    (
        "Fixed",
        {"f": {"type": "fixed", "name": "F", "size": 3}, "n": _nullable("F"), "none": {"type": "fixed", "name": "N", "size": 0}},
        [{"f": b"\0\xffa", "n": b"abc", "none": b""}, {"f": b"---", "n": None, "none": b""}],
    ),
    (
        "Durations",
        {"d": _logical("fixed", "duration", name="D", size=12)},
        [{"d": bytes([1, 0, 0, 0, 2, 0, 0, 0, 0xBC, 0xB, 0, 0])}, {"d": b"\xff" * 12}, {"d": bytes(12)}],
    ),
    (
        "Enums",
        {"e": {"type": "enum", "name": "E", "symbols": ["A", "B_1", "_c"], "default": "A"}, "n": _nullable("E")},
        [{"e": "A", "n": "B_1"}, {"e": "_c", "n": None}],
    ),
    (
        "Unions",
        {"u": ["null", "boolean", "long", "double", "string", "bytes"]},
        [{"u": one} for one in (None, True, 5, -(2**63), 0.5, float("nan"), "a,b", "", b"\0\xff")],
    ),
    ("Unions of two", {"u": ["string", "long"], "back": ["int", "null"]}, [{"u": "5", "back": 1}, {"u": 5, "back": None}]),
    (
        "Unions of nested types",
        {"u": ["null", {"type": "array", "items": "long"}, {"type": "map", "values": "string"}, "string"]},
        [{"u": one} for one in (None, [], [1, 2], {}, {"a": "b,c"}, "x")],
    ),
    (
        "Unions in arrays and maps",
        {"a": {"type": "array", "items": ["null", "long", "string"]}, "m": {"type": "map", "values": ["null", "double"]}},
        [{"a": [None, 1, "x"], "m": {"a": None, "b": 0.1}}, {"a": [], "m": {}}],
    ),
    (
        "Logical types in nested ones",
        {
            "a": {"type": "array", "items": _logical("int", "date")},
            "m": {"type": "map", "values": _decimal(9, 2)},
            "r": _nullable(_INNER),
            "again": _nullable("Inner"),
        },
        [
            {
                "a": [moment.date() for moment in _MOMENTS],
                "m": dict(zip("abc", _numbers("-0.10", "0", "1234567.89"))),
                "r": None,
                "again": None,
            },
            {
                "a": [],
                "m": {},
                "r": {"at": _MOMENTS[5].replace(tzinfo=_UTC), "d": decimal.Decimal("1.50")},
                "again": {"at": _MOMENTS[1].replace(tzinfo=_UTC), "d": None},
            },
        ],
    ),
    (
        "Logical types that nobody knows",
        {"n": _logical("long", "nanos-of-moon"), "s": _logical("string", "email")},
        [{"n": -5, "s": "a@b.c"}],
    ),
    (
        "Attributes of Java",
        {"n": {"type": "long", "a": {"b": [1]}}, "s": {"type": "string", "avro.java.string": "String"}},
        [{"n": 5, "s": "x"}],
    ),
]

_WHOLE = [
    (
        "Namespaces and names",
        {
            "type": "record",
            "name": "shop.web.Outer",
            "doc": "of all",
            "aliases": ["Old"],
            "fields": [
                {
                    "name": "a",
                    "doc": "a",
                    "aliases": ["old_a"],
                    "order": "ignore",
                    "type": {
                        "type": "record",
                        "name": "Inner",
                        "fields": [{"name": "e", "type": {"type": "enum", "name": "other.E", "symbols": ["X", "Y"]}}],
                    },
                },
                {"name": "b", "type": ["null", "shop.web.Inner"], "default": None},
                {"name": "c", "type": ["null", "Inner", "other.E"]},
                {"name": "d", "type": {"type": "array", "items": "other.E"}, "default": []},
            ],
        },
        [
            {"a": {"e": "X"}, "b": None, "c": None, "d": ["Y", "X"]},
            {"a": {"e": "Y"}, "b": {"e": "X"}, "c": {"e": "Y"}, "d": []},
            {"a": {"e": "Y"}, "c": "Y"},
        ],
    ),
    (
        "A tree",
        {
            "type": "record",
            "name": "Tree",
            "namespace": "t",
            "fields": [
                {"name": "n", "type": "int"},
                {"name": "below", "type": {"type": "array", "items": "Tree"}},
                {"name": "next", "type": ["Tree", "null"]},
            ],
        },
        [
            {"n": 1, "below": [], "next": None},
            {"n": 1, "below": [{"n": 2, "below": [], "next": None}], "next": {"n": 3, "below": [], "next": None}},
        ],
    ),
    ("An error", {"type": "error", "name": "Failed", "fields": [{"name": "why", "type": "string"}]}, [{"why": "a"}]),
    (
        "Defaults",
        {
            "type": "record",
            "name": "R",
            "fields": [
                {"name": "a", "type": "string", "default": "d"},
                {"name": "b", "type": ["int", "null"], "default": 7},
                {"name": "c", "type": "double", "default": 1},
            ],
        },
        [{}, {"a": ""}, {"b": None, "c": 2}],
    ),
]
