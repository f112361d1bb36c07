"""How many connections each worker has, in memory that all of them see.

Workers share one listening socket. Without this the first one that wakes takes all connections of a
burst, and visitors wait for it while the others rest.
"""

import mmap
import os
import tempfile

SLOTS = 256
SLOT_BYTES = 4
NOBODY = 2**32 - 1


class Shares:
    """The table, a number a slot. The supervisor makes it and hands its descriptor on."""

    def __init__(self) -> None:
        self.fd = _nameless_file()
        os.truncate(self.fd, SLOTS * SLOT_BYTES)
        self._numbers = _numbers(self.fd)
        self._free = list(range(SLOTS))
        for slot in self._free:
            self._numbers[slot] = NOBODY

    def take(self) -> int:
        """Return a slot that nobody has. It counts once its owner puts a number there."""
        return self._free.pop(0)

    def give_back(self, slot: int) -> None:
        """Forget whoever had a slot."""
        self._numbers[slot] = NOBODY
        self._free.append(slot)


class Share:
    """One worker's slot."""

    def __init__(self, fd: int, slot: int) -> None:
        self._numbers = _numbers(fd)
        self._slot = slot

    def put(self, number: int) -> None:
        """Tell how many connections this worker has."""
        self._numbers[self._slot] = number

    def is_ahead(self) -> bool:
        """Whether another worker has clearly fewer."""
        fewest = min(self._numbers)
        return self._numbers[self._slot] > fewest + fewest // 4


def _nameless_file() -> int:
    """Return a descriptor of some memory, or of a file where there is no such thing (macOS)."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("shares")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _numbers(fd: int) -> "memoryview[int]":
    return memoryview(mmap.mmap(fd, SLOTS * SLOT_BYTES)).cast("I")
