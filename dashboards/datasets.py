"""The datasets: every event's table and every view, on both engines, with names for people."""

import json
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMESPACE = uuid.UUID("6f1f2a8e-3f0b-5a77-9d5e-0b1d1c5a6a10")
SCHEMA = "marketplace"

CLICKHOUSE, HIVE = "ClickHouse", "Hive"
# Where both are in a compose file's network; import_assets.py puts in where they are.
DATABASES = {CLICKHOUSE: "clickhousedb://default@clickhouse:8123/marketplace", HIVE: "hive://hive@hive:10000/marketplace"}

AVRO = {
    "timestamp-millis": ("DateTime64(3, 'UTC')", "TIMESTAMP"),
    "long": ("Int64", "BIGINT"),
    "int": ("Int32", "INT"),
    "double": ("Float64", "DOUBLE"),
    "float": ("Float32", "FLOAT"),
    "boolean": ("Bool", "BOOLEAN"),
    "string": ("String", "STRING"),
}
# What an analyst puts together, in the order of the charts' legends.
GROUPS = {
    "browsing": ["page_visit", "category_view", "recommendation_view", "item_comparison"],
    "searching": ["searching", "filtering"],
    "buying": ["cart_add", "cart_delete", "ordering", "promo_usage", "sale_participation"],
    "after the order": ["order_cancel", "item_return", "order_history_viewing", "review_creating", "review_review"],
    "account and support": ["registering", "logging_in", "profile_edit", "mailing_subscription", "support_contact"],
}
TITLES = {
    "page_visit": "page visits", "searching": "searches", "filtering": "filters applied", "cart_add": "added to cart",
    "cart_delete": "removed from cart", "ordering": "orders", "order_cancel": "orders cancelled",
    "review_review": "reviews read", "review_creating": "reviews written", "registering": "registrations",
    "logging_in": "logins", "profile_edit": "profile edits", "mailing_subscription": "mailing subscriptions",
    "support_contact": "support contacts", "recommendation_view": "recommendations viewed",
    "sale_participation": "sale purchases", "item_comparison": "item comparisons",
    "order_history_viewing": "order history views", "item_return": "items returned", "promo_usage": "promo codes used",
    "category_view": "category views",
}
STEPS = {"visited or searched": ["page_visit", "searching"], "added to cart": ["cart_add"], "ordered": ["ordering"]}


def identity(kind, *names):
    """The same thing has the same id in every Superset."""
    return str(uuid.uuid5(NAMESPACE, "/".join([kind, *names])))


def events():
    """The events' schemas by name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "schemas").glob("*.avsc"))}


def case(column, values):
    """An expression that both engines read: `values` maps each result to what it is for."""
    whens = "".join(f" WHEN {column} IN ({_list(sources)}) THEN '{result}'" for result, sources in values.items())
    return f"CASE{whens} ELSE {column} END"


def _list(values):
    return ", ".join(f"'{value}'" for value in values)


def _column(name, kind, title, expression=None, is_time=False):
    return {
        "column_name": name, "verbose_name": title, "is_dttm": is_time, "is_active": True, "type": kind,
        "groupby": True, "filterable": True, "expression": expression, "description": None,
    }


def _metric(name, expression, title):
    return {"metric_name": name, "verbose_name": title, "expression": expression, "d3format": ",d"}


def _title_column(kind):
    return _column("event_title", kind, "Event", case("event", {title: [name] for name, title in TITLES.items()}))


def _title(name):
    return name.replace("_", " ").capitalize()


def _dataset(database, name, time, columns, metrics, description):
    # Superset on SQLite takes a name once, in whichever database it is: Hive's have another, and a query for it.
    hive = database == HIVE
    return {
        "table_name": f"{name} (Hive)" if hive else name,
        "main_dttm_col": time,
        "description": description,
        "schema": SCHEMA,
        "catalog": None,
        "sql": f"SELECT * FROM {SCHEMA}.{name}" if hive else None,
        "filter_select_enabled": True,
        "uuid": identity("dataset", database, name),
        "metrics": metrics,
        "columns": columns,
        "version": "1.0.0",
        "database_uuid": identity("database", database),
    }


def _event_datasets(database, name, schema):
    """An event's table and, if it has a field of codes, the view that names them."""
    engine = [CLICKHOUSE, HIVE].index(database)
    columns, coded = [], None
    for field in schema["fields"]:
        kind = field["type"]
        kind = next(part for part in kind if part != "null") if isinstance(kind, list) else kind
        kind = kind["logicalType"] if isinstance(kind, dict) else kind
        is_time = kind == "timestamp-millis"
        columns.append(_column(field["name"], AVRO[kind][engine], _title(field["name"]), is_time=is_time))
        coded = field["name"] if "codes" in field else coded
    time = "timestamp"
    if database == HIVE:
        # A condition on it reads the days that it names, and no others.
        columns += [_column("dt", "STRING", "Day's directory"), _column("day", "DATE", "Day", "cast(dt AS date)", True)]
        time = "day"
    metrics = [_metric("event_count", "COUNT(*)", "Events"), _metric("user_count", "COUNT(DISTINCT user_id)", "Users")]
    yield name, _dataset(database, name, time, columns, metrics, schema["doc"])
    if coded:
        more = [_column(f"{coded}_name", AVRO["string"][engine], _title(coded))]
        description, name = f"{schema['doc']} Codes have names.", f"{name}_named"
        yield name, _dataset(database, name, time, columns + more, metrics, description)


