# ruff: noqa: INP001, T201 - a script that prints
"""Faults that need containers, under load, each with its figure. Standard library only.

Usage: ``faults.py full-tmp | kill | restart | freeze | scale``, after ``journey.py first``. What
was answered with yes during a fault is written down, and looked for afterwards: every registration
exactly once, with its email; every session open at every replica; every ended one closed.
"""

import http.client
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import stack
from journey import EMAIL, PASSWORD, SECRET
from stack import ask, compose, expect

REQUESTS_A_SECOND = 20
A_FEW_A_SECOND = 4
AT_ONCE = 64
ONE_TIME_KEY = "a-one-time-key"
UNREACHED = {502, 503, 504}
COME_AGAIN = {"429", "503"}  # refused, with Retry-After, and nothing done
BROKEN_AT_MOST = 0.05  # of the requests through the proxy; none of them acknowledged
BACK_WITHIN_SECONDS = 10
RESTARTED_WITHIN_SECONDS = 30
EMAILS_WITHIN_SECONDS = 30
LOAD_SECONDS = 8


class Outcome(NamedTuple):
    """One request of the load: what, when, how long, and what was wrong with it, if anything."""

    name: str
    begin: float
    seconds: float
    wrong: str


@dataclass
class Journal:
    """What was acknowledged."""

    registered: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    open: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


class Load:
    """Mixed requests, on new connections, at an even rate, through the proxy or at one replica."""

    def __init__(self, *, at: str | None = None, rate: float = REQUESTS_A_SECOND) -> None:
        self.at = at
        self._rate = rate
        self.journal = Journal()
        self.outcomes: list[Outcome] = []
        self._mark = f"load{random.randrange(10**9)}x"  # noqa: S311 - a name
        self._count = 0
        self.guest = self._signed_in()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._clock = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._clock.join()
        self._pool.shutdown()

    def _run(self) -> None:
        begin = time.monotonic()
        mix: list[Callable[[], str]] = [
            *[self._read_secret] * 10, *[self._see_home] * 4, *[self._see_login] * 2,
            *[self._register] * 2, self._sign_in, self._sign_out,
        ]  # fmt: skip
        while not self._stop.wait(max(0, begin + self._count / self._rate - time.monotonic())):
            self._pool.submit(self._note, mix[self._count * 7 % len(mix)])
            self._count += 1

    def _note(self, request: Callable[[], str]) -> None:
        begin = time.monotonic()
        try:
            wrong = request()
        except (OSError, http.client.HTTPException) as error:
            wrong = type(error).__name__
        name = request.__name__.lstrip("_")
        self.outcomes.append(Outcome(name, begin, time.monotonic() - begin, wrong))

    def _read_secret(self) -> str:
        answer = ask("/secret", at=self.at, cookies=self.guest)
        return "" if SECRET in answer.text else str(answer.status)

    def _see_home(self) -> str:
        return _but(200, ask("/", at=self.at))

    def _see_login(self) -> str:
        return _but(200, ask("/login", at=self.at))

    def _register(self) -> str:
        name = f"{self._mark}{random.randrange(10**12)}"  # noqa: S311 - likewise
        self.journal.unsure.add(name)
        form = {"username": name, "email": f"{name}@example.com"}
        form |= {"password": PASSWORD, "confirm": PASSWORD}
        wrong = _but(200, ask("/register", at=self.at, form=form))
        if not wrong:
            self.journal.unsure.discard(name)
            self.journal.registered.add(name)
        return wrong

    def _sign_in(self) -> str:
        answer = ask("/login", at=self.at, form={"email_or_user": EMAIL, "password": PASSWORD})
        if answer.status == http.client.SEE_OTHER:
            self.journal.open.append(answer.cookies)
        return _but(303, answer)

    def _sign_out(self) -> str:
        if not self.journal.open:
            return ""
        cookies = self.journal.open.pop()
        wrong = _but(303, ask("/logout", at=self.at, cookies=cookies, form={}))
        if not wrong:
            self.journal.ended.append(cookies)
        return wrong

    def _signed_in(self) -> str:
        answer = ask("/login", at=self.at, form={"email_or_user": EMAIL, "password": PASSWORD})
        return answer.cookies

    def tell(self, fault_at: float) -> list[Outcome]:
        """Say how it went; return what went wrong and was not a plain "come again"."""
        wrong = [one for one in self.outcomes if one.wrong]
        slowest = max(one.seconds for one in self.outcomes)
        print(f"  {len(self.outcomes)} requests, {len(wrong)} errors, slowest {slowest:.2f} s")
        for kind, count in Counter(one.wrong for one in wrong).most_common():
            these = [one for one in wrong if one.wrong == kind]
            begun = sorted(one.begin - fault_at for one in these)
            took = sorted(one.seconds for one in these)
            print(
                f"    {count} × {kind}: begun {begun[0]:+.2f} to {begun[-1]:+.2f} s from it,"
                f" took {took[0]:.2f} to {took[-1]:.2f} s,"
                f" {dict(Counter(one.name for one in these))}"
            )
        return [one for one in wrong if one.wrong not in COME_AGAIN]

    def check_journal(self) -> None:
        """Look for all that was acknowledged."""
        journal = self.journal
        names = f"SELECT username FROM registrations WHERE username LIKE '{self._mark}%'"  # noqa: S608
        kept = Counter(row[0] for row in stack.rows(names))
        expect(
            bool(journal.registered) and all(kept[name] == 1 for name in journal.registered),
            f"{len(journal.registered)} registrations that were acknowledged are there, each once",
        )
        half = [name for name in journal.unsure if kept[name] not in {0, 1}]
        there = sum(kept[name] for name in journal.unsure)
        expect(not half, f"of {len(journal.unsure)} that were not, {there} are there")
        self._check_emails()
        doors = list(stack.replicas().values())
        sessions = [self.guest, *journal.open]
        opened = {ask("/secret", at=at, cookies=one).status for at in doors for one in sessions}
        expect(
            opened == {200},
            f"{len(sessions)} sessions open /secret at each of {len(doors)} replicas: {opened}",
        )
        closed = {
            ask("/secret", at=at, cookies=one).status for at in doors for one in journal.ended
        }
        expect(closed <= {303}, f"{len(journal.ended)} ended ones open it at none: {closed}")

    def _check_emails(self) -> None:
        wanted = {f"{name}@example.com" for name in self.journal.registered}
        give_up = time.monotonic() + EMAILS_WITHIN_SECONDS
        while True:
            caught = Counter(stack.all_addresses())
            if all(caught[address] for address in wanted) or time.monotonic() > give_up:
                break
            time.sleep(0.5)
        missing = [address for address in wanted if not caught[address]]
        twice = sum(caught[address] > 1 for address in wanted)
        expect(not missing, f"each of them has its email, {twice} have it twice: {missing}")


