"""Holds what the charts were answered against direct queries of the events' own tables, for the same window.

`draw.py` writes the answers. The queries here know nothing of the views, of what is counted as rows come, or of
Superset: only the tables, and the window that Superset said it took.
"""

import argparse
import datetime
import json
import subprocess
import urllib.request
from pathlib import Path

from charts import LIST, history, now
from datasets import CLICKHOUSE, GROUPS, SCHEMA, STEPS, TITLES, events

HOUR = "toStartOfHour(timestamp)"


class Engine:
    """How one engine says what a query needs."""

    def __init__(self, database, time, begin, end):
        self.hot = database == CLICKHOUSE
        self.moment = "timestamp" if time == "timestamp" else HOUR
        self.begin, self.end = begin, end
        self.bucket = HOUR if self.hot else "dt"

    def window(self):
        if self.hot:
            begin, end = (f"toDateTime({edge // 1000}, 'UTC')" for edge in (self.begin, self.end))
            return f"{self.moment} >= {begin} AND {self.moment} < {end}"
        return f"dt >= '{_day(self.begin)}' AND dt < '{_day(self.end)}'"

    def rows(self, names, value="''"):
        """The bucket, the event, a value and the user of every row of these events in the window."""
        selects = [
            f"SELECT {self.bucket} AS bucket, '{name}' AS event, {value.get(name) if isinstance(value, dict) else value}"
            f" AS label, user_id FROM {SCHEMA}.{name} WHERE {self.window()}"
            for name in names
        ]
        return "(" + " UNION ALL ".join(selects) + ") every_row"


def _day(milliseconds):
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc).date().isoformat()


def _label(values):
    """For each event, the literal that it counts as."""
    return {name: f"'{label}'" for label, names in values.items() for name in names}


def _codes(name):
    field = next(field for field in events()[name]["fields"] if "codes" in field)
    whens = "".join(f" WHEN {code} THEN '{label}'" for code, label in field["codes"].items())
    return f"CASE {field['name']}{whens} ELSE 'unknown' END"


def direct(chart, engine):
    """The query whose rows are what the chart shows: axis, if there is one; label, if there is one; numbers."""
    names = chart.where.get("event") or list(events())
    count = {"event_count": "count(*)", "user_count": "count(DISTINCT user_id)"}
    # One chart has a number for each event instead.
    sources = {"orders_count": "ordering", "order_cancels_count": "order_cancel", "item_returns_count": "item_return",
               "promo_uses_count": "promo_usage"}
    for metric, name in sources.items():
        count[metric] = f"count(CASE WHEN event = '{name}' THEN 1 END)"
    if chart.columns == ["query"]:
        return f"SELECT query, count(*), count(DISTINCT user_id) FROM {SCHEMA}.searching WHERE {engine.window()} GROUP BY query"
    values = "''"
    if chart.columns == ["event_group"]:
        values = _label(GROUPS)
    elif chart.columns == ["event_title"]:
        values = _label({title: [name] for name, title in TITLES.items()})
    elif "funnel" in chart.name:
        names, values = sum(STEPS.values(), []), _label(STEPS)
    elif chart.columns == ["code_name"]:
        values = _codes(names[0])
    keys = (["bucket"] if chart.axis else []) + ["label"] * len(chart.columns)
    # Hive does not take a name twice.
    numbers = [f"{count[metric]} AS n{place}" for place, metric in enumerate(chart.metrics)]
    group = f" GROUP BY {', '.join(keys)}" if keys else ""
    return f"SELECT {', '.join(keys + numbers)} FROM {engine.rows(names, values)}{group}"


def shown(chart, result):
    """The numbers that the chart was given, by axis, label and metric."""
    found = {}
    for row in result["data"]:
        row = dict(row)
        moment = _moment(row.pop(chart.axis)) if chart.axis else None
        if chart.columns and chart.columns[0] in row:
            label = row.pop(chart.columns[0])
            numbers = {(label, metric): row[metric] for metric in chart.metrics}
        elif chart.columns:
            # The browser has asked for a column for each label.
            numbers = {(label, chart.metrics[0]): number for label, number in row.items()}
        else:
            numbers = {(None, metric): row[metric] for metric in chart.metrics}
        found.update({(moment, *key): int(number) for key, number in numbers.items() if number})
    return found


