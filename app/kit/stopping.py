"""How a process of ours learns that it shall stop."""

import asyncio
import signal
import sys


def stop_event(*, watch_stdin: bool = False) -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set.

    With ``watch_stdin`` also the end of standard input: our supervisor holds its other end, so a
    supervisor that is killed takes its children along.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if watch_stdin:
        loop.add_reader(sys.stdin.fileno(), stop.set)
    return stop


async def wait_for(stop: asyncio.Event, seconds: float) -> bool:
    """Wait that long or until stopped; return whether stopped."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