def fill_tmp() -> None:
    """FT-11: a full /tmp does not keep anybody out."""
    container, address = next(iter(stack.replicas().items()))
    service = ["exec", "-T", "--index", stack.inspect(container)["Name"].rsplit("-", 1)[1], "app"]
    compose(*service, "sh", "-c", "cat /dev/zero >/tmp/full 2>/dev/null || true")
    free = compose(*service, "df", "--output=avail", "/tmp").split()[-1]  # noqa: S108 - theirs
    begin = time.monotonic()
    with Load(at=address) as load:
        time.sleep(LOAD_SECONDS)
    load.tell(begin)
    wrong = [one for one in load.outcomes if one.wrong]
    compose(*service, "rm", "/tmp/full")  # noqa: S108 - likewise
    expect(free == "0" and not wrong, f"FT-11: /tmp is full ({free} left), and nothing goes wrong")
    load.check_journal()


def kill() -> None:
    """FT-04: a replica that crashes comes back, and the other serves meanwhile."""
    victim, survivor = list(stack.replicas())[:2]
    survivor_address = stack.replicas()[survivor]
    with Load() as load, Load(at=survivor_address, rate=A_FEW_A_SECOND) as other:
        time.sleep(3)
        process = stack.inspect(victim)["State"]["Pid"]
        begin = time.monotonic()
        os.kill(process, signal.SIGKILL)
        back = _seconds_until_back(victim, process, begin)
        time.sleep(2)
    broken = load.tell(begin)
    _expect_within(BACK_WITHIN_SECONDS, back, "FT-04: the killed replica is ready")
    _expect_few(broken, load)
    expect(
        not [one for one in other.outcomes if one.wrong],
        f"the other replica answers all of {len(other.outcomes)} requests of its own meanwhile",
    )
    load.check_journal()
    other.check_journal()


