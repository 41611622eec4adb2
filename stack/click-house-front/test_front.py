"""The front without its engine: what it makes of requests, and that nothing ends it."""

import gzip
import http.client
import json
import os
import socket
import tempfile
import threading
import unittest
import zlib

import statement
from engine import Engine, Refused
from front import Front


class Result:
    """What a session answers."""

    def __init__(self, text):
        self.text = text

    def bytes(self):
        return self.text

    def elapsed(self):
        return 0.5

    def _count(self):
        return 3

    storage_rows_read = storage_bytes_read = rows_written = bytes_written = rows_read = _count


class Session:
    """Remembers what it is asked, and fails where it is told to."""

    def __init__(self):
        self.asked = []
        self.files = []

    def query(self, text, format="CSV"):
        self.asked.append(text)
        if "INFILE" in text:
            with open(text.split("'")[1], "rb") as file:
                self.files.append(file.read())
        if "unknown table" in text:
            raise RuntimeError("Code: 60. DB::Exception: Table default.unknown does not exist. (UNKNOWN_TABLE)")
        if "broken" in text:
            raise ValueError("not even an exception of ClickHouse")
        if text.startswith("SELECT version"):
            return Result(b"26.9\n")
        if text.startswith("SELECT timezone"):
            return Result(b"UTC\n")
        return Result(f"{format}: {text}".encode())


