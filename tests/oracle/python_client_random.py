"""Classes of records for Pulsar's Python client, and their values, at random: the same ones each time."""

import base64
import enum
import random
import struct

from pulsar.schema import Array, Boolean, Bytes, CustomEnum, Double, Float, Integer, Long, Map, Record, String

_CLASSES, _VALUES = 120, 5
_SIGNS = [*"\\\n\r,\t\"'Nn {}[]:\0\x1f\x7f\u2028é😀", "\\N"]
_NUMBERS = enum.Enum("Numbers", {f"N{at}": at * 7 - 7 for at in range(4)})
_TEXTS = enum.Enum("Texts", {f"T{at}": f"T{at}" for at in range(4)})


def cases():
    """As python_client_records.cases."""
    chance = random.Random(1)
    makers = [_Maker(chance, f"Random{number}") for number in range(_CLASSES)]
    return [case for maker in makers for case in maker.cases()]


class _Maker:
    """Of one class, and of those in it."""

    def __init__(self, chance, name):
        self.chance, self.name, self.count = chance, name, 0

    def cases(self):
        kind, fields = self._record(levels=3)
        return [(kind, {}, self._values(fields)) for _ in range(_VALUES)]

    def _record(self, levels):
        """A class, and of each field whether it must be there, and what makes a value."""
        name = f"{self.name}_{self.count}" if self.count else self.name
        self.count += 1
        fields = {f"f{at}": (self.chance.random() < 0.3, *self._type(levels)) for at in range(self.chance.randint(1, 5))}
        body = {field: of(required) for field, (required, of, _) in fields.items()}
        kind = type(name, (Record,), {**body, "_sorted_fields": self.chance.random() < 0.3})
        return kind, {field: (required, make) for field, (required, _, make) in fields.items()}

    def _values(self, fields):
        return {field: make() for field, (required, make) in fields.items() if required or self.chance.random() < 0.8}

    def _type(self, levels, item=False):
        """What makes a field, and what makes its values. The client has no schema for enums that are items."""
        chance = self.chance
        scalars = [
            (String, self._text),
            (Integer, lambda: self._integer(31)),
            (Long, lambda: self._integer(63)),
            (Float, lambda: struct.unpack("<f", struct.pack("<f", self._single()))[0]),
            (Double, self._double),
            (Boolean, lambda: chance.random() < 0.5),
            # What JSON takes for bytes.
            (Bytes, lambda: base64.b64encode(chance.randbytes(chance.randrange(9)))),
            *(
                []
                if item
                else [
                    (lambda required, of=of: CustomEnum(of, required=required), lambda of=of: chance.choice(list(of)))
                    for of in (_NUMBERS, _TEXTS)
                ]
            ),
        ]
        number = chance.randrange(len(scalars) + (3 if levels else 0))
        if number < len(scalars):
            of, make = scalars[number]
            return (lambda required: of(required=required)) if isinstance(of, type) else of, make
        if number == len(scalars):
            kind, fields = self._record(levels - 1)
            return lambda required: kind(required=required), lambda: kind(**self._values(fields))
        of, make = self._type(levels - 1, item=True)
        if number == len(scalars) + 1:
            return lambda required: Array(of(False), required=required), lambda: [make() for _ in range(chance.randrange(4))]
        return lambda required: Map(of(False), required=required), lambda: {
            self._text(): make() for _ in range(chance.randrange(4))
        }

    def _text(self):
        return "".join(
            self.chance.choice([*_SIGNS, chr(self.chance.randrange(0x20, 0xD800))]) for _ in range(self.chance.randrange(7))
        )

    def _integer(self, bits):
        return self.chance.choice([self.chance.randrange(-(2**bits), 2**bits), self.chance.randrange(-3, 3)])

    def _single(self):
        (any_bits,) = struct.unpack("<f", self.chance.randbytes(4))
        return self.chance.choice([any_bits, self.chance.random(), 10.0 ** self.chance.randrange(-20, 25)])

    def _double(self):
        (any_bits,) = struct.unpack("<d", self.chance.randbytes(8))
        return self.chance.choice([any_bits, self.chance.random(), 10.0 ** self.chance.randrange(-20, 25), self._integer(60)])
