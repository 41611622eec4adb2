"""Reads Hive's text format as LazySimpleSerDe does: ESCAPED BY '\\', NULL DEFINED AS '\\N', escape.crlf on.

Shares nothing with the connector. Bytes in, a list of fields out: None for NULL, else text.
"""

import re

_LINE_ENDS = re.compile(rb"\r\n|\n|\r")  # where Hadoop's line reader splits, before the SerDe sees a row
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r"}


class Torn(Exception):
    """A file that does not end where a row ends."""


def rows(data):
    """The rows of a file, as bytes."""
    if not data:
        return []
    if not data.endswith(b"\n"):
        raise Torn(f"the last row has no line feed: …{data[-60:]!r}")
    return _LINE_ENDS.split(data[:-1])


def fields(row, delimiter=b","):
    """A row's fields."""
    if b"\\" not in row:
        return row.decode("utf-8").split(delimiter.decode("utf-8"))
    return [_value(raw) for raw in _split(row, delimiter)]


def _split(row, delimiter):
    parts, begin, at = [], 0, 0
    while at < len(row):
        byte = row[at : at + 1]
        if byte == b"\\":
            at += 1  # whatever follows belongs to the field
        elif byte == delimiter:
            parts.append(row[begin:at])
            begin = at + 1
        at += 1
    parts.append(row[begin:])
    return parts


def _value(raw):
    if raw == b"\\N":  # compared before anything is unescaped
        return None
    if b"\\" in raw:
        raw = _ESCAPED.sub(lambda match: _LETTERS.get(match[1], match[1]), raw)
    return raw.decode("utf-8")
