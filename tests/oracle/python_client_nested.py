"""Classes of records for Pulsar's Python client, of nested types and of names, with values that are easy to get wrong.

They are added to the cases of python_client_records.
"""

import math

from pulsar.schema import Array, Boolean, CustomEnum, Double, Float, Integer, Long, Map, Null, Record, String

from python_client_records import DOUBLES, SINGLES, TEXTS, Way, bad, cases, each, values


class Inner(Record):
    n = Integer()
    text = String()


class Place(Record):
    _avro_namespace = "shop.places"
    latitude = Double()
    name = String()


class Nothing(Record):
    pass


@values({}, {"inner": None}, {"inner": Inner(n=-1, text="a,\\b")}, {"inner": Inner()}, {"n": 5})
class Nested(Record):
    inner = Inner()
    n = Integer()


@values({"inner": Inner(n=1)}, {"inner": Inner(n=1, text="")}, {"inner": Inner(text="x"), "other": Inner(n=2)})
class NestedRequired(Record):
    inner = Inner(required=True)
    other = Inner


@values({}, {"a": Inner(n=1), "b": Inner(n=2), "c": [Inner(n=3)], "d": {"k": Inner(n=4)}})
class NestedOfOneTypeTwice(Record):
    a = Inner()
    b = Inner()
    c = Array(Inner())
    d = Map(Inner())


@values({}, {"place": Place(latitude=-0.0, name="Köln"), "home": Place(), "inner": Inner(n=1), "again": Inner(n=2)})
class Namespaces(Record):
    _avro_namespace = "shop.web_front"
    place = Place()
    inner = Inner()
    home = Place()
    again = Inner()
    way = CustomEnum(Way)


class Header(Record):
    _avro_namespace = "shop"
    _sorted_fields = True
    z = Integer()
    a = Place()


@values({}, {"b": "x", "a": 1, "header": Header(z=1, a=Place(name="p"))})
class SortedFields(Record):
    _sorted_fields = True
    header = Header()
    b = String()
    a = Integer()


class _Base(Record):
    id = Long()
    kind = String(default="base")


# A class has its own fields only.
@values({}, {"own": "x"})
class Inherited(_Base):
    own = String()


@values({}, {"id": 5, "text": "t"})
class InheritedAgain(Inherited):
    id = Integer()
    text = String()


class Chain(Record):
    value = Integer()


# A class cannot name itself in its own body.
Chain._fields["next"] = Chain()
values(
    {"value": 1, "next": None},
    {"value": 1, "next": Chain(value=2, next=Chain(value=3, next=None))},
    {"value": 1, "next": Chain(value=None, next=None)},
)(Chain)


def _deep(levels):
    kind = type(f"Level{levels}", (Record,), {"x": Double()})
    value = kind(x=math.nan)
    for level in range(levels - 1, 0, -1):
        kind = type(f"Level{level}", (Record,), {"inner": kind(), "n": Integer()})
        value = kind(inner=value, n=level)
    return kind, value


_DEEP, _DEEP_VALUE = _deep(30)
_TOO_DEEP, _ = _deep(32)


@values({}, {"deep": _DEEP_VALUE})
class Deep(Record):
    deep = _DEEP()


# A schema's JSON has 127 levels at most.
@bad({}, json="incompatible-schema", avro="incompatible-schema")
class TooDeep(Record):
    deep = _TOO_DEEP()


@each("items", [[], ["a"], TEXTS[:-1], [""], ["\\N", ","]])
class ArraysOfTexts(Record):
    items = Array(String())


@values({}, {"a": [], "b": [], "c": [], "d": []}, {"a": [1, -1], "b": [2**63 - 1], "c": [True, False], "d": [-(2**31)]})
class ArraysOfNumbers(Record):
    a = Array(Integer())
    b = Array(Long())
    c = Array(Boolean())
    d = Array(Integer(), required=True, default=[5, 6], required_default=True)


@values({}, {"a": DOUBLES, "b": SINGLES}, {"a": [1, 2], "b": [3]})
class ArraysOfFloats(Record):
    a = Array(Double())
    b = Array(Float())


@values({}, {"items": []}, {"items": [Inner(n=1, text="a,b"), Inner()]})
class ArraysOfRecords(Record):
    items = Array(Inner())


@values({}, {"items": [[], [1], [2, 3]]}, {"items": [[]], "texts": [[["a"], []], []]})
class ArraysOfArrays(Record):
    items = Array(Array(Integer()))
    texts = Array(Array(Array(String())))