def expected(chart, rows):
    """The same of a direct query's rows."""
    found = {}
    for row in rows:
        row = list(row)
        moment = _moment(row.pop(0)) if chart.axis else None
        label = row.pop(0) if chart.columns else None
        found.update({(moment, label, metric): int(n) for metric, n in zip(chart.metrics, row, strict=True) if int(n)})
    return found


def _moment(value):
    """Hours and days as text, whatever form they come in."""
    if isinstance(value, (int, float)):
        value = datetime.datetime.fromtimestamp(value / 1000, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    value = value.replace("T", " ")[:19]
    return value.removesuffix(" 00:00:00")


def difference(chart, seen, truth):
    """What differs, in words; nothing when all is equal. A list of the most frequent is held for what it lists."""
    if chart.limit <= LIST:
        least = min((n for (_, _, metric), n in seen.items() if metric == chart.metrics[0]), default=0)
        missing = [key for key, n in truth.items() if key[2] == chart.metrics[0] and n > least and key not in seen]
        listed = min(chart.limit, len({key[1] for key in truth}))
        if missing or len({key[1] for key in seen}) != listed:
            return f"it lists {len(seen)} numbers and leaves out {missing[:3]}"
        truth = {key: n for key, n in truth.items() if key in seen}
    if not truth:
        return "the direct query finds nothing"
    wrong = sorted(key for key in {*seen, *truth} if seen.get(key) != truth.get(key)) if seen != truth else []
    if wrong:
        return "; ".join(f"{key}: shown {seen.get(key)}, direct {truth.get(key)}" for key in wrong[:5]) + f" ({len(wrong)} differ)"
    return None


def rows(lines):
    """Rows of JSON. Only a line feed ends one: texts hold other characters that Python takes for line ends."""
    return [json.loads(line) for line in lines.split("\n") if line]


def ask_clickhouse(url, queries):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for sql in queries:
        with opener.open(url, (sql + " FORMAT JSONCompactEachRow").encode(), timeout=300) as answer:
            yield rows(answer.read().decode())


def ask_hive(client, queries):
    """All in one session: a row of the number of the next query parts their rows."""
    arguments = [part for number, sql in enumerate(queries) for part in ("-e", f"SELECT 'query', {number}", "-e", sql)]
    output = subprocess.run([*client, *arguments], check=True, capture_output=True, text=True, timeout=900).stdout
    answers = []
    for row in rows(output):
        if row == ["query", str(len(answers))]:
            answers.append([])
        else:
            answers[-1].append(row)
    return answers


def main():
    options = argparse.ArgumentParser(description="Holds charts against direct queries.")
    options.add_argument("--answers", required=True, type=Path, metavar="FILE")
    options.add_argument("--clickhouse", required=True, metavar="URL")
    client = "the last option: a command that takes -e SQL and prints rows of JSON"
    options.add_argument("--hive-client", required=True, nargs=argparse.REMAINDER, metavar="COMMAND", help=client)
    options.add_argument("--out", required=True, type=Path, metavar="FILE")
    given = options.parse_args()
    answers = json.loads(given.answers.read_text())
    cases = []
    for slug, places in [("now", now()), ("history", history())]:
        for chart in sum(places, []):
            result = answers[slug][chart.name]["result"][0]
            engine = Engine(chart.database, chart.time, result["from_dttm"], result["to_dttm"])
            cases.append((slug, chart, result, direct(chart, engine)))
    hot = [case for case in cases if case[1].database == CLICKHOUSE]
    cold = [case for case in cases if case[1].database != CLICKHOUSE]
    truths = list(ask_clickhouse(given.clickhouse, [case[3] for case in hot]))
    truths += ask_hive(given.hive_client, [case[3] for case in cold])
    outcome = {}
    for (slug, chart, result, sql), found in zip(hot + cold, truths, strict=True):
        seen, truth = shown(chart, result), expected(chart, found)
        outcome[f"{slug}: {chart.name}"] = {
            "numbers": len(seen), "difference": difference(chart, seen, truth), "direct_query": sql,
            "from": result["from_dttm"], "to": result["to_dttm"],
        }
    given.out.write_text(json.dumps(outcome, indent=1, ensure_ascii=False) + "\n")
    wrong = [f"{name}: {case['difference']}" for name, case in outcome.items() if case["difference"]]
    if wrong:
        raise SystemExit("\n".join(wrong))
    print(f"{len(outcome)} charts, {sum(case['numbers'] for case in outcome.values())} numbers: all equal to direct queries")


if __name__ == "__main__":
    main()
