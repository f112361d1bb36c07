"""How long it takes to bring in many people, and to write them all out again.

    python -m bench transfer [--users 100000]

Starts its own database with durable writes, and stops it. The hashes are a few real ones of
werkzeug, reused. Every tenth person has no username, every address a domain of its own.
"""

import argparse
import csv
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import make_url
from werkzeug.security import generate_password_hash

from app import embedded, schema
from tests.server import ROOT, environment

HASHES = [generate_password_hash(f"four unrelated words {n}", "scrypt") for n in range(4)]


def write(path: Path, users: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "username", "password_hash", "role", "confirmed"])
        for number, password_hash in zip(range(users), itertools.cycle(HASHES), strict=False):
            name = "" if number % 10 == 0 else f"person{number}"
            writer.writerow(
                [f"p{number % 1000}@m{number}.example.com", name, password_hash, "User", "true"]
            )


def timed(what: str, *arguments: str, environ: dict[str, str]) -> None:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "app", "users", *arguments],
        cwd=ROOT, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    words = (done.stdout + done.stderr[-300:]).strip().replace("\n", " ")
    print(f"{what:12} {seconds:6.1f} s  {words}")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    users = parser.parse_args(arguments).users
    with tempfile.TemporaryDirectory(prefix="vestibule-bench-") as place:
        home = Path(place)
        home.chmod(0o755)
        write(home / "people.csv", users)
        with embedded.served(home / "database") as url:
            schema.migrate(make_url(url))
            environ = environment(make_url(url))
            source = str(home / "people.csv")
            timed("dry run", "import", source, "--dry-run", environ=environ)
            timed("import", "import", source, environ=environ)
            timed("once more", "import", source, environ=environ)
            timed("export", "export", str(home / "all.csv"), environ=environ)
            timed("hashes", "hashes", environ=environ)


if __name__ == "__main__":
    main(sys.argv[1:])