@values({}, {"items": [{}, {"a": 1}, {"b": 2, "a": 3}]})
class ArraysOfMaps(Record):
    items = Array(Map(Long()))


@values(
    {},
    {"items": {}},
    {"items": {"a": "x", "b": ""}},
    {"items": {"": "", "ключ": ",", 'q"': "\n", "\\N": "\\N", "z": "1", "a": "2"}},
)
class MapsOfTexts(Record):
    items = Map(String())


@values({}, {"items": {f"k{at}": value for at, value in enumerate(DOUBLES)}, "flags": {"t": True}, "ints": {"i": -5}})
class MapsOfNumbers(Record):
    items = Map(Double())
    flags = Map(Boolean())
    ints = Map(Integer(), required=True, default={}, required_default=True)


@values({}, {"items": {"a": Inner(n=1), "b": Inner(text="t")}}, {"items": {}})
class MapsOfRecords(Record):
    items = Map(Inner())


@values({}, {"items": {"a": [], "b": [1, 2]}, "more": {"x": {}, "y": {"z": "a"}}})
class MapsOfArraysAndMaps(Record):
    items = Map(Array(Long()))
    more = Map(Map(String()))


class Line(Record):
    product = Place()
    way = CustomEnum(Way)
    prices = Map(Double())


@values(
    {},
    {"lines": [Line(product=Place(name="p"), way=Way.phone, prices={"a": 0.1}), Line()]},
    {"by_name": {"x": Line(way=Way.chat)}},
)
class RecordsInArraysAndMapsWithEnums(Record):
    lines = Array(Line())
    by_name = Map(Line())


# Beyond the specification's letters, only JSON has no objection by the client.
@values({}, {"größe": 1, "имя": "Анна", "名前": "花子", "ñ_1": [1]})
class Größen(Record):
    größe = Integer()
    имя = String()
    名前 = String()
    ñ_1 = Array(Integer())


@values({}, {"class_": "a", "from_": 1, "_private": True, "__dunder__": 2, "x1": 0.5})
class NamesOfPython(Record):
    class_ = String()
    from_ = Integer()
    _private = Boolean()
    __dunder__ = Long()
    x1 = Double()


@values({}, {"timestamp": 1, "date": "d", "order": 2, "select": "s", "value": 1, "key": "k", "name": "n"})
class NamesOfHive(Record):
    timestamp = Long()
    date = String()
    order = Integer()
    select = String()
    value = Integer()
    key = String()
    name = String()


Wide = values({}, {f"f{at}": at for at in range(300)}, {"f299": -1})(
    type("Wide", (Record,), {f"f{at}": Integer() for at in range(300)})
)


# Hive does not tell them apart.
@bad({"user_id": 1, "User_Id": 2}, json="incompatible-schema", avro="incompatible-schema")
class NamesThatDifferInCase(Record):
    user_id = Long()
    User_Id = Long()


# A table needs a column.
@bad({}, json="incompatible-schema", avro="incompatible-schema")
class WithoutFields(Record):
    pass


@values({}, {"nothing": Nothing(), "n": 1}, {"nothing": None, "items": [Nothing(), Nothing()]})
class NestedWithoutFields(Record):
    nothing = Nothing()
    n = Integer()
    items = Array(Nothing())


@values({}, {"n": 1})
class Nulls(Record):
    nothing = Null(required=True)
    n = Integer()


@values({}, {"n": 5})
class ClassWithMethods(Record):
    """Only what is a field is one."""

    LIMIT = 5
    n = Integer()

    @property
    def double(self):
        return self.n * 2

    def bounded(self):
        return self.n < self.LIMIT


@values({}, {"inner": Inner(n=9)}, {"inner": None})
class NestedWithDefault(Record):
    inner = Inner(default=Inner(n=1, text="default"))


class Query(Record):
    text = String()
    filters = Map(Array(String()))
    page = Integer(default=1, required_default=True)


@values(
    {},
    {"timestamp": 1793491200000, "user_id": 2**53 + 1, "query": Query(text="зимние, ботинки", filters={"size": ["42", "43"]})},
    {"session": "s", "shown": [1, 2, 3], "clicked": False, "score": 0.7, "way": Way.phone, "price": -0.0},
)
class Searching(Record):
    _avro_namespace = "marketplace.events"
    timestamp = Long()
    user_id = Long()
    session = String(required=True, default="", required_default=True)
    query = Query()
    shown = Array(Long())
    clicked = Boolean()
    score = Float()
    price = Double()
    way = CustomEnum(Way)
