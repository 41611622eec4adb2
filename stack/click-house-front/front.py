"""ClickHouse's HTTP interface over its engine in this process, for machines without a ClickHouse server.

What the clients of this project need of it: a query in the URL, in the body or in both, rows behind an INSERT,
`database`, `default_format` and settings as parameters, encoded bodies, ClickHouse's headers and exception codes.
"""

import argparse
import json
import signal
import threading
import traceback
import uuid
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from engine import SUPPORT_IS_DISABLED, UNKNOWN_EXCEPTION, Refused, open_engine

# Parameters that are for the interface; every other one is a setting.
OWN = {"query", "database", "default_format", "user", "password", "query_id", "session_id", "session_timeout"}
OWN |= {"session_check", "compress", "decompress", "quota_key", "role", "wait_end_of_query", "buffer_size"}
OWN |= {"client_protocol_version"}
OK_PATHS = {"/ping", "/replicas_status"}
BODY_LIMIT = 1 << 30
NOT_FOUND = {46, 47, 50, 60, 81}
BAD_REQUEST = {6, 26, 27, 36, 38, 41, 43, 53, 62, 70, 72, 115, 117, 130, 344, 349, 457}
CONTENT_TYPES = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "JSON": "application/json; charset=UTF-8",
    "Native": "application/octet-stream",
    "RowBinary": "application/octet-stream",
    "RowBinaryWithNamesAndTypes": "application/octet-stream",
}


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    # A connection on which nothing comes does not keep its thread for ever.
    timeout = 600

    def do_GET(self):
        """A query in the URL."""
        self._answer()

    def do_HEAD(self):
        """As GET, without the body."""
        self._answer()

    def do_POST(self):
        """A query in the URL, in the body, or in both."""
        self._answer()

    def _answer(self):
        try:
            # First, so that the next request is found behind it whatever comes of this one.
            body = self._body()
            url = urlsplit(self.path)
            parameters = dict(parse_qsl(url.query, keep_blank_values=True))
            query = parameters.get("query", "").encode()
            text = query + b"\n" + body if query and body else query or body
            if url.path in OK_PATHS or not text.strip():
                self._send(200, b"Ok.\n", {"Content-Type": "text/html; charset=UTF-8"})
            else:
                self._run(text, parameters)
        except Refused as refused:
            self._refuse(refused)
        except ConnectionError:
            self.close_connection = True
        except Exception as error:
            traceback.print_exc()
            self.close_connection = True
            self._refuse(Refused.with_code(UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION", f"{type(error).__name__}: {error}"))

    def _run(self, text, parameters):
        for name in ("compress", "decompress"):
            if parameters.get(name, "0") not in ("", "0", "false"):
                raise _disabled(f"ClickHouse's own compression is not here: give the client {name}=0")
        default_format = parameters.get("default_format") or self.headers.get("X-ClickHouse-Format") or "TabSeparated"
        database = parameters.get("database") or self.headers.get("X-ClickHouse-Database") or "default"
        settings = {name: value for name, value in parameters.items() if name not in OWN}
        answer = self.server.engine.run(text, default_format, database, settings)
        headers = {
            "Content-Type": CONTENT_TYPES.get(answer.format, "text/plain; charset=UTF-8"),
            "X-ClickHouse-Query-Id": parameters.get("query_id") or str(uuid.uuid4()),
            "X-ClickHouse-Summary": json.dumps(answer.summary),
        }
        if answer.format is not None:
            headers["X-ClickHouse-Format"] = answer.format
        self._send(200, answer.body, headers)

    def _refuse(self, refused):
        status = 404 if refused.code in NOT_FOUND else 400 if refused.code in BAD_REQUEST else 500
        body = f"{refused} (version {self.server.engine.version})\n".encode(errors="replace")
        headers = {"Content-Type": "text/plain; charset=UTF-8", "X-ClickHouse-Exception-Code": str(refused.code)}
        self._send(status, body, headers)

    def _send(self, status, body, headers):
        self.send_response(status)
        self.send_header("X-ClickHouse-Server-Display-Name", "localhost")
        self.send_header("X-ClickHouse-Timezone", self.server.engine.timezone)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _body(self):
        encoding = self.headers.get("Content-Encoding", "identity").lower()
        parts = self._chunks() if self.headers.get("Transfer-Encoding", "").lower() == "chunked" else self._whole()
        body = b"".join(parts)
        try:
            return _decoded(body, encoding)
        except (zlib.error, RuntimeError, EOFError) as error:
            raise _disabled(f"The body is not {encoding}: {error}") from error

    def _whole(self):
        length = self.headers.get("Content-Length", "0")
        self._bound(int(length) if length.isdigit() else BODY_LIMIT + 1)
        yield self._read(int(length))

    def _chunks(self):
        total = 0
        while True:
            size = int(self.rfile.readline(64).split(b";")[0], 16)
            total += size
            self._bound(total)
            data = self._read(size)
            self._read(2) if size else self._trailers()
            if not size:
                return
            yield data

    def _trailers(self):
        while self.rfile.readline(65536).strip():
            pass

    def _read(self, size):
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionError("the request ends early")
        return data

    def _bound(self, size):
        if size > BODY_LIMIT:
            # What is still to come is not read.
            self.close_connection = True
            raise _disabled(f"A request's body may have {BODY_LIMIT} bytes at most")

    def log_message(self, format, *arguments):
        """Only what was refused is logged: its lines begin with the status."""

    def log_request(self, code="-", size="-"):
        """The status of a refused request, and where it went."""
        if int(code) >= 400:
            print(code, self.command, self.path[:200], flush=True)


class Front(ThreadingHTTPServer):
    """The interface at a port of the loopback interface."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, engine):
        super().__init__(("127.0.0.1", port), Handler)
        self.engine = engine


def _decoded(body, encoding):
    if encoding in ("identity", ""):
        return body
    if encoding == "gzip":
        return zlib.decompress(body, wbits=31)
    if encoding == "deflate":
        return zlib.decompress(body)
    if encoding == "lz4":
        from lz4 import frame

        return frame.decompress(body)
    raise _disabled(f"Content-Encoding {encoding} is not here: lz4, gzip and deflate are")


def _disabled(text):
    return Refused.with_code(SUPPORT_IS_DISABLED, "SUPPORT_IS_DISABLED", text)


def main():
    """Serves until it is asked to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", required=True, help="where the tables are kept")
    parser.add_argument("--memory", type=int, required=True, help="how many bytes a query may use")
    arguments = parser.parse_args()
    engine = open_engine(arguments.folder, arguments.memory)
    front = Front(arguments.port, engine)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=front.shutdown).start())
    front.serve_forever(poll_interval=0.1)
    engine.close()


if __name__ == "__main__":
    main()
