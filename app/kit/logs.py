"""The log: one event, one line, whatever is in it (LG-03)."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class JsonLines(logging.Formatter):
    """A JSON object a line; everything but printable ASCII is escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class ReadableText(logging.Formatter):
    """For a terminal. Line ends stay, other control characters do not reach it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of one event."""
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        where = f" [{request_id.get()}]" if request_id.get() != "-" else ""
        text = f"{moment} {record.levelname.lower()}{where} {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)


def configure(*, readable: bool) -> None:
    """Send the log to standard error, as text for a reader or as JSON lines for a machine."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ReadableText() if readable else JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
