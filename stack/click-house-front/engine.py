"""ClickHouse's engine inside this process, one query at a time."""

import os
import re
import tempfile
import threading
from dataclasses import dataclass

import statement

NAME = re.compile(r"\w+\Z")
CODE = re.compile(r"Code: (\d+)\.")
SUPPORT_IS_DISABLED, BAD_ARGUMENTS, UNKNOWN_EXCEPTION = 344, 36, 1002


class Refused(Exception):
    """What ClickHouse answers to a query that it does not run: its code, and its words."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code

    @classmethod
    def by_engine(cls, error):
        """From what the engine raised."""
        found = CODE.search(str(error))
        if found:
            return cls(int(found.group(1)), str(error))
        return cls.with_code(UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION", str(error))

    @classmethod
    def with_code(cls, code, name, text):
        """In the form that the engine's own errors have."""
        return cls(code, f"Code: {code}. DB::Exception: {text} ({name})")


@dataclass(frozen=True)
class Answer:
    """A result, in its format (none if there are no rows), and what the query read and wrote."""

    body: bytes
    format: str | None
    summary: dict


class Engine:
    """A session over a folder, in which the tables stay."""

    def __init__(self, session, scratch):
        self._session = session
        self._scratch = scratch
        self._lock = threading.Lock()
        self.version = self._text("SELECT version()")
        self.timezone = self._text("SELECT timezone()")

    def run(self, text, default_format, database, settings):
        """Runs a statement, with the rows behind it if it is such an INSERT. Raises Refused."""
        if not all(NAME.match(name) for name in settings):
            raise Refused.with_code(BAD_ARGUMENTS, "BAD_ARGUMENTS", f"No setting is named so: {list(settings)}")
        with self._lock:
            done = []
            try:
                self._session.query("USE " + _quoted(database, "`"))
                for name, value in settings.items():
                    self._session.query(f"SET {name} = {_quoted(value, chr(39))}")
                    done.append(name)
                return self._run(text, default_format)
            except Refused:
                raise
            except Exception as error:
                raise Refused.by_engine(error) from error
            finally:
                for name in done:
                    # A parameter of a query is no setting that has a default.
                    if not name.startswith("param_"):
                        self._session.query(f"SET {name} = DEFAULT")

    def close(self):
        """Waits for the query that runs and closes the tables."""
        with self._lock:
            self._session.close()

    def _run(self, text, default_format):
        insert = statement.insert(text)
        if insert is None:
            result_format = statement.result_format(text, default_format)
            return _answer(self._session.query(text.decode(errors="surrogateescape"), default_format), result_format)
        if not insert.rows:
            return Answer(b"", None, {})
        with tempfile.NamedTemporaryFile(dir=self._scratch, prefix="rows-") as file:
            file.write(insert.rows)
            file.flush()
            return _answer(self._session.query(insert.from_file(file.name).decode(errors="surrogateescape")), None)

    def _text(self, query):
        return self._session.query(query, "TSV").bytes().decode().strip()


def open_engine(folder, memory):
    """The engine over a folder; a query may use this many bytes."""
    from chdb.session import Session  # Takes a second or two, which the tests without it need not wait for.

    tables, scratch = os.path.join(folder, "tables"), os.path.join(folder, "scratch")
    os.makedirs(scratch, exist_ok=True)
    for left in os.scandir(scratch):
        os.unlink(left.path)
    session = Session(tables)
    session.query(f"SET max_memory_usage = {int(memory)}")
    return Engine(session, scratch)


def _answer(result, result_format):
    counts = {"read_rows": result.storage_rows_read(), "read_bytes": result.storage_bytes_read()}
    counts |= {"written_rows": result.rows_written(), "written_bytes": result.bytes_written()}
    counts |= {"result_rows": result.rows_read(), "elapsed_ns": int(result.elapsed() * 1e9)}
    return Answer(result.bytes() or b"", result_format, {name: str(count) for name, count in counts.items()})


def _quoted(text, quote):
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote
