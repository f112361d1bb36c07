"""How calm other pages stay while many people sign in at once.

    python -m bench flood [--logins 100] [--seconds 10]

Starts its own server and its own database, at the real cost of a password; stops both. Prints
ratios against the same machine at rest, in the same run: absolute times say little on a noisy one.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import make_url

from app import embedded, schema
from tests.server import environment, serving

Answer = tuple[int, float, bool]  # status, seconds, whether a Retry-After was given
Watched = dict[str, list[float]]
PAGES = ("/health/live", "/login")
FORM = "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\n"


async def ask(port: int, method: str, path: str, body: str = "") -> Answer:
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{FORM}"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    answer = await reader.read()
    writer.close()
    return int(answer[9:12]), time.monotonic() - began, b"retry-after:" in answer.lower()


async def watch(port: int, path: str, stop: asyncio.Event) -> list[float]:
    """Ask for a page again and again; return the seconds of each answer."""
    seconds = []
    while not stop.is_set():
        status, spent, _ = await ask(port, "GET", path)
        if status != 200:
            raise RuntimeError(f"{path} answered {status}")
        seconds.append(spent)
        await asyncio.sleep(0.01)
    return seconds


async def quiet(port: int, path: str, seconds: float) -> list[float]:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    return await watch(port, path, stop)


async def flood(port: int, logins: int) -> tuple[list[Answer], Watched]:
    """Send all logins at once, each for another name; watch two pages meanwhile."""
    stop = asyncio.Event()
    watched = {path: asyncio.create_task(watch(port, path, stop)) for path in PAGES}
    bodies = [f"email_or_user=nobody{number}&password=wrong" for number in range(logins)]
    answers = await asyncio.gather(*(ask(port, "POST", "/login", body) for body in bodies))
    stop.set()
    return list(answers), {path: await task for path, task in watched.items()}


def row(name: str, seconds: list[float], rest: list[float]) -> str:
    def at(values: list[float], share: float) -> float:
        return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000

    ratio = at(seconds, 0.99) / at(rest, 0.99)
    usual = statistics.median(seconds) * 1000
    return (
        f"{name:14} p50 {usual:6.1f} ms  p99 {at(seconds, 0.99):6.1f} ms"
        f"  max {max(seconds) * 1000:6.1f} ms  n {len(seconds):5}  p99 {ratio:4.1f} x at rest"
    )


async def measure(port: int, logins: int, seconds: float) -> None:
    for path in PAGES:
        await quiet(port, path, 1)
    rest = {path: await quiet(port, path, seconds / 2) for path in PAGES}
    answers, watched = await flood(port, logins)
    print(f"{logins} logins at once:", dict(Counter(status for status, _, _ in answers)))
    turned_away = [spent for status, spent, retry in answers if status == 503 and retry]
    if turned_away:
        usual, longest = statistics.median(turned_away) * 1000, max(turned_away) * 1000
        print(f"503 with Retry-After after {usual:.0f} ms (median), {longest:.0f} ms (longest)")
    print(f"answered within {max(spent for _, spent, _ in answers):.1f} s")
    for path, values in watched.items():
        print(row(path, values, rest[path]))


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logins", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="vestibule-bench-") as home:
        Path(home).chmod(0o755)
        with embedded.served(Path(home)) as url:
            schema.migrate(make_url(url))
            with serving(environment(make_url(url), BCRYPT_ROUNDS="12")) as server:
                asyncio.run(measure(server.port, options.logins, options.seconds))


if __name__ == "__main__":
    main(sys.argv[1:])
