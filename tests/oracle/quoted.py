#!/usr/bin/env python3
"""Reads quoted CSV with DuckDB or Python's csv, and prints the first column and another as lines of JSON."""

import argparse
import csv
import json
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reader", choices=["duckdb", "csv"], required=True)
    parser.add_argument("--columns", type=int, required=True, help="how many the file has")
    parser.add_argument("--text", type=int, required=True, help="the other column, from 0")
    parser.add_argument("file")
    arguments = parser.parse_args()
    for row in (duckdb_rows if arguments.reader == "duckdb" else csv_rows)(arguments):
        json.dump([row[0], row[arguments.text] if arguments.text < len(row) else None], sys.stdout)
        print()


def csv_rows(arguments):
    csv.field_size_limit(1 << 30)
    with open(arguments.file, encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def duckdb_rows(arguments):
    import duckdb

    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(arguments.columns))
    options = f"header = false, delim = ',', quote = '\"', escape = '\"', auto_detect = false, columns = {{{columns}}}"
    # What is quoted is no NULL.
    options += ", nullstr = '', allow_quoted_nulls = false, max_line_size = 10000000, parallel = false"
    yield from duckdb.execute(f"SELECT * FROM read_csv(?, {options})", [arguments.file]).fetchall()


if __name__ == "__main__":
    main()
