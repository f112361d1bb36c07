"""The log: one event, one line, whatever is in it (LG-03); a reader that is stuck stops nobody."""

import atexit
import json
import logging
import logging.handlers
import queue
import sys
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

LINES_WAITING_AT_MOST = 10_000
LAST_WORDS_SECONDS = 2


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
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": current_request_id(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


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


class Unhurried(logging.Handler):
    """Hands lines to a thread that writes them; past a bound they are dropped and counted.

    So a full disk or a pipe that nobody reads costs log lines, never a request (FT-11).
    """

    def __init__(self, stream: IO[str], *, waiting: int = LINES_WAITING_AT_MOST) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(waiting)
        self._dropped = 0
        self._counting = threading.Lock()
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Put a line where the thread finds it."""
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._drop()

    def close(self) -> None:
        """Write what waits, but not for long."""
        try:
            self._lines.put(None, timeout=LAST_WORDS_SECONDS)
        except queue.Full:
            return
        self._thread.join(LAST_WORDS_SECONDS)
        super().close()

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            self._write(line)
            if self._lines.empty():
                self._tell_dropped()
        self._tell_dropped()

    def _tell_dropped(self) -> None:
        with self._counting:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            record = logging.makeLogRecord(
                {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"}
                | {"msg": "%d lines of this log were dropped", "args": (dropped,)}
            )
            self._write(self.format(record))

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        with self._counting:
            self._dropped += 1


def configure(*, readable: bool) -> None:
    """Send the log to standard error, as text for a reader or as JSON lines for a machine."""
    handler = Unhurried(sys.stderr)
    handler.setFormatter(ReadableText() if readable else JsonLines())
    atexit.register(handler.close)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
