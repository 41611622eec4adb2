#!/usr/bin/env python3
"""Compares one table with what was sent to it, whatever its schemas and its dialect: field by field, and in order.

The sent rows are JSON lines: a position, and by field name a type and a value, floats by their bits. The text is read by Python's csv
and gzip, or as Hive reads it. Prints a JSON report. Ends with 1 when anything differs.
"""

import argparse
import base64
import collections
import csv
import datetime
import gzip
import io
import json
import os
import re
import struct
import sys
import zlib

import hive_text

MOST_DIFFERENCES = 30
IDS = ["_ledger_id", "_entry_id", "_batch_index"]
OTHER_METADATA = ["_publish_time", "_event_time", "_key", "_topic"]
# Which columns may hold what a producer sends: its own type, or the one that it was widened to.
HOLDS = {
    "int": {"int", "bigint"},
    "long": {"bigint"},
    "float": {"float", "double"},
    "double": {"double"},
    "string": {"string"},
    "bytes": {"binary"},
    "json": {"string"},
    "timestamp": {"timestamp"},
}
WIDER = {("int", "bigint"), ("float", "double")}
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")


class Report:
    def __init__(self):
        self.differences, self.counts = [], collections.Counter()

    def differs(self, what, detail):
        self.counts[what] += 1
        if self.counts[what] <= MOST_DIFFERENCES:
            self.differences.append(f"{what}: {detail[:600]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, help="the fetched folder of the table")
    parser.add_argument("--sent", required=True, help="the rows, JSON lines")
    parser.add_argument("--dialect", choices=["hive", "rfc4180"], default="hive")
    parser.add_argument("--header", action="store_true")
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--all-metadata", action="store_true", help="all metadata columns are there; the keys are told")
    options = parser.parse_args()
    csv.field_size_limit(sys.maxsize)
    report = Report()
    metadata = IDS + OTHER_METADATA if options.all_metadata else IDS
    columns, versions = read_columns(report, metadata, f"{options.table}/_schema")
    sent = read_sent(options.sent)
    seen, nulls, short, members, keys = {}, collections.Counter(), 0, [], set()
    files = visible_files(report, options)
    last = {}
    for relative in files:
        series = relative.rpartition("-")[0]
        for number, row in enumerate(rows_of(report, options, columns, relative, members), 1):
            where = f"{relative} row {number}"
            position = check_row(report, where, len(metadata), columns, row, sent, nulls)
            if position is None:
                continue
            if options.all_metadata:
                keys.add(row[5])
            short += len(row) < len(columns)
            # Files of one source partition and folder, by name, go on where the one before ends.
            if series in last and position <= last[series]:
                report.differs("out of order", f"{where}: {position} after {last[series]}")
            last[series] = position
            if position in seen:
                report.differs("doubled", f"{position}: {seen[position]} and {where}")
            seen[position] = where
    for position in sorted(sent.keys() - seen.keys()):
        report.differs("lost", f"{position} {sent[position]}")
    summary = {"rows": len(seen), "files": len(files), "short": short, "versions": versions, "members": members}
    summary["keys"] = sorted(key for key in keys if key is not None)
    summary.update(columns=[" ".join(column) for column in columns], nulls=nulls, counts=report.counts)
    print(json.dumps(summary))
    for difference in report.differences:
        print(difference, file=sys.stderr)
    sys.exit(1 if report.counts else 0)


def read_sent(path):
    sent = {}
    with open(path, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            position = tuple(line["position"])
            assert position not in sent, f"{position} was sent twice"
            sent[position] = line["values"]
    return sent


def read_columns(report, metadata, folder):
    """The newest columns. Each version must go on from the one before: the same columns first, some of them wider."""
    before, versions = [], []
    for number, name in enumerate(sorted(os.listdir(folder)), 1):
        with open(f"{folder}/{name}", encoding="utf-8") as file:
            version = json.load(file)
        columns = [(column["name"], column["type"]) for column in version["columns"]]
        versions.append(len(columns))
        if version["version"] != number:
            report.differs("a version out of turn", f"{name}: {version['version']}")
        if columns == before:
            report.differs("a version without a change", name)
        for old, new in zip(before, columns):
            if old != new and not (old[0] == new[0] and (old[1], new[1]) in WIDER):
                report.differs("a column that became another", f"{name}: {old} became {new}")
        if len(columns) < len(before):
            report.differs("a column that went away", name)
        before = columns
    first = [name for name, _ in before[: len(metadata)]]
    if first != metadata:
        report.differs("other first columns", str(first))
    return before, versions


def visible_files(report, options):
    extension = r"csv\.gz" if options.gzip else "csv"
    name_of_file = re.compile(rf"(.*/)?{re.escape(os.path.basename(options.table))}(-p\d+)?-\d{{20}}\.{extension}")
    visible = []
    for folder, _, names in os.walk(options.table):
        for name in names:
            relative = os.path.relpath(f"{folder}/{name}", options.table)
            if not any(part.startswith(("_", ".")) for part in relative.split("/")):
                visible.append(relative)
                if not name_of_file.fullmatch(relative):
                    report.differs("a visible file of another name", relative)
    return sorted(visible)


def rows_of(report, options, columns, relative, members):
    with open(f"{options.table}/{relative}", "rb") as file:
        data = file.read()
    if options.gzip:
        members.append(count_members(data))
        data = gzip.decompress(data)
    if options.dialect == "hive":
        return [hive_text.fields(row) for row in hive_text.rows(data)]
    rows = quoted_rows(data.decode("utf-8"))
    if not options.header:
        return rows
    header, rows = rows[0], rows[1:]
    names = [name for name, _ in columns]
    if header != names[: len(header)]:
        report.differs("a header of other names", f"{relative}: {header}, the columns are {names}")
    for number, row in enumerate(rows, 1):
        if len(row) > len(header):
            report.differs("a row that is wider than its header", f"{relative} row {number}: {row} under {header}")
    if not rows:
        report.differs("a header without rows", relative)
    return rows


def count_members(data):
    count = 0
    while data:
        member = zlib.decompressobj(wbits=31)
        member.decompress(data)
        assert member.eof, "a gzip member that does not end"
        data, count = member.unused_data, count + 1
    return count


def quoted_rows(text):
    """Python's csv reads the values, and the raw text tells NULL from the empty text."""
    values = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    raw = raw_fields(text)
    assert [len(row) for row in values] == [len(row) for row in raw], "csv and the raw text differ in their fields"
    return [[None if part == "" else value for value, part in zip(*pair)] for pair in zip(values, raw)]


def raw_fields(text):
    rows, row, begin, quoted = [], [], 0, False
    for match in re.finditer(r'["\n,]', text):
        sign, at = match[0], match.start()
        if sign == '"':
            quoted = not quoted
        elif not quoted:
            row.append(text[begin:at])
            begin = at + 1
            if sign == "\n":
                rows.append(row)
                row = []
    assert begin == len(text) and not quoted and not row, "the text does not end where a row ends"
    return rows


def check_row(report, where, first, columns, row, sent, nulls):
    """The row's position; none for a row that cannot be placed."""
    try:
        position = tuple(int(text) for text in row[:3])
        values = sent[position]
    except (ValueError, TypeError, KeyError):
        report.differs("not sent", f"{where}: {row}")
        return None
    if len(row) > len(columns):
        report.differs("more fields than columns", f"{where}: {row}")
    names = [name for name, _ in columns]
    for name in values.keys() - set(names[: len(row)]):
        report.differs("a field without a column", f"{where}: {name} = {values[name]}, the row has {len(row)} fields")
    for (name, kind), text in list(zip(columns, row))[first:]:
        if text is None:
            nulls[name] += 1
        problem = difference(kind, values.get(name), text)
        if problem:
            report.differs("another value", f"{where} column {name} {kind}: {problem}")
    return position


def difference(column, sent, text):
    if sent is None or text is None:
        return None if sent is None and text is None else f"{text!r}, but {sent!r} was sent"
    kind, value = sent
    if column not in HOLDS[kind]:
        return f"a {column} cannot hold a {kind}"
    try:
        return None if same(kind, value, text) else f"{text!r}, but {value!r} was sent"
    except ValueError as error:
        return f"{text!r}: {error}"


def same(kind, value, text):
    if kind in ("int", "long"):
        return bool(_WHOLE.fullmatch(text)) and int(text) == value
    if kind == "timestamp":
        moment = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f")
        return (moment - datetime.datetime(1970, 1, 1)) / datetime.timedelta(milliseconds=1) == value
    if kind in ("float", "double"):
        form = ">f" if kind == "float" else ">d"
        # As its own type it is the same, bit for bit; which NaN it is, the text does not say.
        number = float(text)
        return struct.pack(form, number).hex() == value or (number != number and value.startswith(("7f", "ff")))
    if kind == "bytes":
        return base64.b64decode(text, validate=True) == base64.b64decode(value)
    return json.loads(text) == value if kind == "json" else text == value


if __name__ == "__main__":
    main()