def _view_datasets(database, period):
    number, text = [("UInt64", "String"), ("BIGINT", "STRING")][database == HIVE]
    kind = "DateTime" if period == "hour" else "DATE" if database == HIVE else "Date"
    time = [_column(period, kind, _title(period), is_time=True)]
    counts = [_column("events", number, "Events"), _column("users", number, "Users")]
    event = [_column("event", text, "Event")]
    group = [_column("event_group", text, "Activity", case("event", GROUPS)), _title_column(text)]
    code = [_column("code", "Int32" if database == CLICKHOUSE else "INT", "Code"), _column("code_name", text, "Name")]
    step = [_column("step", "UInt8" if database == CLICKHOUSE else "INT", "Step"), _column("step_name", text, "Step")]
    events = [_metric("event_count", "SUM(events)", "Events")]
    # Users cannot be added up: this is right where a chart shows each of the view's rows for itself.
    users = [_metric("user_count", "MAX(users)", "Users")]
    orders = {"orders": "Orders", "order_cancels": "Cancelled orders", "item_returns": "Returns", "promo_uses": "Promo uses"}
    yield "traffic", time + event + group + counts, events + users, "How many of each event, by how many users."
    yield "active_users", time + counts, events + users, "Events and users over all events."
    yield "codes", time + event + code + counts, events + users, "Events by the names of their codes."
    yield "purchase_funnel", time + step + counts, events + users, "The users that took a step of a purchase."
    columns = [_column(name, number, title) for name, title in orders.items()]
    metrics = [_metric(f"{name}_count", f"SUM({name})", title) for name, title in orders.items()]
    yield "orders", time + columns, metrics, "Orders, and what became of them."


def _activity():
    """What is counted as rows come. It can be added up over any hours, users too."""
    codes = {
        name: {label: code for code, label in field["codes"].items()}
        for name, schema in events().items() for field in schema["fields"] if "codes" in field
    }
    whens = "".join(
        f" WHEN event = '{name}' AND code = {code} THEN '{label}'"
        for name, labels in codes.items() for label, code in labels.items()
    )
    columns = [
        _column("hour", "DateTime", "Hour", is_time=True),
        # An axis of the column's own name would hide the column from the condition on it.
        _column("time", "DateTime", "Time (UTC)", "hour", True),
        _column("event", "String", "Event"),
        _column("event_group", "String", "Activity", case("event", GROUPS)),
        _title_column("String"),
        _column("code", "Int32", "Code"),
        _column("code_name", "String", "Name", f"CASE{whens} ELSE toString(code) END"),
        _column("step_name", "String", "Step", case("event", STEPS)),
    ]
    metrics = [_metric("event_count", "SUM(events)", "Events"), _metric("user_count", "uniqMerge(users)", "Users")]
    description = "Events and users by hour, event and code, counted as rows come."
    return _dataset(CLICKHOUSE, "activity_by_hour", "time", columns, metrics, description)


def datasets():
    """Database, name and content of each."""
    for database in DATABASES:
        for name, schema in events().items():
            for table, dataset in _event_datasets(database, name, schema):
                yield database, table, dataset
        for period in ["hour", "day"] if database == CLICKHOUSE else ["day"]:
            for view, columns, metrics, description in _view_datasets(database, period):
                name = f"{view}_per_{period}"
                yield database, name, _dataset(database, name, period, columns, metrics, description)
    yield CLICKHOUSE, "activity_by_hour", _activity()
