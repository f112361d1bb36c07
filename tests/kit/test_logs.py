"""The log: a line an event, and a reader that is stuck stops nobody (LG-03, FT-11)."""

import io
import json
import logging
import os
import threading
import time

import pytest

from app.kit import logs
from app.kit.logs import BatchingHandler, JsonLines, ReadableText, Trace


def record(message: str, *args: object, **more: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "app.x", "levelno": 20, "levelname": "INFO", "msg": message, "args": args} | more
    )


NASTY = "a\r\n\x00\x1b[31m\u2028\u202eb"


def test_whatever_is_in_an_event_it_is_one_line() -> None:
    line = JsonLines().format(record("%s", NASTY, fields={"path": NASTY}))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["path"] == NASTY


def test_a_terminal_gets_no_control_characters() -> None:
    text = ReadableText().format(record("%s", NASTY))
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "\u202e" not in text


def test_a_line_names_its_request() -> None:
    token = logs.trace.set(Trace(request_id="0123"))
    try:
        assert json.loads(JsonLines().format(record("x")))["request_id"] == "0123"
        assert "[0123]" in ReadableText().format(record("x"))
    finally:
        logs.trace.reset(token)
    assert json.loads(JsonLines().format(record("x")))["request_id"] == "-"


def unhurried(stream: io.TextIOBase, *, waiting: int = 10_000) -> BatchingHandler:
    handler = BatchingHandler(stream, waiting=waiting)  # type: ignore[arg-type]
    handler.setFormatter(logging.Formatter("%(message)s"))
    return handler


def test_all_lines_are_written_in_order_before_the_end() -> None:
    stream = io.StringIO()
    handler = unhurried(stream)
    for number in range(1000):
        handler.emit(record("%d", number))
    handler.close()
    assert stream.getvalue().split() == [str(number) for number in range(1000)]


def test_a_pipe_that_nobody_reads_costs_lines_but_no_time() -> None:
    reading, writing = os.pipe()
    handler = unhurried(os.fdopen(writing, "w"), waiting=100)
    lines = [record("%d %s", number, "x" * 200) for number in range(5000)]

    def speak() -> None:
        for line in lines:
            handler.emit(line)

    speaker = threading.Thread(target=speak, daemon=True)
    speaker.start()
    speaker.join(60)
    assert not speaker.is_alive(), "it waits for who reads"
    said: list[bytes] = []
    reader = threading.Thread(target=lambda: said.extend(iter(lambda: os.read(reading, 9999), b"")))
    reader.start()
    deadline = time.monotonic() + 60
    while sum(written_and_dropped(said)) < 5000:
        assert time.monotonic() < deadline, written_and_dropped(said)
        time.sleep(0.01)
    handler.emit(record("after"))
    handler.close()
    handler._stream.close()
    reader.join(60)
    os.close(reading)
    written, dropped = written_and_dropped(said)
    assert written + dropped == 5000
    assert written >= 100
    assert dropped
    assert b"".join(said).endswith(b"after\n")


def written_and_dropped(said: list[bytes]) -> tuple[int, int]:
    """Return how many lines came, and how many a line of their own says to be lost."""
    whole = b"".join(said).decode().rpartition("\n")[0].splitlines()
    told = [int(line.split()[0]) for line in whole if "dropped" in line]
    return len([line for line in whole if line.endswith("x" * 200)]), sum(told)


class Full(io.StringIO):
    """A disk that is full, until it is not."""

    is_full = True

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_full_disk_is_survived() -> None:
    stream = Full()
    handler = unhurried(stream)
    handler.emit(record("lost"))
    while handler._dropped == 0:
        time.sleep(0.001)
    stream.is_full = False
    handler.emit(record("kept"))
    handler.close()
    assert stream.getvalue() == "kept\n1 lines of this log were dropped\n"


@pytest.mark.parametrize("readable", [True, False])
def test_closing_does_not_wait_for_a_stuck_reader(
    monkeypatch: pytest.MonkeyPatch, *, readable: bool
) -> None:
    monkeypatch.setattr(logs, "LAST_WORDS_SECONDS", 0.2)
    _, writing = os.pipe()
    handler = unhurried(os.fdopen(writing, "w", closefd=False), waiting=10)
    handler.setFormatter(ReadableText() if readable else JsonLines())
    for _ in range(1000):
        handler.emit(record("x" * 1000))
    begun = time.monotonic()
    handler.close()
    assert time.monotonic() - begun < 5
