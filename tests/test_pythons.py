"""Which Python and which PostgreSQL a laptop takes."""

import os
import subprocess
from pathlib import Path

import pytest

from app import embedded
from tests.server import ROOT

TOOLS = ("sh", "ls", "cat")


def stand_in(folder: Path, name: str, minor: int) -> None:
    """Put a Python there that says to be of a version."""
    path = folder / name
    path.write_text(
        "#!/bin/sh\n"
        f'case "$2" in *"(3, 11)"*) exit {int(minor >= 11)};; '
        f'*"(3, 15)"*) exit {int(minor >= 15)};; esac\n'
    )
    path.chmod(0o755)


def choose(folder: Path, asked: str, **environ: str) -> subprocess.CompletedProcess[str]:
    for tool in TOOLS:
        if not (folder / tool).exists():
            (folder / tool).symlink_to(f"/bin/{tool}")
    return subprocess.run(
        [ROOT / ".ci" / "python", asked],
        env={"PATH": str(folder), **environ}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_one_that_is_asked_for_is_taken(tmp_path: Path) -> None:
    stand_in(tmp_path, "python3", 13)
    done = choose(tmp_path, "python3")
    assert (done.returncode, done.stdout) == (0, "python3\n")


@pytest.mark.parametrize("minor", [9, 15, 16])
def test_another_is_taken_if_it_is_there(tmp_path: Path, minor: int) -> None:
    stand_in(tmp_path, "python3", minor)
    stand_in(tmp_path, "python3.13", 13)
    assert choose(tmp_path, "python3").stdout == "python3.13\n"


def test_too_old_is_told(tmp_path: Path) -> None:
    stand_in(tmp_path, "python3", 9)
    done = choose(tmp_path, "python3")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr


def test_too_new_takes_the_systems_postgresql(tmp_path: Path) -> None:
    stand_in(tmp_path, "python3", 15)
    (tmp_path / "initdb").touch()
    (tmp_path / "initdb").chmod(0o755)
    assert choose(tmp_path, "python3").stdout == "python3\n"


@pytest.mark.skipif(os.path.isdir("/usr/lib/postgresql"), reason="PostgreSQL is here")  # noqa: PTH112
def test_too_new_alone_says_in_a_sentence_what_to_install(tmp_path: Path) -> None:
    stand_in(tmp_path, "python3", 15)
    done = choose(tmp_path, "python3")
    assert done.returncode == 1
    assert "Install Python 3.14, or PostgreSQL" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_the_package_postgresqls_own_programs_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "PACKAGE", "no_such_package")
    monkeypatch.setattr(embedded, "of_the_system", lambda: tmp_path)
    assert embedded._programs() == tmp_path
    monkeypatch.setattr(embedded, "of_the_system", lambda: None)
    with pytest.raises(embedded.NoDatabase, match="apt install postgresql"):
        embedded._programs()


def test_make_prints_no_stray_lines() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make"], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    assert all(line.startswith("make ") for line in done.stdout.splitlines())
    assert len(done.stdout.splitlines()) >= 6
