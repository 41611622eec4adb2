#!/usr/bin/env python3
"""Compares tables fetched from HDFS with what was sent: with the dump of each topic, and with the producers' records.

Prints a JSON report. Ends with 1 when anything differs: every difference says where, and what.
"""

import argparse
import collections
import functools
import json
import os
import re
import sys

import columns
import hive_text

HIDDEN = {"_commits", "_schema", "_staging", "_files", "_sink.json"}
MOST_DIFFERENCES = 30
# Put if absent; a crash between writing and renaming leaves it until the sink's next start.
_TEMPORARY = re.compile(r"_staging/(schema|sink)-[0-9a-f]{16}\.json")
_FILE = re.compile(r"(dt=\d{4}-\d\d-\d\d/)?[a-z_]+(-p\d+)?(\+i\d+)?-\d{20}\.csv")


class Report:
    def __init__(self):
        self.differences, self.counts = [], collections.Counter()
        self.tables, self.nulls, self.texts, self.doubled = {}, collections.Counter(), set(), 0

    def differs(self, what, detail):
        self.counts[what] += 1
        if self.counts[what] <= MOST_DIFFERENCES:
            self.differences.append(f"{what}: {detail}")


def main():
    options = parse()
    report = Report()
    schemas = columns.of_versions(options.versions) if options.versions else {}
    sent = read_dumps(options.dump)
    recorded = read_records(options.record, sent, options.complete, report)
    dead = read_dead(options.dead)
    for entry in sorted(os.scandir(options.tables), key=lambda entry: entry.name):
        if entry.name == ".Trash":
            # HDFS makes it in an encryption zone.
            continue
        if not entry.is_dir():
            report.differs("a file beside the tables", entry.path)
        elif entry.name not in sent:
            report.differs("a table without a topic", entry.path)
    for table, messages in sent.items():
        if table not in schemas:
            schemas[table] = columns.of_file(f"{options.schemas}/{table}.avsc")
        expected = {position: message for position, message in messages.items() if (table, position) not in dead}
        compare(report, options, table, schemas[table], expected, recorded.get(table, {}))
    finish(report, options)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", required=True, help="the fetched directory, a folder per table in it")
    parser.add_argument("--schemas", required=True, help="the folder of the .avsc files")
    parser.add_argument("--dump", action="append", required=True, help="what the topics hold, JSON lines")
    parser.add_argument("--record", action="append", default=[], help="what producers sent, JSON lines")
    parser.add_argument("--complete", action="store_true", help="the records name every message of the topics")
    parser.add_argument("--dead", action="append", default=[], help="positions that went to the dead letters, JSON lines")
    parser.add_argument("--metadata", choices=["ids", "all"], default="ids")
    parser.add_argument("--partition-by", choices=["none", "day"], default="day")
    parser.add_argument("--crashed", action="store_true", help="processes were killed: small temporary files may be left")
    parser.add_argument("--versions", help="the schemas that the broker has of topics whose schema changed, JSON")
    parser.add_argument("--at-least-once", action="store_true", help="rows may be doubled, and come in any order")
    parser.add_argument("--texts", help="writes every distinct text of the tables there, as a JSON list")
    return parser.parse_args()


def lines(paths):
    for path in paths:
        with open(path, encoding="utf-8") as file:
            yield from map(json.loads, file)


def local_name(topic):
    return topic.rsplit("/", 1)[1]


def read_dumps(paths):
    """By table: position to message."""
    sent = collections.defaultdict(dict)
    for line in lines(paths):
        position = (line["ledger"], line["entry"], line["batch_index"])
        messages = sent[local_name(line["topic"])]
        assert position not in messages, f"the dump has {line['topic']} {position} twice"
        line["payload"] = bytes.fromhex(line["payload"])
        messages[position] = line
    return sent


def read_records(paths, sent, complete, report):
    """By table: position to the values that the producer sent."""
    recorded = collections.defaultdict(dict)
    for line in lines(paths):
        table, id = local_name(line["topic"]), line["id"]
        position = (id["ledger"], id["entry"], id["batch_index"])
        if position not in sent.get(table, {}):
            report.differs("confirmed to the producer but not in the topic", f"{table} {position} {line['values']}")
        recorded[table][position] = line["values"]
    for table, messages in sent.items() if complete else ():
        for position in messages.keys() - recorded[table].keys():
            report.differs("in the topic but in no producer's record", f"{table} {position}")
    return recorded


def read_dead(paths):
    return {(local_name(line["topic"]), (line["ledger"], line["entry"], line["batch_index"])) for line in lines(paths)}


