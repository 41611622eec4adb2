#!/usr/bin/env python3
"""Runs ClickHouse's tables (conf/clickhouse/tables.sql) on ClickHouse's engine, in this process, and holds the views against events.

Takes the SQL, the folder of the schemas, and a file of JSON lines, each an event's name and its row. Inserts the rows, counts
them here, and compares. Ends with 1 when anything differs, and says what.
"""

import collections
import datetime
import json
import pathlib
import re
import sys
import tempfile

from chdb import session

DATABASE = "marketplace"
# An insert has at most so many rows, so that counts come together from several.
ROWS = 700
FUNNEL = {
    "page_visit": (1, "visited or searched"),
    "searching": (1, "visited or searched"),
    "cart_add": (2, "added to cart"),
    "ordering": (3, "ordered"),
}
ORDERS = ["ordering", "order_cancel", "item_return", "promo_usage"]


def main(sql, schemas, events):
    statements = [text for text in re.split(r";\n", sql.read_text(encoding="utf-8")) if text.strip()]
    schemas = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in schemas.glob("*.avsc")}
    with open(events, encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines]
    differences = []
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(session.Session(folder), pathlib.Path(folder))
        # Twice, and once more when there are rows: nothing of it may fail or change what is there.
        engine.run(statements * 2)
        insert(engine, events)
        engine.run(statements)
        views = 0
        for merged in (False, True):
            for name, query, expected in everything(events, schemas):
                views += 1
                found = engine.rows(query)
                if found != expected:
                    wrong = [row for row in found if row not in expected][:3], [row for row in expected if row not in found][:3]
                    differences.append(f"{name} (merged: {merged}): {len(found)} rows for {len(expected)}: {wrong}")
            if not merged:
                engine.run(f"OPTIMIZE TABLE {DATABASE}.activity_by_{grain} FINAL" for grain in ("hour", "day"))
        engine.session.close()
    for difference in differences:
        print(difference, file=sys.stderr)
    print(f"{len(statements)} statements, {len(events)} events, {views} comparisons, {len(differences)} differ")
    return 1 if differences or not events else 0


class Engine:
    def __init__(self, own, folder):
        self.session = own
        self.folder = folder

    def run(self, statements):
        for statement in statements:
            self.session.query(statement)

    def rows(self, query):
        text = str(self.session.query(query, "JSONCompactEachRow"))
        # Not splitlines(): a row can hold characters that it takes for line ends.
        return sorted((json.loads(line) for line in text.split("\n") if line), key=str)


def insert(engine, events):
    """In the order in which they came, each event's rows in inserts of their own."""
    waiting = collections.defaultdict(list)
    for event in events:
        rows = waiting[event["event"]]
        rows.append(event["row"])
        if len(rows) == ROWS:
            insert_rows(engine, event["event"], rows)
            rows.clear()
    for name, rows in waiting.items():
        if rows:
            insert_rows(engine, name, rows)


def insert_rows(engine, name, rows):
    file = engine.folder / "rows.json"
    with open(file, "w", encoding="utf-8") as lines:
        for row in rows:
            lines.write(json.dumps({**row, "timestamp": text(row["timestamp"])}) + "\n")
    engine.run([f"INSERT INTO {DATABASE}.{name} FROM INFILE '{file}' FORMAT JSONEachRow"])


def everything(events, schemas):
    """What is compared: its name, the query, and the rows that it must give."""
    for name, schema in schemas.items():
        fields = [field["name"] for field in schema["fields"]]
        rows = [event["row"] for event in events if event["event"] == name]
        found = [[text(row["timestamp"]), *(row[field] for field in fields[1:])] for row in rows]
        columns = ", ".join(f"`{field}`" for field in fields)
        yield name, f"SELECT {columns} FROM {DATABASE}.{name}", sorted(found, key=str)
        # What the JDBC sink asks before it writes: any other table found would be taken for this one.
        tables = f"SELECT database, name FROM system.tables WHERE name LIKE '{name}'"
        yield f"the table of {name}", tables, [[DATABASE, name]]
        for field in schema["fields"]:
            if "codes" in field:
                named = f"SELECT `{field['name']}`, `{field['name']}_name`, count() FROM {DATABASE}.{name}_named GROUP BY 1, 2"
                counts = collections.Counter(row[field["name"]] for row in rows)
                expected = [[code, field["codes"][str(code)], count] for code, count in counts.items()]
                yield f"{name}_named", named, sorted(expected, key=str)
    for grain, begin in ("hour", hour), ("day", day):
        yield from counted(events, schemas, grain, begin)


def counted(events, schemas, grain, begin):
    """What the views by hour or by day must give."""
    codes = {name: field for name, schema in schemas.items() for field in schema["fields"] if "codes" in field}
    views = {name: collections.defaultdict(list) for name in ("traffic", "active_users", "codes", "purchase_funnel")}
    orders = collections.defaultdict(collections.Counter)
    for event in events:
        name, row = event["event"], event["row"]
        time, user = begin(row["timestamp"]), row["user_id"]
        views["traffic"][time, name].append(user)
        views["active_users"][(time,)].append(user)
        if name in codes:
            code = row[codes[name]["name"]]
            views["codes"][time, name, code, codes[name]["codes"][str(code)]].append(user)
        if name in FUNNEL:
            views["purchase_funnel"][time, *FUNNEL[name]].append(user)
        if name in ORDERS:
            orders[time][name] += 1
    for view, groups in views.items():
        expected = [[*group, len(users), len(set(users))] for group, users in groups.items()]
        yield f"{view}_per_{grain}", f"SELECT * FROM {DATABASE}.{view}_per_{grain}", sorted(expected, key=str)
    expected = [[time, *(counts[name] for name in ORDERS)] for time, counts in orders.items()]
    yield f"orders_per_{grain}", f"SELECT * FROM {DATABASE}.orders_per_{grain}", sorted(expected, key=str)


def moment(millis):
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=millis)


def text(millis):
    return moment(millis).isoformat(" ", "milliseconds")


def hour(millis):
    return f"{moment(millis):%Y-%m-%d %H}:00:00"


def day(millis):
    return f"{moment(millis):%Y-%m-%d}"


if __name__ == "__main__":
    sys.exit(main(*map(pathlib.Path, sys.argv[1:])))
