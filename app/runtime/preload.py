"""The fork server: a process that has imported the application, and becomes workers and mailer.

They start in a tenth of the time, and share the memory of what was imported. It stays as its
imports left it: no thread, no loop, no settings, nothing open but a socket to the supervisor. What
it forks is adopted by the supervisor, so that nobody dies with it.
"""

import errno
import fcntl
import gc
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, NoReturn

Run = Callable[[Sequence[str]], NoReturn]

PRELOADED = ("app.runtime.worker", "app.runtime.background")
REQUEST_BYTES = 4096
DESCRIPTORS_AT_MOST = 8
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # it ends when its supervisor does


class ForkServer(NamedTuple):
    """Its process, and the socket where it is asked."""

    pid: int
    socket: socket.socket


def start(run: Run) -> ForkServer | None:
    """Import what workers need, and fork the fork server; ``run`` is what its children do.

    None where processes cannot be forked: elsewhere than on Linux nobody adopts them, and beside a
    thread a lock may be held for ever.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        return None
    gc.disable()
    for module in PRELOADED:
        import_module(module)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sys.stdout.flush()
    gc.freeze()  # who looks for garbage in it would copy the pages that are shared
    pid = os.fork()
    if not pid:
        ours.close()
        run(_fork_until_asked(theirs))
    theirs.close()
    gc.enable()
    return ForkServer(pid, ours)


def _fork_until_asked(supervisor: socket.socket) -> Sequence[str]:
    """Fork whatever is asked for; in each child return its arguments."""
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in IGNORED}
    _call_itself("fork server")
    import_module("app.kit.user_agents").described("")  # reads its tables
    while True:
        request, descriptors, *_ = socket.recv_fds(supervisor, REQUEST_BYTES, DESCRIPTORS_AT_MOST)
        if not request:
            os._exit(0)
        asked = json.loads(request)
        pid = _fork_twice()
        if not pid:
            supervisor.close()
            for number, handler in handlers.items():
                signal.signal(number, handler)
            _take(descriptors, asked["numbers"])
            _call_itself(asked["arguments"][0])
            gc.enable()
            return list(asked["arguments"])
        for descriptor in descriptors:
            os.close(descriptor)
        supervisor.send(str(pid).encode())


def _fork_twice() -> int:
    """Fork a process whose parent ends at once; return as ``_fork``."""
    reading, writing = os.pipe()
    pid = between = _fork()
    if not between:
        pid = _fork()
        if pid:
            os.write(writing, str(pid).encode())
            os._exit(0)
    os.close(writing)
    if between > 0:
        pid = int(os.read(reading, 20))
        os.waitpid(between, 0)
    os.close(reading)
    return pid


def _fork() -> int:
    """Fork; return the pid, 0 in the child, the negative errno where there is no room for it."""
    try:
        return os.fork()
    except OSError as error:
        return -(error.errno or errno.EAGAIN)


def _take(descriptors: Sequence[int], numbers: Sequence[int]) -> None:
    """Have each descriptor under its number; those of standard input and output are among them."""
    os.setsid()
    past = max(numbers) + 1
    aside = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, past) for each in descriptors]
    for each in descriptors:
        os.close(each)
    for number, each in zip(numbers, aside, strict=True):
        os.dup2(each, number)
        os.close(each)
    sys.stdin, sys.stdout = open(0), open(1, "w")  # noqa: SIM115 - for as long as it lives


def _call_itself(name: str) -> None:
    """Be called so where processes are listed."""
    Path("/proc/self/comm").write_text(name)
