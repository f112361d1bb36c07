"""What ``make run`` adds to a deployment: its own secret key, and the words at the start."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from app.config import Config

SECRET_KEY_BYTES = 48
SECRET_KEY_FILE = "secret_key"  # noqa: S105 - a file's name
PYTHON = ".venv/bin/python"


def new_secret_key() -> str:
    """Make a secret key for ``SECRET_KEY``."""
    return secrets.token_urlsafe(SECRET_KEY_BYTES)


def with_own_key(config: Config) -> Config:
    """Return the settings with the key that is kept under ``DATA_DIR``, made at the first start."""
    if config.secret_key is not None:
        return config
    path = config.data_dir / SECRET_KEY_FILE
    return config.model_copy(update={"secret_key": SecretStr(_kept_key(path))})


def welcome(config: Config, *, workers: int, has_administrator: bool) -> Sequence[str]:
    """Return what to say when the server is up."""
    command = f"{_prefix(config)}{PYTHON} -m app users create --admin you@example.com"
    lines = [
        f"{config.site_name} is at {config.public_url}  ({workers} workers; Ctrl+C stops all)",
        "Letters appear here, in this log: no mail is sent.",
        "" if has_administrator else f"First administrator:  {command}",
    ]
    return ["", *[f"  {line}" for line in lines if line], ""]


def _kept_key(path: Path) -> str:
    """Read the key, made at first; two first starts at once agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(new_secret_key())
    except FileExistsError:
        pass
    return path.read_text().strip()


def _prefix(config: Config) -> str:
    default = Config.model_validate({})
    given = {"BIND": (config.bind, default.bind), "DATA_DIR": (config.data_dir, default.data_dir)}
    return "".join(f"{name}={value} " for name, (value, usual) in given.items() if value != usual)