class FrontTest(unittest.TestCase):
    """Requests over a real socket."""

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.session = Session()
        self.front = Front(0, Engine(self.session, self.scratch.name))
        threading.Thread(target=self.front.serve_forever, args=(0.01,), daemon=True).start()
        self.connection = http.client.HTTPConnection(*self.front.server_address, timeout=10)

    def tearDown(self):
        self.connection.close()
        self.front.shutdown()
        self.front.server_close()
        self.assertEqual(os.listdir(self.scratch.name), [])
        self.scratch.cleanup()

    def ask(self, method, path, body=None, headers=None, **options):
        self.connection.request(method, path, body, headers or {}, **options)
        answer = self.connection.getresponse()
        return answer.status, answer.read(), answer.headers

    def test_a_ping_is_answered_without_the_engine(self):
        asked = list(self.session.asked)
        for path in ("/ping", "/"):
            self.assertEqual(self.ask("GET", path)[:2], (200, b"Ok.\n"))
        self.assertEqual(self.session.asked, asked)

    def test_a_query_comes_in_the_url_the_body_or_both(self):
        for path, body in (("/?query=SELECT+1", None), ("/", "SELECT 1"), ("/?query=SELECT", "1")):
            status, text, headers = self.ask("POST", path, body)
            self.assertEqual((status, text.split()), (200, b"TabSeparated: SELECT 1".split()))
            self.assertEqual(headers["X-ClickHouse-Format"], "TabSeparated")
            self.assertEqual(headers["X-ClickHouse-Timezone"], "UTC")
            self.assertEqual(json.loads(headers["X-ClickHouse-Summary"])["read_rows"], "3")

    def test_database_format_and_settings_are_for_one_query(self):
        status, text, headers = self.ask("GET", "/?query=SELECT+1&database=a%60b&default_format=JSON&max_threads=1%27")
        self.assertEqual((status, text), (200, b"JSON: SELECT 1"))
        self.assertEqual(headers["Content-Type"], "application/json; charset=UTF-8")
        expected = ["USE `a\\`b`", "SET max_threads = '1\\''", "SELECT 1", "SET max_threads = DEFAULT"]
        self.assertEqual(self.session.asked[-4:], expected)
        self.ask("GET", "/?query=SELECT+1")
        self.assertEqual(self.session.asked[-2:], ["USE `default`", "SELECT 1"])

    def test_rows_behind_an_insert_go_through_a_file(self):
        rows = b"1\t\xff\x00'\n"
        for path, body in (
            ("/?query=INSERT+INTO+t+(a,b)+FORMAT+TSV", rows),
            ("/", b"INSERT INTO t (a,b) FORMAT TSV\n" + rows),
        ):
            self.assertEqual(self.ask("POST", path, body)[:2], (200, b"CSV: " + self.session.asked[-1].encode()))
            self.assertRegex(self.session.asked[-1], r"^INSERT INTO t \(a,b\) FROM INFILE '.*'  FORMAT TSV$")
            self.assertEqual(self.session.files.pop(), rows)

    def test_bodies_are_decoded(self):
        rows = b"1\t2\n" * 1000
        for encoding, encode in (("gzip", gzip.compress), ("deflate", zlib.compress)):
            body = encode(rows)
            for options in ({}, {"encode_chunked": True}):
                headers = {"Content-Encoding": encoding}
                if options:
                    headers["Transfer-Encoding"] = "chunked"
                    body = [body[:5], body[5:]]
                status, _, _ = self.ask("POST", "/?query=INSERT+INTO+t+FORMAT+TSV", body, headers, **options)
                self.assertEqual((status, self.session.files.pop()), (200, rows))

    def test_errors_have_their_code_and_end_nothing(self):
        status, text, headers = self.ask("POST", "/", "SELECT unknown table")
        self.assertEqual((status, headers["X-ClickHouse-Exception-Code"]), (404, "60"))
        self.assertTrue(text.startswith(b"Code: 60. DB::Exception: Table default.unknown"), text)
        for path, body, headers, code in (
            ("/", "SELECT broken", {}, "1002"),
            ("/?compress=1", "SELECT 1", {}, "344"),
            ("/", "SELECT 1", {"Content-Encoding": "gzip"}, "344"),
            ("/", "SELECT 1", {"Content-Encoding": "br"}, "344"),
            ("/?a%20b=1", "SELECT 1", {}, "36"),
        ):
            _, _, answered = self.ask("POST", path, body, headers)
            self.assertEqual(answered["X-ClickHouse-Exception-Code"], code, (path, body))
        self.assertEqual(self.ask("POST", "/", "SELECT 1")[0], 200)

    def test_a_request_that_is_none_ends_its_connection_only(self):
        for request in (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", b"POST / HTTP/1.1\r\nConte"):
            with socket.create_connection(self.front.server_address, timeout=10) as other:
                other.sendall(request)
                other.shutdown(socket.SHUT_WR)
                while other.recv(4096):
                    pass
        self.assertEqual(self.ask("POST", "/", "SELECT 1")[0], 200)


class StatementTest(unittest.TestCase):
    """What is made of SQL."""

    def test_an_insert_that_rows_follow_is_known(self):
        for text, head, settings, name, rows in (
            (b"INSERT INTO t FORMAT TSV", b"INSERT INTO t", b"", b"TSV", b""),
            (b" /* FORMAT X */ insert into `FORMAT`.t (a, b) format Native\n\x00\n", None, b"", b"Native", b"\x00\n"),
            (b"INSERT INTO t SETTINGS x = 'FORMAT y' FORMAT CSV 1,2", b"INSERT INTO t", b"SETTINGS x = 'FORMAT y'", b"CSV", b"1,2"),
            (b"INSERT INTO FUNCTION file('FORMAT') FORMAT CSV\n1", None, b"", b"CSV", b"1"),
        ):
            found = statement.insert(text)
            self.assertEqual((found.settings, found.format, found.rows), (settings, name, rows))
            if head:
                self.assertEqual(found.head, head)

    def test_an_insert_that_is_whole_is_left_alone(self):
        for text in (b"INSERT INTO t VALUES ('FORMAT TSV')", b"INSERT INTO t SELECT 1 FORMAT TSV", b"SELECT 1", b"", b"INSERT"):
            self.assertIsNone(statement.insert(text))

    def test_the_format_of_a_result_is_the_one_asked_for_last(self):
        for text, expected in (
            (b"SELECT 1", "TSV"),
            (b"-- FORMAT x\nSELECT 'FORMAT y' AS FORMAT FORMAT JSON SETTINGS a = 1;", "JSON"),
            (b"(SELECT 1)", "TSV"),
            (b"SHOW TABLES FORMAT CSV", "CSV"),
            (b"CREATE TABLE t (a Int8) ENGINE = Memory", None),
        ):
            self.assertEqual(statement.result_format(text, "TSV"), expected, text)

    def test_a_refusal_without_a_code_gets_one(self):
        self.assertEqual(Refused.by_engine(ValueError("x")).code, 1002)


if __name__ == "__main__":
    unittest.main()
