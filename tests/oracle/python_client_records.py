"""Classes of records for Pulsar's Python client, of types that are not nested, with values that are easy to get wrong."""

import enum
import math

from pulsar.schema import AvroSchema, Boolean, Bytes, CustomEnum, Double, Float, Integer, JsonSchema, Long, Record, String

TEXTS = [
    "",
    "a",
    " a ",
    "a,b",
    "\\",
    "\\N",
    "a\\nb",
    "a\nb\r\nc\rd\te",
    '"a","b"',
    "it's",
    "a\0b\x1f\x7f",
    "007",
    "NaN",
    "null",
    "true",
    "é",
    "e\u0301",
    "👢",
    "зимние ботинки",
    "حقيبة",
    "\u2028\u0085\ufeff",
    "x" * 100_000,
]
BYTES = [b"", b"\0", b"\xff\x00", b"text", b"\n,\\", bytes(range(256))]
DOUBLES = [
    0.0,
    -0.0,
    0.1,
    -1.5,
    1 / 3,
    1e100,
    1e-100,
    5e-324,
    1.7976931348623157e308,
    2.0**53 + 2,
    1e15,
    123456789012345680.0,
    1e16,
    1e-5,
    0.00001234,
    1e-6,
    math.nan,
    math.inf,
    -math.inf,
]
SINGLES = [
    0.0,
    -0.0,
    0.1,
    -1.5,
    16777217,
    1e-45,
    3.4028234663852886e38,
    1e-6,
    1e-7,
    123456.789,
    1e12,
    1e13,
    math.nan,
    math.inf,
    -math.inf,
]
_CASES = []


def cases():
    """The class, the reason why its value is bad by the schema's class, and the value."""
    return _CASES


def values(*of):
    """These are values of the class."""

    def keep(kind):
        _CASES.extend((kind, {}, value) for value in of)
        return kind

    return keep


def bad(value, json=None, avro=None):
    """This value of the class is a bad record, for this reason, in a JSON or in an Avro topic."""

    def keep(kind):
        _CASES.append((kind, {JsonSchema: json, AvroSchema: avro}, value))
        return kind

    return keep


def each(name, of):
    return values({}, *({name: value} for value in of), {name: None})


class Way(enum.Enum):
    chat = 1
    phone = 2


class Level(enum.IntEnum):
    LOW = -1
    HIGH = 2**40


class Color(enum.Enum):
    RED = "RED"
    GREEN = "GREEN"
    VERT = "GREEN"


class Shade(str, enum.Enum):
    DARK = "DARK"
    PALE = "PALE"


# What has no UTF-8.
@bad({"text": "\ud800"}, json="malformed")
@each("text", [*TEXTS, b"bytes"])
class Strings(Record):
    text = String()


@values(*({"text": text} for text in TEXTS[:4]))
class RequiredStrings(Record):
    text = String(required=True)


@values({}, {"text": ""}, {"text": None, "other": None, "required": "r"})
class StringsWithDefaults(Record):
    text = String(default="a,b", required_default=True)
    other = String(default="o")
    required = String(required=True, default="", required_default=True)


@each("yes", [True, False])
class Booleans(Record):
    yes = Boolean()
    required = Boolean(required=True, default=True, required_default=True)


# The column is an int.
@bad({"n": 2**31}, json="out-of-range")
@each("n", [0, -1, 2**31 - 1, -(2**31)])
class Integers(Record):
    n = Integer()


# To Python a truth value is an integer; no other client writes one so.
@bad({"n": True}, json="wrong-type")
@bad({"n": 2**31}, json="out-of-range", avro="malformed")
@values({"n": 0}, {"n": -(2**31)}, {"n": 1, "m": 5})
class RequiredIntegers(Record):
    n = Integer(required=True)
    m = Integer(default=-7, required_default=True)


@bad({"n": 2**63}, json="out-of-range")
@each("n", [0, -1, 2**63 - 1, -(2**63), 2**53 + 1, -(2**53) - 1])
class Longs(Record):
    n = Long()


@values({"n": 2**63 - 1}, {"n": -(2**63)}, {"n": 0, "m": 1})
class RequiredLongs(Record):
    n = Long(required=True)
    m = Long(required=True, default=2**53 + 1, required_default=True)


# No float is as large; none of the others is rounded to infinity either.
@bad({"x": 1e39}, json="out-of-range")
@each("x", SINGLES)
class Floats(Record):
    x = Float()


@bad({"x": 10**400}, json="out-of-range")
@each("x", [*DOUBLES, 5, -(2**70)])
class Doubles(Record):
    x = Double()


@values({"x": 1, "y": 2.5}, {"x": 0.1, "y": 0.1})
class RequiredFloats(Record):
    x = Float(required=True)
    y = Double(required=True)
    z = Double(default=1e100, required_default=True)


# In JSON, bytes are base64; the client writes them as they are.
@bad({"data": b"no base64"}, json="malformed")
@each("data", [b"", "", b"AP8=", b"dGV4dA==", "YQ=="])
class Byteses(Record):
    data = Bytes()


@bad({"data": b"a,\\\n\0"}, json="malformed")
@values(*({"data": data} for data in (b"", b"text", b"\xff\x00", b"\xff" * 300)))
class RequiredByteses(Record):
    data = Bytes(required=True)


@each("way", [Way.chat, Way.phone, "phone", 2])
class Enums(Record):
    way = Way


@values({}, {"way": Way.phone}, {"way": Way.chat, "again": Way.chat, "required": Way.chat})
class EnumsWithDefaults(Record):
    way = CustomEnum(Way, default=Way.phone, required_default=True)
    again = CustomEnum(Way)
    required = CustomEnum(Way, required=True, default=Way.phone)


@values({}, {"level": Level.LOW}, {"level": Level.HIGH, "shade": Shade.PALE}, {"shade": Shade.DARK})
class EnumsOfNumbersAndTexts(Record):
    level = CustomEnum(Level)
    shade = CustomEnum(Shade)


@values({}, {"color": Color.RED}, {"color": Color.VERT})
class EnumsWithAliases(Record):
    color = CustomEnum(Color)
