"""How many connections each worker has, and how many passwords in hand, where all workers see it.

Workers share one listening socket. Without this the first one that wakes takes all connections of a
burst, and visitors wait for it while the others rest. Passwords come over connections that live
long: a worker that has most of them hashes for the others, as long as these rest.
"""

import mmap
import os
import tempfile

SLOTS = 256
BUSY = SLOTS  # where the second column begins
WORKERS = 2 * SLOTS  # where their number is
NUMBERS = 2 * SLOTS + 1
NUMBER_BYTES = 4
NOBODY = 2**32 - 1


class Shares:
    """The table, two numbers a slot. The supervisor makes it and hands its descriptor on."""

    def __init__(self, workers: int) -> None:
        self.fd = _nameless_file()
        os.truncate(self.fd, NUMBERS * NUMBER_BYTES)
        self._numbers = _numbers(self.fd)
        self._numbers[WORKERS] = workers
        self._free = list(range(SLOTS))
        for slot in self._free:
            self._numbers[slot] = NOBODY

    def take(self) -> int:
        """Return a slot that nobody has. It counts once its owner puts a number there."""
        return self._free.pop(0)

    def give_back(self, slot: int) -> None:
        """Forget whoever had a slot."""
        self._numbers[slot] = NOBODY
        self._numbers[BUSY + slot] = 0
        self._free.append(slot)


class Share:
    """One worker's slot."""

    def __init__(self, fd: int, slot: int) -> None:
        self._numbers = _numbers(fd)
        self._slot = slot
        self.workers = self._numbers[WORKERS]

    def put(self, number: int) -> None:
        """Tell how many connections this worker has."""
        self._numbers[self._slot] = number

    def is_ahead(self) -> bool:
        """Whether another worker has clearly fewer."""
        fewest = min(self._numbers[:SLOTS])
        return self._numbers[self._slot] > fewest + fewest // 4

    def put_busy(self, number: int) -> None:
        """Tell how many passwords this worker has in hand."""
        self._numbers[BUSY + self._slot] = number

    def is_spare(self, each: int) -> bool:
        """Whether all workers together have no more passwords in hand than ``each`` may have.

        One more is allowed: it asks the database while the others are hashed.
        """
        return sum(self._numbers[BUSY:WORKERS]) <= self.workers * each


def _nameless_file() -> int:
    """Return a descriptor of some memory, or of a file where there is no such thing (macOS)."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("shares")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _numbers(fd: int) -> "memoryview[int]":
    return memoryview(mmap.mmap(fd, NUMBERS * NUMBER_BYTES)).cast("I")
