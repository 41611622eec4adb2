"""Writes conf/superset: what Superset's own export would be, from the schemas and the charts' descriptions.

python3 dashboards/generate.py           writes it
python3 dashboards/generate.py --check   says what is not current, and fails
"""

import re
import shutil
import sys
from pathlib import Path

import charts
import yaml_text
from datasets import CLICKHOUSE, DATABASES, HIVE, ROOT, datasets, identity

TARGET = ROOT / "conf" / "superset"
COLORS = {
    "browsing": "#4C78A8", "searching": "#72B7B2", "buying": "#54A24B", "after the order": "#F58518",
    "account and support": "#B279A2", "orders": "#54A24B", "promo codes used": "#EECA3B",
    "orders cancelled": "#E45756", "items returned": "#F58518", "Orders": "#54A24B", "Cancelled orders": "#E45756", "Returns": "#F58518",
    "Promo uses": "#EECA3B", "Events": "#4C78A8", "Users": "#4C78A8", "mail": "#9D755D", "call": "#F58518",
    "chat": "#4C78A8", "defect": "#E45756", "expired": "#B279A2", "wrong size": "#4C78A8", "low quality": "#F58518",
    "other (the message says)": "#9D9D9D",
    # A funnel writes on its steps, dark on every theme that is light.
    "visited or searched": "#9ECAE9", "added to cart": "#A5DBD5", "ordered": "#A8D8A0",
}
DASHBOARDS = [
    ("Marketplace: now", "now", CLICKHOUSE, 60, charts.now(),
     "The last 24 hours, from ClickHouse. It asks again every minute. Times are UTC."),
    ("Marketplace: history", "history", HIVE, 0, charts.history(),
     "Whole days, from Hive over the files on HDFS, and ClickHouse's counts beside them. Days are UTC."),
]


def files():
    """Every file's path and content."""
    yield "metadata.yaml", {"version": "1.0.0", "type": "assets", "timestamp": "2026-11-01T00:00:00+00:00"}
    for name, address in DATABASES.items():
        yield f"databases/{name}.yaml", database(name, address)
    for engine, name, content in datasets():
        yield f"datasets/{engine}/{name}.yaml", content
    for title, slug, engine, refresh, rows, description in DASHBOARDS:
        for row in rows:
            for chart in row:
                yield f"charts/{slug}/{slugged(chart.name)}.yaml", chart.content()
        yield f"dashboards/{slug}.yaml", dashboard(title, slug, engine, refresh, rows, description)


def slugged(name):
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def database(name, address):
    return {
        "database_name": name, "sqlalchemy_uri": address, "cache_timeout": None, "expose_in_sqllab": True,
        "allow_run_async": False, "allow_ctas": False, "allow_cvas": False, "allow_dml": False,
        "allow_csv_upload": False, "extra": {"allows_virtual_table_explore": True},
        "uuid": identity("database", name), "version": "1.0.0",
    }


def dashboard(title, slug, engine, refresh, rows, description):
    return {
        "dashboard_title": title, "description": description, "css": "", "slug": slug, "certified_by": "",
        "certification_details": "", "published": True, "uuid": identity("dashboard", slug),
        "position": position(title, rows), "metadata": metadata(slug, charts.RANGES[engine], refresh),
        "version": "1.0.0",
    }


def position(title, rows):
    grid = [f"ROW-{number}" for number in range(1, len(rows) + 1)]
    parts = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": grid, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}},
    }
    number = 0
    for row_id, row in zip(grid, rows):
        parts[row_id] = {
            "type": "ROW", "id": row_id, "children": [f"CHART-{chart.uuid}" for chart in row],
            "parents": ["ROOT_ID", "GRID_ID"], "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for chart in row:
            number += 1
            parts[f"CHART-{chart.uuid}"] = {
                "type": "CHART", "id": f"CHART-{chart.uuid}", "children": [],
                "parents": ["ROOT_ID", "GRID_ID", row_id],
                "meta": {
                    "chartId": number, "uuid": chart.uuid, "sliceName": chart.name, "width": chart.width,
                    "height": chart.height,
                },
            }
    return parts


def metadata(slug, time_range, refresh):
    time_filter = {
        "id": f"NATIVE_FILTER-{slug}-time", "name": "Time range (UTC)", "type": "NATIVE_FILTER",
        "filterType": "filter_time", "description": "", "targets": [{}], "cascadeParentIds": [],
        "controlValues": {"enableEmptyFilter": False},
        "defaultDataMask": {
            "extraFormData": {"time_range": time_range}, "filterState": {"value": time_range}, "ownState": {},
        },
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
    }
    return {
        "refresh_frequency": refresh, "timed_refresh_immune_slices": [], "expanded_slices": {},
        "color_scheme": "supersetColors", "label_colors": COLORS, "shared_label_colors": [], "cross_filters_enabled": True,
        "filter_bar_orientation": "HORIZONTAL", "default_filters": "{}", "chart_configuration": {},
        "native_filter_configuration": [time_filter],
    }


def main():
    made = {TARGET / path: yaml_text.text(content) for path, content in files()}
    if "--check" in sys.argv:
        there = {path: path.read_text() for path in TARGET.rglob("*") if path.is_file()}
        stale = sorted(str(path) for path in {*made, *there} if made.get(path) != there.get(path))
        if stale:
            sys.exit("\n".join([*stale, "differ: run `python3 dashboards/generate.py`"]))
        return
    shutil.rmtree(TARGET, ignore_errors=True)
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