def restart() -> None:
    """FT-18: all is restarted at once; who was signed in still is."""
    cookies = ask("/login", form={"email_or_user": EMAIL, "password": PASSWORD}).cookies
    begin = time.monotonic()
    compose("restart")
    stopped_and_started = time.monotonic() - begin
    for address in [None, *stack.replicas().values()]:
        stack.seconds_until_ready(address)
    ready = time.monotonic() - begin
    print(f"  docker compose restart took {stopped_and_started:.1f} s")
    _expect_within(RESTARTED_WITHIN_SECONDS, ready, "FT-18: all is ready")
    opened = {ask("/secret", at=at, cookies=cookies).status for at in stack.replicas().values()}
    expect(opened == {200}, f"the session is open at each of {len(stack.replicas())} replicas")


def freeze() -> None:
    """Nobody answers: the proxy says so in time, and its log names no one-time key."""
    compose("pause", "app")
    begin = time.monotonic()
    try:
        answer = ask(f"/confirm/{ONE_TIME_KEY}", cookies=f"session={ONE_TIME_KEY}")
        waited = time.monotonic() - begin
    finally:
        compose("unpause", "app")
    stack.seconds_until_ready()
    expect(answer.status in UNREACHED, f"with all frozen it is {answer.status}, in {waited:.1f} s")
    log = compose("logs", "--no-log-prefix", "proxy")
    expect(
        f'"status":{answer.status}' in log and ONE_TIME_KEY not in log,
        "the proxy's log tells of it, without the one-time key of the address",
    )


def scale() -> None:
    """FT-19: one replica becomes five, becomes one, under load."""
    _scale_to(1)
    with Load() as load:
        time.sleep(2)
        begin = time.monotonic()
        _scale_to(5)
        up = time.monotonic() - begin
        time.sleep(2)
        doors = list(stack.replicas().values())
        answers = [ask("/secret", at=at, cookies=load.guest).status for at in doors]
        down_at = time.monotonic()
        _scale_to(1)
        down = time.monotonic() - down_at
        time.sleep(2)
    broken = load.tell(begin)
    print(f"  FT-19: 1 → 5 took {up:.1f} s, 5 → 1 {down:.1f} s, begun at {down_at - begin:+.1f} s")
    expect(answers == [200] * 5, "a session of the load is open at each of five replicas")
    _expect_few(broken, load)
    load.check_journal()


def _expect_within(limit: float, seconds: float, what: str) -> None:
    """Compare with a limit that is for a machine of its own: a busy one gets more time."""
    busy = max(1, os.getloadavg()[0] / (os.cpu_count() or 1))
    expect(
        seconds <= limit * busy,
        f"{what} after {seconds:.1f} s, at most {limit} s (× {busy:.1f}, so busy is this machine)",
    )


def _expect_few(broken: list[Outcome], load: Load) -> None:
    expect(
        len(broken) <= BROKEN_AT_MOST * len(load.outcomes),
        f"{len(broken)} of {len(load.outcomes)} requests were broken, at most {BROKEN_AT_MOST:.0%}",
    )


def _scale_to(count: int) -> None:
    compose("up", "--detach", "--wait", "--no-recreate", "--no-build", "--scale", f"app={count}")
    if len(stack.replicas()) != count:
        sys.exit(f"  NOT SO: there are {count} replicas")


def _seconds_until_back(container: str, dead: int, begin: float) -> float:
    while time.monotonic() - begin < 2 * BACK_WITHIN_SECONDS:
        state = stack.inspect(container)["State"]
        if state["Running"] and state["Pid"] not in {0, dead}:
            stack.seconds_until_ready(stack.network(container, "front")["IPAddress"])
            return time.monotonic() - begin
        time.sleep(0.1)
    sys.exit("  NOT SO: the killed replica is started again")


def _but(wanted: int, answer: stack.Answer) -> str:
    return "" if answer.status == wanted else str(answer.status)


if __name__ == "__main__":
    {"full-tmp": fill_tmp, "kill": kill, "restart": restart, "freeze": freeze, "scale": scale}[
        sys.argv[1]
    ]()
