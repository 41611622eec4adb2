"""`python3 -B -m unittest` in this folder."""

import unittest

import charts
import datasets
import generate
from check import Engine, difference, direct, expected, rows, shown
from import_assets import archive
from yaml_text import text

HOUR = 3_600_000
CHARTS = {chart.name: chart for row in charts.now() + charts.history() for chart in row}


def luminance(color):
    """As WCAG 2 defines it."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


class Comparison(unittest.TestCase):
    def test_a_wide_answer_and_a_long_one_are_the_same_numbers(self):
        chart = CHARTS["Support load: contacts per hour by way"]
        wide = {"data": [{"time": 0, "mail": 2, "chat": None}, {"time": HOUR, "mail": 0, "chat": 1}]}
        rows = [["1970-01-01 00:00:00", "mail", "2"], ["1970-01-01 01:00:00", "chat", "1"]]
        long = {"data": [{"time": moment, "code_name": label, "event_count": n} for moment, label, n in rows]}
        self.assertEqual(shown(chart, wide), expected(chart, rows))
        self.assertEqual(shown(chart, long), expected(chart, rows))
        self.assertIsNone(difference(chart, shown(chart, wide), expected(chart, rows)))

    def test_one_more_one_less_and_a_row_at_the_edge_are_differences(self):
        chart = CHARTS["Searches per hour"]
        answer = {"data": [{"time": 0, "event_count": 5}, {"time": HOUR, "event_count": 3}]}
        for rows in [
            [["1970-01-01 00:00:00", 6], ["1970-01-01 01:00:00", 3]],
            [["1970-01-01 00:00:00", 5]],
            [["1970-01-01 00:00:00", 5], ["1970-01-01 01:00:00", 3], ["1970-01-01 02:00:00", 1]],
            [],
        ]:
            self.assertIsNotNone(difference(chart, shown(chart, answer), expected(chart, rows)), rows)

    def test_a_list_of_the_most_frequent_must_not_leave_out_a_more_frequent_one(self):
        chart = CHARTS["Most frequent searches"]
        rows = [[f"query {n}", 100 - n, 1] for n in range(12)]
        answer = {"data": [{"query": query, "event_count": n, "user_count": users} for query, n, users in rows]}
        seen = {"data": answer["data"][:10]}
        self.assertIsNone(difference(chart, shown(chart, seen), expected(chart, rows)))
        seen = {"data": answer["data"][:9] + answer["data"][11:]}
        self.assertIsNotNone(difference(chart, shown(chart, seen), expected(chart, rows)))

    def test_only_a_line_feed_ends_a_row(self):
        self.assertEqual(rows('["a\u2028b\x85c", 1]\n["d", 2]\n'), [["a\u2028b\x85c", 1], ["d", 2]])

    def test_direct_queries_read_the_events_own_tables_only(self):
        derived = [name for database, name, _ in datasets.datasets() if name not in datasets.events()]
        for chart in CHARTS.values():
            sql = direct(chart, Engine(chart.database, chart.time, 0, HOUR))
            self.assertFalse([name for name in derived if f".{name}" in sql], chart.name)


class Files(unittest.TestCase):
    def test_ids_are_unique_and_stay(self):
        ids = [content["uuid"] for path, content in generate.files() if "uuid" in content]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(datasets.identity("dashboard", "now"), datasets.identity("dashboard", "now"))

    def test_every_chart_stands_on_a_dataset_with_its_columns_and_metrics(self):
        known = {content["uuid"]: content for _, _, content in datasets.datasets()}
        for chart in CHARTS.values():
            dataset = known[chart.content()["dataset_uuid"]]
            columns = {column["column_name"] for column in dataset["columns"]}
            metrics = {metric["metric_name"] for metric in dataset["metrics"]}
            wanted = {*chart.columns, *chart.where, chart.time, *([chart.axis] if chart.axis else [])}
            self.assertLessEqual(wanted, columns, chart.name)
            self.assertLessEqual(set(chart.metrics), metrics, chart.name)

    def test_rows_of_a_dashboard_are_twelve_columns_wide(self):
        for row in charts.now() + charts.history():
            self.assertEqual(sum(chart.width for chart in row), 12)

    def test_no_list_reaches_a_limit_that_superset_warns_of(self):
        for chart in CHARTS.values():
            params = chart.params()
            self.assertEqual(params.get("server_page_length"), chart.limit if chart.limit <= charts.LIST else None, chart.name)
            self.assertEqual("row_limit" in params, chart.limit > charts.LIST, chart.name)

    def test_dark_letters_can_be_read_on_each_step_of_the_funnel(self):
        for step in datasets.STEPS:
            # Superset's letters on a light theme are almost black; 4.5 is what WCAG asks for.
            self.assertGreater((luminance(generate.COLORS[step]) + 0.05) / (luminance("#1F1F1F") + 0.05), 4.5, step)

    def test_every_event_has_a_title_and_one_group(self):
        self.assertEqual(set(datasets.TITLES), set(datasets.events()))
        self.assertEqual(sorted(sum(datasets.GROUPS.values(), [])), sorted(datasets.events()))

    def test_yaml_quotes_what_it_would_read_as_something_else(self):
        made = text({"a": "no", "b": "1", "c": [{"d": "x: y", "e": []}], "f": None, "g": "it's", "h": "plain text"})
        self.assertEqual(made, 'a: "no"\nb: "1"\nc:\n  - d: "x: y"\n    e: []\nf: null\ng: "it\'s"\nh: plain text\n')

    def test_an_address_given_is_put_in(self):
        import io
        import zipfile

        bundle = zipfile.ZipFile(io.BytesIO(archive({"Hive": "hive://me@there:1/d"})))
        self.assertIn('sqlalchemy_uri: "hive://me@there:1/d"', bundle.read("assets/databases/Hive.yaml").decode())
        self.assertIn("clickhouse:8123", bundle.read("assets/databases/ClickHouse.yaml").decode())


if __name__ == "__main__":
    unittest.main()
