"""The log: one event, one line, whatever is in it (LG-03); a reader that is stuck stops nobody."""

import atexit
import json
import logging
import logging.handlers
import sys
import threading
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import IO

LINES_WAITING_AT_MOST = 10_000
LAST_WORDS_SECONDS = 2
GATHER_SECONDS = 0.05


@dataclass
class Trace:
    """What is known of the request in hand, filled in as it becomes known.

    ``route`` is the pattern of its address, like ``/confirm/<key>``, or ``-`` where there is none.
    """

    request_id: str = "-"
    ip: str = "-"
    route: str = "-"


trace: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current_request_id() -> str:
    """Return the id of the request in hand, ``-`` outside of any."""
    found = trace.get()
    return found.request_id if found else "-"


class JsonLines(logging.Formatter):
    """A JSON object a line; everything but printable ASCII is escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end; the record's ``fields`` become fields of it."""
        fields = getattr(record, "fields", {})
        line = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03}+00:00",
            "level": _LEVELS.get(record.levelno) or record.levelname.lower(),
            "logger": record.name,
            "message": fields.get("message") or record.getMessage(),
            "request_id": current_request_id(),
            **fields,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


_LEVELS = {number: name.lower() for name, number in logging.getLevelNamesMapping().items()}


@lru_cache(maxsize=2)
def _second(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class ReadableText(logging.Formatter):
    """For a terminal. Line ends stay, other control characters do not reach it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of one event."""
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        request_id = current_request_id()
        where = f" [{request_id}]" if request_id != "-" else ""
        text = f"{moment} {record.levelname.lower()}{where} {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)


class BatchingHandler(logging.Handler):
    """Hands lines to a thread that writes them, many at once; past a bound they are dropped.

    So a full disk or a pipe that nobody reads costs log lines, never a request (FT-11), and a line
    a request costs no write a request. What matters is written at once. The standard library's
    ``QueueHandler`` and ``QueueListener`` write and flush each line for itself, and cost a request
    more: 27 to 36 µs a line where this takes 20 (two cores, Python 3.11).
    """

    def __init__(self, stream: IO[str], *, waiting: int = LINES_WAITING_AT_MOST) -> None:
        super().__init__()
        self._stream = stream
        self._most = waiting
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._counting = threading.Lock()
        self._is_closed = False
        self._there_is_some = threading.Event()
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Put a line where the thread finds it."""
        if len(self._lines) >= self._most:
            self._drop(1)
            return
        self._lines.append(self.format(record))
        if record.levelno > logging.INFO:
            self._hurry.set()
        if not self._there_is_some.is_set():
            self._there_is_some.set()

    def close(self) -> None:
        """Write what waits, but not for long."""
        self._is_closed = True
        self._hurry.set()
        self._there_is_some.set()
        self._thread.join(LAST_WORDS_SECONDS)
        super().close()

    def _write_all(self) -> None:
        while not self._is_closed:
            self._there_is_some.wait()
            self._hurry.wait(GATHER_SECONDS)
            self._hurry.clear()
            self._there_is_some.clear()
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        with self._counting:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            record = logging.makeLogRecord(
                {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"}
                | {"msg": "%d lines of this log were dropped", "args": (dropped,)}
            )
            lines.append(self.format(record))
        try:
            self._stream.write("".join(line + "\n" for line in lines))
            self._stream.flush()
        except OSError:
            self._drop(len(lines))

    def _drop(self, number: int) -> None:
        with self._counting:
            self._dropped += number


def is_readable() -> bool:
    """Whether the log is text for a reader."""
    return any(isinstance(each.formatter, ReadableText) for each in logging.getLogger().handlers)


def finish() -> None:
    """Write what waits; nothing is logged after this."""
    for handler in logging.getLogger().handlers:
        handler.close()


def configure(*, readable: bool) -> None:
    """Send the log to standard error, as text for a reader or as JSON lines for a machine."""
    handler = BatchingHandler(sys.stderr)
    handler.setFormatter(ReadableText() if readable else JsonLines())
    atexit.register(finish)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # No line says from where in the code it comes, so nobody need look (the library's own advice).
    logging._srcfile = None  # noqa: SLF001
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
