"""What a request's SQL is: whether rows follow it, and in which format its result is."""

import re
from dataclasses import dataclass

TOKEN = re.compile(
    rb"'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|\"(?:\\.|[^\"\\])*\"|--[^\n]*|/\*.*?\*/|[A-Za-z_]\w*|[()]|[^\s]", re.DOTALL
)
DATA = re.compile(rb"[ \t]*(?:\r?\n)?")
# After these words an INSERT needs no rows from outside, or has them in its own text.
COMPLETE = {b"SELECT", b"WITH", b"VALUES", b"FROM", b"WATCH"}
# What answers with rows.
QUERIES = {b"SELECT", b"WITH", b"SHOW", b"DESC", b"DESCRIBE", b"EXISTS", b"EXPLAIN", b"CHECK"}


@dataclass(frozen=True)
class Insert:
    """An INSERT whose rows follow it. `settings` is its SETTINGS clause, if it has one."""

    head: bytes
    settings: bytes
    format: bytes
    rows: bytes

    def from_file(self, path):
        """The statement with the rows in a file."""
        quoted = path.replace("\\", "\\\\").replace("'", "\\'").encode()
        return b" ".join([self.head, b"FROM INFILE '" + quoted + b"'", self.settings, b"FORMAT", self.format])


def insert(text):
    """The INSERT that a request's text begins with, if its rows follow in a format; else None."""
    words = _words(text)
    if next(words, (b"",))[0] != b"INSERT":
        return None
    settings = None
    for word, begin, end in words:
        if word in COMPLETE:
            return None
        if word == b"SETTINGS":
            settings = begin
        if word == b"FORMAT":
            name = next(words, None)
            if name is None:
                return None
            head_end = begin if settings is None else settings
            rows = DATA.match(text, name[2]).end()
            return Insert(text[:head_end].strip(), text[head_end:begin].strip(), text[name[1] : name[2]], text[rows:])
    return None


def result_format(text, default):
    """The format of what a statement answers with, or None if it does not answer with rows."""
    words = list(_words(text))
    if not words or words[0][0] not in QUERIES:
        return None
    for (word, _, _), (_, begin, end) in reversed(list(zip(words, words[1:]))):
        if word == b"FORMAT":
            return text[begin:end].decode()
    return default


def _words(text):
    """The first word, and the others outside of brackets, in capitals, and where each begins and ends. What is in quotes
    or comments is no word."""
    depth, first_word = 0, True
    for token in TOKEN.finditer(text):
        first = token.group()[:1]
        if first == b"(":
            depth += 1
        elif first == b")":
            depth -= 1
        elif (depth == 0 or first_word) and (first.isalpha() or first == b"_"):
            first_word = False
            yield token.group().upper(), token.start(), token.end()
