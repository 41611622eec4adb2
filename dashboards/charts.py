"""The charts of both dashboards, each with what Superset's interface would save of it."""

import json

from datasets import CLICKHOUSE, HIVE, identity

# The last 24 hours and the last eight days, today's with them: both begin where a bar begins.
HOURS = 'DATETRUNC(DATEADD(DATETIME("now"), -23, HOUR), HOUR) : now'
DAYS = 'DATEADD(DATETIME("today"), -7, DAY) : DATEADD(DATETIME("today"), 1, DAY)'
RANGES = {CLICKHOUSE: HOURS, HIVE: DAYS}
EVENTS, USERS = "event_count", "user_count"
# As many rows as a list of the most frequent has, and the height of one with its pages' numbers.
LIST = 10
PAGED = 63
LEGEND = {"show_legend": True, "legendOrientation": "top", "legendType": "scroll"}


class Chart:
    """One chart: `columns` are what its numbers are for; `axis` is the first of these where it has one."""

    def __init__(self, name, kind, dataset, metrics, *, columns=(), axis=None, where=None, height=50, width=4,
                 database=CLICKHOUSE, time, time_range=None, grain=None, limit=1000, description=None, look=None):
        self.name, self.kind, self.database, self.dataset = name, kind, database, dataset
        self.metrics, self.columns, self.axis, self.grain, self.limit = metrics, list(columns), axis, grain, limit
        self.where, self.time, self.range = where or {}, time, time_range or RANGES[database]
        self.width, self.height, self.description, self.look = width, height, description, look or {}
        self.uuid = identity("chart", name)

    def content(self):
        """The file."""
        return {
            "slice_name": self.name,
            "description": self.description,
            "certified_by": None,
            "certification_details": None,
            "viz_type": self.kind,
            "params": self.params(),
            "query_context": json.dumps(self.query_context(), ensure_ascii=False),
            "cache_timeout": None,
            "uuid": self.uuid,
            "version": "1.0.0",
            "dataset_uuid": identity("dataset", self.database, self.dataset),
        }

    def params(self):
        """What the interface saves."""
        filters = [{
            "clause": "WHERE", "expressionType": "SIMPLE", "subject": self.time, "operator": "TEMPORAL_RANGE",
            "comparator": self.range,
        }]
        filters += [{
            "clause": "WHERE", "expressionType": "SIMPLE", "subject": column, "operator": "IN", "operatorId": "IN",
            "comparator": values,
        } for column, values in self.where.items()]
        one = self.kind in ("big_number_total", "pie", "funnel")
        metrics = {"metric": self.metrics[0]} if one else {"metrics": self.metrics}
        axis = {"x_axis": self.axis, "time_grain_sqla": self.grain} if self.axis else {}
        columns = {} if self.kind == "big_number_total" else {"groupby": self.columns}
        return {
            "viz_type": self.kind, "adhoc_filters": filters, **axis, **columns, **metrics, **self.rows(),
            "color_scheme": "supersetColors", **self.look,
        }

    def rows(self):
        """How many rows are asked for. Where the limit is there to be reached, a chart has pages instead: Superset warns of
        what a `row_limit` may have cut off."""
        if self.limit <= LIST:
            return {"server_pagination": True, "server_page_length": self.limit}
        return {"row_limit": self.limit}

    def query_context(self):
        """The same for whoever asks Superset's interface for programs."""
        filters = [{"col": self.time, "op": "TEMPORAL_RANGE", "val": self.range}]
        filters += [{"col": column, "op": "IN", "val": values} for column, values in self.where.items()]
        base = {"expressionType": "SQL", "columnType": "BASE_AXIS", "label": self.axis, "sqlExpression": self.axis}
        axis = [{**base, "timeGrain": self.grain} if self.grain else base] if self.axis else []
        query = {
            "columns": axis + self.columns, "metrics": self.metrics, "filters": filters, "row_limit": self.limit,
            "extras": {"having": "", "where": "", **({"time_grain_sqla": self.grain} if self.grain else {})},
            "orderby": [[self.metrics[0], False]], "is_timeseries": False,
        }
        return {
            "datasource": {"id": 0, "type": "table"}, "force": False, "queries": [query],
            "form_data": self.params(), "result_format": "json", "result_type": "full",
        }


def number(name, dataset, metric, text, **options):
    look = {"subtitle": text, "y_axis_format": ",d", "header_font_size": 0.6, "subtitle_font_size": 0.2}
    return Chart(name, "big_number_total", dataset, [metric], width=2, height=20, look=look, **options)


def series(name, kind, dataset, metrics, axis, unit, *, stack=False, axis_format="%H:%M", horizontal=False, **options):
    look = {
        "stack": "Stack" if stack else None, "rich_tooltip": True, "showTooltipTotal": stack,
        "y_axis_format": ",d", "y_axis_title": unit, "y_axis_title_margin": 45, "y_axis_title_position": "Left",
        "x_axis_title_margin": 15, "x_axis_time_format": axis_format, "tooltipTimeFormat": "%Y-%m-%d %H:%M",
        "orientation": "horizontal" if horizontal else "vertical", "truncateXAxis": False, "truncateYAxis": False,
        "y_axis_bounds": [None, None], "sort_series_type": "sum", "sort_series_ascending": False, "only_total": True,
        "show_empty_columns": True, "truncate_metric": True, "order_desc": True, "annotation_layers": [],
        "forecastEnabled": False, "markerEnabled": False, **LEGEND,
        "show_legend": bool(options.get("columns")) or len(metrics) > 1, **options.pop("look", {}),
    }
    return Chart(name, kind, dataset, metrics, axis=axis, look=look, **options)