def compare(report, options, table, schema, expected, recorded):
    metadata = columns.METADATA if options.metadata == "all" else columns.METADATA[:3]
    kinds = metadata + [(name, kind) for name, kind, _ in schema.newest.fields]
    fewest = len(metadata) + schema.fewest
    seen = {}
    files = visible_files(report, f"{options.tables}/{table}", options)
    for relative in files:
        last = None
        for number, row in enumerate(rows_of(report, options, table, relative), 1):
            where = f"{table}/{relative} row {number}"
            values = typed(report, where, kinds, fewest, row)
            if values is None:
                continue
            position = tuple(values[name] for name, _ in metadata[:3])
            if last is not None and position <= last and not options.at_least_once:
                report.differs("out of order in its file", f"{where}: {position} after {last}")
            last = position
            if position in seen:
                report.doubled += 1
                if not options.at_least_once:
                    report.differs("doubled", f"{table} {position}: {seen[position]} and {where}")
            seen[position] = where
            message = expected.get(position)
            if message is None:
                report.differs("not in the topic, or a dead letter", f"{where}: {position} {values}")
                continue
            check_row(report, options, where, schema, values, message, recorded.get(position))
            check_place(report, options, table, relative, where, values, message)
    for position in sorted(expected.keys() - seen.keys()):
        report.differs("lost", f"{table} {position} published at {expected[position]['publish_time']}")
    report.tables[table] = {"rows": len(seen), "files": len(files), "sent": len(expected)}


def visible_files(report, root, options):
    """The files that Hive reads, relative to the table; what is hidden must be the protocol's own."""
    visible = []
    for folder, _, names in os.walk(root):
        for name in names:
            relative = os.path.relpath(f"{folder}/{name}", root)
            parts = relative.split("/")
            if not any(part.startswith(("_", ".")) for part in parts):
                visible.append(relative)
                if not _FILE.fullmatch(relative):
                    report.differs("a visible file of another name", f"{root}/{relative}")
            elif parts[0] not in HIDDEN:
                report.differs("an unknown hidden file", f"{root}/{relative}")
            elif parts[0] == "_staging" and not may_be_left(relative, options):
                report.differs("left in _staging", f"{root}/{relative}")
    return sorted(visible)


def may_be_left(relative, options):
    # At least once, every opening writes under a name of its own: no later one may delete what a killed one left.
    return options.crashed and (options.at_least_once or _TEMPORARY.fullmatch(relative))


def rows_of(report, options, table, relative):
    with open(f"{options.tables}/{table}/{relative}", "rb") as file:
        data = file.read()
    try:
        return hive_text.rows(data)
    except hive_text.Torn as torn:
        report.differs("torn", f"{table}/{relative}: {torn}")
        return []


def typed(report, where, kinds, fewest, row):
    try:
        texts = hive_text.fields(row)
        if not fewest <= len(texts) <= len(kinds):
            raise ValueError(f"{len(texts)} fields, not {fewest} to {len(kinds)}")
        texts += [None] * (len(kinds) - len(texts))  # as Hive reads a row that was written before a column was added
        return {name: columns.read(kind, text) for (name, kind), text in zip(kinds, texts)}
    except ValueError as error:
        report.differs("unreadable", f"{where}: {error}: {row[:300]!r}")
        return None


def check_row(report, options, where, schema, values, message, recorded):
    sources = [("the topic", schema.decode(message))]
    if recorded is not None:
        sources.append(("the producer's record", recorded))
    for name, kind, _ in schema.newest.fields:
        value = values[name]
        if value is None:
            report.nulls[f"{where.split('/')[0]}.{name}"] += 1
        elif kind == "string":
            report.texts.add(value)
        for source, sent in sources:
            if not columns.same(kind, value, sent.get(name)):
                report.differs("another value", f"{where} column {name}: {value!r}, but {sent.get(name)!r} in {source}")
    if options.metadata == "all":
        check_metadata(report, where, values, message)


def check_metadata(report, where, values, message):
    partition = f"-partition-{message['partition']}" if message["partition"] >= 0 else ""
    key = message["key"]
    expected = {
        "_publish_time": message["publish_time"],
        "_event_time": message["event_time"],
        "_key": None if key is None else key.encode("utf-8"),
        "_topic": message["topic"] + partition,
    }
    for name, value in expected.items():
        if values[name] != value:
            report.differs("another value", f"{where} column {name}: {values[name]!r}, but {value!r} in the topic")


def check_place(report, options, table, relative, where, values, message):
    source = f"{table}-p{message['partition']}" if message["partition"] >= 0 else table
    directory = f"dt={columns.day(values['timestamp'])}/" if options.partition_by == "day" else ""
    if not is_in(relative, directory, source, options.at_least_once):
        report.differs("in the wrong place", f"{where}: expected in {directory}{source}-….csv")


@functools.lru_cache
def is_in(relative, directory, source, at_least_once):
    """Whether a file is one of a source's in its directory. Rows of a file ask the same."""
    writer = r"\+i\d+" if at_least_once else ""
    return re.fullmatch(rf"{re.escape(directory)}{re.escape(source)}{writer}-\d{{20}}\.csv", relative) is not None


def finish(report, options):
    if options.texts:
        with open(options.texts, "w", encoding="utf-8") as file:
            json.dump(sorted(report.texts), file)
    totals = {key: sum(table[key] for table in report.tables.values()) for key in ("rows", "files", "sent")}
    summary = {**totals, "doubled": report.doubled, "nulls": report.nulls, "counts": report.counts, "tables": report.tables}
    print(json.dumps(summary))
    for difference in report.differences:
        print(difference, file=sys.stderr)
    sys.exit(1 if report.counts else 0)


if __name__ == "__main__":
    main()
