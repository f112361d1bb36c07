"""Who lives in every contender's database, and what wrk asks in their names."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from app.kit.passwords import hash_now

READERS = 100  # signed in; they read the page
COMERS = 64  # sign in, with the right password
VICTIMS = 2000  # others try wrong passwords for them: many, so that no account is slowed down
PASSWORD = "four unrelated words here"
CHEAP_ROUNDS, REAL_ROUNDS = 4, 12
CSRF = "csrftoken=abcdefghijklmnopqrstuvwxyz012345"  # Django's, that any visitor can choose


class Door(NamedTuple):
    """How somebody signs in: the form's names, and which status means what."""

    name_field: str = "email"
    named_by: str = "email"
    path: str = "/login"
    right: int = 302
    wrong: int = 401

    def request(self, user: str, password: str) -> str:
        name = f"{user}@example.com" if self.named_by == "email" else user
        body = urlencode({self.name_field: name, "password": password})
        return line("POST", self.path, CSRF, body)


def line(method: str, path: str, cookie: str = "", body: str = "") -> str:
    """Return a request as lua/people.lua reads it."""
    return f"{method}\t{path}\t{cookie}\t{body}"


def write_all(path: Path) -> None:
    """Write everybody for a peer, a line each: name, address, password, cheap or real hash."""
    lines = [
        f"{name}\t{name}@example.com\t{PASSWORD}\t{'cheap' if is_cheap else 'real'}"
        for name, is_cheap in _everybody()
    ]
    path.write_text("\n".join(lines) + "\n")


def write_import(path: Path) -> None:
    """Write everybody for ``users import``. One hash for all: only its check is measured."""
    made = {
        is_cheap: hash_now(PASSWORD, rounds=CHEAP_ROUNDS if is_cheap else REAL_ROUNDS)
        for is_cheap in (True, False)
    }
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "username", "password_hash", "role", "confirmed"])
        for name, is_cheap in _everybody():
            writer.writerow([f"{name}@example.com", name, made[is_cheap], "User", "true"])


def readers() -> list[str]:
    return [f"reader{number}" for number in range(READERS)]


def write_doors(folder: Path, door: Door) -> None:
    """Write what wrk asks at the door: right passwords, and wrong ones."""
    right = [door.request(f"comer{number}", PASSWORD) for number in range(COMERS)]
    wrong = [door.request(f"victim{number}", "wrong password") for number in range(VICTIMS)]
    entering = [door.request(name, PASSWORD) for name in readers()]
    write_requests(folder / "entering", entering)
    write_requests(folder / "right", right)
    write_requests(folder / "wrong", wrong)


def write_requests(path: Path, requests: Sequence[str]) -> None:
    path.write_text("\n".join(requests) + "\n")


def _everybody() -> list[tuple[str, bool]]:
    named = [(name, True) for name in readers()]
    named += [(f"comer{number}", False) for number in range(COMERS)]
    return named + [(f"victim{number}", False) for number in range(VICTIMS)]
