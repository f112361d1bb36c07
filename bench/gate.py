"""How much the gate's check costs, and whether it is right under load.

    python -m bench gate [--seconds 3] [--rounds 3] [--logouts 50] [--load-seconds 8]

Interleaved: a check with a live session; the guarded page of the course's application; a bare ASGI
application on the same server. Then as many checks as two workers take, with logouts among them:
ends with status 1 if a 2xx came after an acknowledged logout, or a wrong name.
"""

import argparse
import asyncio
import http.client
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.contenders import PEERS_PYTHON, all_of, ours, settings
from bench.load import find_wrk
from bench.places import Place, postgres, prepared
from bench.promises import enter as sign_in
from bench.running import started
from bench.users import CHEAP_ROUNDS
from bench.visitor import Visitor
from tests.gate.proxies import proxy
from tests.server import ROOT, free_port

ORIGIN = "http://wiki.localhost:8100"
HOST = "wiki.localhost:8100"
WORKERS = 2
REQUESTS_OF_A_CONNECTION = 500  # the server closes it after a thousand
SINGLE = 500  # requests of which the median is taken
ASKED = {
    "X-Forwarded-Method": "GET",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": HOST,
    "X-Forwarded-Uri": "/picture.png",
}


def wrk(port: int, path: str, headers: dict[str, str], *, seconds: int) -> float:
    """Return the requests a second; all must be 2xx."""
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    said = subprocess.run(
        [find_wrk(), "-t1", "-c32", f"-d{seconds}s", *given, f"http://127.0.0.1:{port}{path}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if "Non-2xx" in said:
        raise SystemExit(f"{path} on {port}: {said}")
    return float(said.partition("Requests/sec:")[2].split()[0])


def enter(port: int, cookie: str, origin: str = ORIGIN) -> str:
    """Get into the application with the cookie of a login; return the cookie there."""
    peer = {"Host": urlsplit(origin).netloc, "X-Forwarded-Proto": "http"}
    start = _get(port, "/.vestibule/start?to=/", peer)
    nonce = start[1]["set-cookie"].split(";")[0]
    state = parse_qs(urlsplit(start[1]["location"]).query)["state"][0]
    page = _get(port, f"/gate?{urlencode({'state': state})}", {"Cookie": cookie})[2]
    ticket = page.partition('content="0; url=')[2].partition('"')[0].removeprefix(origin)
    return _get(port, ticket, peer | {"Cookie": nonce})[1]["set-cookie"].split(";")[0]


def _get(port: int, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


class Load:
    """Checks as fast as they go, by many browsers, some of which sign out."""

    def __init__(self, port: int, browsers: list[tuple[str, str]]) -> None:
        self.port, self.browsers = port, browsers
        self.leaving: set[str] = set()
        self.out: set[str] = set()
        self.wrong: list[str] = []
        self.checks = self.after = 0

    async def run(self, *, seconds: float, logouts: int) -> None:
        end = time.monotonic() + seconds
        askers = [self._ask(end, number) for number in range(16)]
        await asyncio.gather(*askers, self._sign_out(seconds, logouts))

    async def _ask(self, end: float, turn: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        asked = "".join(f"{name}: {value}\r\n" for name, value in ASKED.items())
        for number in count(1):
            if time.monotonic() >= end:
                break
            if number % REQUESTS_OF_A_CONNECTION == 0:
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            turn += 7
            _, gate = self.browsers[turn % len(self.browsers)]
            was_out = gate in self.out  # the logout was acknowledged before this check began
            request = f"GET /gate/check HTTP/1.1\r\nHost: x\r\n{asked}Cookie: {gate}\r\n\r\n"
            writer.write(request.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0])
            await reader.readexactly(length)
            status = int(head[9:12])
            self.checks += 1
            self.after += was_out
            if status not in {200, 401} or (was_out and status == 200):
                self.wrong.append(f"{status} {was_out}")
            if status == 401 and gate not in self.leaving:
                self.wrong.append("a live session was refused")
        writer.close()

    async def _sign_out(self, seconds: float, logouts: int) -> None:
        """Let one after the other sign out, and in again."""
        begun = time.monotonic()
        async with Visitor(self.port) as visitor:
            for number in range(logouts):
                who = number % len(self.browsers)
                login, gate = self.browsers[who]
                self.leaving.add(gate)
                answer = await visitor.ask("POST", "/logout", login)
                self.out.add(gate)
                if answer.status != 303:
                    self.wrong.append(f"logout: {answer.status}")
                login = await sign_in(self.port, f"reader{who}")
                self.browsers[who] = login, await asyncio.to_thread(enter, self.port, login)
                due = begun + (number + 1) * seconds / (logouts + 1)
                await asyncio.sleep(max(0, due - time.monotonic()))


def main(arguments: Sequence[str]) -> None:
    """Measure, print, and end with status 1 if an answer was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench gate", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--logouts", type=int, default=50)
    parser.add_argument("--load-seconds", type=float, default=8)
    given = parser.parse_args(arguments)
    others = {each.key: each for each in all_of(WORKERS) if each.key in {"course", "asgi"}}
    if not Path(PEERS_PYTHON).exists():
        print("The course's page is left out: run make bench once, which installs it.")
        del others["course"]
    with postgres() as server, ExitStack() as stack:
        places = {"check": stack.enter_context(prepared(server, ours(), workers=WORKERS))}
        for key, contender in others.items():
            places[key] = stack.enter_context(prepared(server, contender, workers=WORKERS))
        register(places["check"])
        speeds: dict[str, list[float]] = {key: [] for key in places}
        for number in range(given.rounds):
            for key, place in places.items():
                with running(place) as port:
                    path, headers = place.contender.page, {"Cookie": place.cookies[0]}
                    if key == "check":
                        gate = enter(port, place.cookies[number])
                        path, headers = "/gate/check", ASKED | {"Cookie": gate}
                    wrk(port, path, headers, seconds=1)
                    speeds[key].append(wrk(port, path, headers, seconds=given.seconds))
        for key, found in speeds.items():
            ratio = median(speeds["check"]) / median(found)
            print(f"{key:8}{median(found):>10,.0f} requests/s   check / {key}: {ratio:.2f}")
        with running(places["check"]) as port:
            through_nginx(port, places["check"])
        with running(places["check"]) as port:
            browsers = [(login, enter(port, login)) for login in places["check"].cookies]
            load = Load(port, browsers)
            asyncio.run(load.run(seconds=given.load_seconds, logouts=given.logouts))
    print(
        f"{load.checks:,} checks beside {given.logouts} logouts, {load.after:,} of them after the "
        f"logout of who they were of, wrong: {len(load.wrong)}"
    )
    print("\n".join(sorted(set(load.wrong))))
    sys.exit(1 if load.wrong else 0)


def through_nginx(port: int, place: Place) -> None:
    """Print what a check adds to a static page behind nginx."""
    if shutil.which("nginx", path="/usr/sbin:/usr/bin") is None:
        print("What a check adds behind nginx is left out: nginx is not installed.")
        return
    plain, page, guarded = free_port(), free_port(), free_port()
    origin = f"http://nginx.localhost:{guarded}"
    register(place, origin)
    more = (
        f"server {{ listen {page}; location / {{ return 200 ok; }} }} "
        f"server {{ listen {plain}; location / {{ proxy_pass http://127.0.0.1:{page}; }} }}"
    )
    login, application = f"127.0.0.1:{port}", f"127.0.0.1:{page}"
    with proxy("nginx", origin, login=login, application=application, more=more):
        gate = enter(port, place.cookies[-1], origin)
        without = milliseconds(plain, {})
        with_gate = milliseconds(guarded, {"Host": f"nginx.localhost:{guarded}", "Cookie": gate})
    print(f"nginx, median: {without:.2f} ms without, {with_gate:.2f} ms with the gate")


def milliseconds(port: int, headers: dict[str, str]) -> float:
    """Return the median time of a page, asked one after the other on one connection."""
    connection, times = http.client.HTTPConnection("127.0.0.1", port, timeout=10), []
    for _ in range(SINGLE):
        begun = time.perf_counter()
        connection.request("GET", "/", headers=headers)
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - begun)
        if answer.status != 200:
            raise SystemExit(f"nginx answers {answer.status}")
    connection.close()
    return median(times[SINGLE // 5 :]) * 1000


def register(place: Place, origin: str = ORIGIN) -> None:
    """Put the site behind the gate."""
    environ = settings(place.contender, place.database, port=free_port(), workers=1)
    command = [sys.executable, "-m", "app", "sites", "add", origin, "--need", "signed-in"]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def running(place: Place) -> Iterator[int]:
    """Serve a contender; yield its port."""
    port = free_port()
    environ = settings(place.contender, place.database, port=port, workers=WORKERS)
    environ |= {"ACCESS_LOG": "true", "BCRYPT_ROUNDS": str(CHEAP_ROUNDS)}
    with started(
        place.contender.serve, folder=place.contender.folder, environ=environ, port=port,
        log=place.log,
    ) as server:  # fmt: skip
        server.await_answer(place.contender.page, place.cookies[-1])
        yield port


if __name__ == "__main__":
    main(sys.argv[1:])
