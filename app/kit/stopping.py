"""How a process of ours learns that it shall stop."""

import asyncio
import signal
import sys


class Stop(asyncio.Event):
    """Set when the process shall stop; ``reason`` is the signal, None if the supervisor is gone.

    ``urgent`` is set when it is told so once more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reason: signal.Signals | None = None
        self.urgent = asyncio.Event()

    def because(self, number: signal.Signals) -> None:
        """Set it, for this signal."""
        if self.is_set():
            self.urgent.set()
        self.reason = number
        self.set()


def stop_event(*, watch_stdin: bool = False) -> Stop:
    """Return an event that SIGTERM and SIGINT set.

    With ``watch_stdin`` also the end of standard input: our supervisor holds its other end, so a
    supervisor that is killed takes its children along.
    """
    stop = Stop()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.because, number)
    if watch_stdin:
        stdin = sys.stdin.fileno()

        def orphaned() -> None:
            loop.remove_reader(stdin)  # its end would be told for ever
            stop.set()

        loop.add_reader(stdin, orphaned)
    return stop


async def wait_for(stop: asyncio.Event, seconds: float) -> bool:
    """Wait that long or until stopped; return whether stopped."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
