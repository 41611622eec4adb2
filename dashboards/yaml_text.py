"""YAML of plain values: mappings, lists, texts, numbers, truth values and nothing."""

import json
import re

# What YAML reads as text without quotes, whatever version of YAML it is.
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def text(value):
    """The document of a mapping."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _entry(f"{_scalar(key)}:", item)
    else:
        for item in value:
            yield from _entry("-", item)


def _entry(head, item):
    if not isinstance(item, (dict, list)):
        yield f"{head} {_scalar(item)}"
    elif not item:
        yield f"{head} {json.dumps(item)}"
    elif head == "-":
        first, *rest = _lines(item)
        yield f"- {first}"
        yield from (f"  {line}" for line in rest)
    else:
        yield head
        yield from (f"  {line}" for line in _lines(item))


def _scalar(value):
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
