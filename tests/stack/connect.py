"""Writes and reads through clickhouse-connect, with and without compression. Arguments: the port, then the table."""

import datetime
import sys

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError

port, table = int(sys.argv[1]), sys.argv[2]
AT = datetime.datetime(2026, 11, 1, 12, 0, 0, 123000, tzinfo=datetime.timezone.utc)
TEXTS = ["", "\\N", "a\tb\n\r\0'\"\\", "зима 👢"]
# Times come back in UTC, without saying so.
READ_AT = AT.replace(tzinfo=None)
ROWS = [(i, TEXTS[i % 4], None if i % 3 == 0 else i / 7, AT) for i in range(5000)]

for compress in (True, "lz4", "gzip", False):
    client = clickhouse_connect.get_client(host="127.0.0.1", port=port, compress=compress)
    client.command(f"DROP TABLE IF EXISTS {table}")
    columns = "id Int64, text String, price Nullable(Float64), at DateTime64(3, 'UTC')"
    client.command(f"CREATE TABLE {table} ({columns}) ENGINE = MergeTree ORDER BY id")
    client.insert(table, ROWS, ["id", "text", "price", "at"])
    found = [tuple(row) for row in client.query(f"SELECT * FROM {table} ORDER BY id").result_rows]
    assert found == [(*row[:3], READ_AT) for row in ROWS], (compress, found[:3])
    # Sent in the body, behind the statement.
    client.raw_insert(table, ["id", "text", "price", "at"], "5000\tx\t\\N\t2026-11-01 00:00:00.000\n", fmt="TabSeparated")
    bound = client.query(f"SELECT count() FROM {table} WHERE text = {{text:String}} AND id = 5000", {"text": "x"})
    assert bound.result_rows == [(1,)], bound.result_rows
    assert client.query("SELECT getSetting('max_threads')", settings={"max_threads": 3}).first_row == (3,)
    other = clickhouse_connect.get_client(host="127.0.0.1", port=port, database="system", compress=compress)
    assert other.command("SELECT currentDatabase()") == "system"
    try:
        client.query("SELECT * FROM no_such_table")
    except DatabaseError as error:
        assert error.code == 60, error
    else:
        raise AssertionError("a table that is not there was read")
print("equal")