def table(name, dataset, columns, metrics, *, totals=False, look=None, **options):
    look = {
        "query_mode": "aggregate", "all_columns": [], "percent_metrics": [], "order_by_cols": [], "order_desc": True,
        "timeseries_limit_metric": metrics[0], "show_totals": totals, "page_length": 0,
        "show_cell_bars": True, "table_timestamp_format": "smart_date", "temporal_columns_lookup": {}, **(look or {}),
        "column_config": {metric: {"d3NumberFormat": ",d"} for metric in metrics},
    }
    return Chart(name, "table", dataset, metrics, columns=columns, look=look, **options)


def donut(name, dataset, column, unit, **options):
    look = {
        "donut": True, "innerRadius": 42, "outerRadius": 68, "show_labels": True, "label_type": "value_percent",
        "labels_outside": True, "label_line": True, "number_format": ",d", "sort_by_metric": True,
        "show_labels_threshold": 2, "show_total": True, **LEGEND,
    }
    return Chart(name, "pie", dataset, [EVENTS], columns=[column], look=look, description=unit, **options)


def now():
    """ClickHouse: the last 24 hours."""
    hours = {"dataset": "activity_by_hour", "time": "time"}
    today = "last 24 hours"

    def hourly(name, kind, unit, metrics=(EVENTS,), **options):
        return series(name, kind, metrics=list(metrics), axis="time", unit=unit, grain="PT1H", **hours, **options)

    def count(name, *events):
        return number(name, metric=EVENTS, text=today, where={"event": list(events)}, **hours)

    return [
        [
            number("Events", metric=EVENTS, text=today, **hours),
            number("Active users", metric=USERS, text=today, **hours),
            count("Searches", "searching"),
            count("Orders", "ordering"),
            count("Returns", "item_return"),
            count("Contacts", "support_contact"),
        ],
        [
            hourly("Traffic: events per hour by activity", "echarts_timeseries_bar", "events", columns=["event_group"],
                   stack=True, width=8),
            hourly("Active users per hour", "echarts_area", "users", [USERS], width=4),
        ],
        [
            Chart("Purchase funnel: users by step", "funnel", metrics=[USERS], columns=["step_name"],
                  where={"event": ["page_visit", "searching", "cart_add", "ordering"]}, height=PAGED, width=4, **hours, look={
                      "sort_by_metric": True, "percent_calculation_type": "first_step", "show_labels": True,
                      "label_type": 5, "tooltip_label_type": 5, "number_format": ",d",
                      "show_tooltip_labels": True, **LEGEND, "show_legend": False}),
            hourly("Searches per hour", "echarts_timeseries_line", "searches", where={"event": ["searching"]},
                   height=PAGED, width=4),
            table("Most frequent searches", "searching", ["query"], [EVENTS, USERS], time="timestamp", limit=LIST,
                  height=PAGED, width=4),
        ],
        [
            donut("Returns by reason", column="code_name", unit="Returned items.", where={"event": ["item_return"]},
                  width=4, **hours),
            hourly("Support load: contacts per hour by way", "echarts_timeseries_bar", "contacts", columns=["code_name"],
                   where={"event": ["support_contact"]}, stack=True, width=4),
            hourly("Orders and promo codes used per hour", "echarts_timeseries_line", "events", columns=["event_title"],
                   where={"event": ["ordering", "promo_usage"]}, width=4),
        ],
        [
            hourly("Orders cancelled and items returned per hour", "echarts_timeseries_bar", "events", columns=["event_title"],
                   where={"event": ["order_cancel", "item_return"]}, width=6, stack=True),
            table("Every event", columns=["event_title"], metrics=[EVENTS, USERS], limit=100, width=6, **hours),
        ],
    ]


def history():
    """Hive: days. And ClickHouse's counts beside its own."""
    days = {"time": "day", "database": HIVE}

    def daily(name, kind, dataset, metrics, unit, **options):
        look = {"tooltipTimeFormat": "%Y-%m-%d"}
        return series(name, kind, dataset, metrics, "day", unit, axis_format="%a %d %b", look=look, **days, **options)

    bar = "echarts_timeseries_bar"
    return [
        [
            daily("Traffic: events per day by activity", bar, "traffic_per_day", [EVENTS], "events",
                  columns=["event_group"], stack=True, width=8),
            daily("Active users per day", bar, "active_users_per_day", [USERS], "users", width=4),
        ],
        [
            daily("Purchase funnel: users by step per day", bar, "purchase_funnel_per_day", [USERS], "users",
                  columns=["step_name"], width=6),
            daily("Orders, and what became of them, per day", bar, "orders_per_day",
                  ["orders_count", "order_cancels_count", "item_returns_count", "promo_uses_count"], "events", width=6),
        ],
        [
            table("Most frequent searches of these days", "searching", ["query"], [EVENTS, USERS], limit=LIST, height=PAGED,
                  width=4, **days),
            daily("Returns per day by reason", bar, "codes_per_day", [EVENTS], "returned items", columns=["code_name"],
                  where={"event": ["item_return"]}, stack=True, height=PAGED, width=4),
            daily("Support load: contacts per day by way", bar, "codes_per_day", [EVENTS], "contacts",
                  columns=["code_name"], where={"event": ["support_contact"]}, stack=True, height=PAGED, width=4),
        ],
        [
            table("Hot: rows in ClickHouse", "traffic_per_day", ["event_title"], [EVENTS], time="day", time_range=DAYS,
                  totals=True, limit=100, width=6, height=92),
            table("Cold: rows in Hive", "traffic_per_day", ["event_title"], [EVENTS], totals=True, limit=100, width=6,
                  height=92, **days),
        ],
    ]
