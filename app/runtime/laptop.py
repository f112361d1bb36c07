"""What ``make run`` adds to a deployment: its own secret key, and the words at the start."""

from collections.abc import Sequence

from pydantic import SecretStr

from app.config import Config, WrongSettings
from app.embedded import usable
from app.kit.keys import is_weak_key, kept_key

SECRET_KEY_FILE = "secret_key"  # noqa: S105 - a file's name
PYTHON = ".venv/bin/python"


LOOPBACK = "127.0.0.1"


def at_home(config: Config) -> Config:
    """Return the settings of a laptop: with a key of its own, at a name.

    Browsers know no passkeys of 127.0.0.1, but of localhost, which is the same.

    Raises:
        WrongSettings, NoDatabase: as ``with_own_key`` does.
    """
    config = with_own_key(config)
    if config.public_url != f"http://{config.bind}" or not config.bind.startswith(LOOPBACK):
        return config
    named = config.public_url.replace(LOOPBACK, "localhost")
    return config.model_copy(update={"public_url": named})


def with_own_key(config: Config) -> Config:
    """Return the settings with the key that is kept under ``DATA_DIR``, made at the first start.

    Raises:
        WrongSettings: what is kept there is no key.
        NoDatabase: nothing can be kept there.
    """
    if config.secret_key is not None:
        return config
    path = config.data_dir / SECRET_KEY_FILE
    with usable(config.data_dir):
        key = kept_key(path)
    if is_weak_key(key):
        raise WrongSettings(
            f"{path} has no valid key. Remove it to get a new one. This signs everyone out."
        )
    return config.model_copy(update={"secret_key": SecretStr(key)})


def welcome(config: Config, *, workers: int, has_administrator: bool) -> Sequence[str]:
    """Return what to say when the server is up."""
    command = f"{_prefix(config)}{PYTHON} -m app users create --admin you@example.com"
    count = f"({workers} workers, press Ctrl+C to stop)"
    lines = [
        f"{config.site_name} is running at {config.public_url}  {count}",
        _emails(config),
        "" if has_administrator else f"First administrator:  {command}",
    ]
    return ["", *[f"  {line}" for line in lines if line], ""]


def _emails(config: Config) -> str:
    if config.relay is not None:
        return f"Emails go to {config.relay}."
    return "Email isn't set up yet, so emails appear here in the log. To send them, set SMTP_URL."


def _prefix(config: Config) -> str:
    default = Config.model_validate({})
    given = {"BIND": (config.bind, default.bind), "DATA_DIR": (config.data_dir, default.data_dir)}
    return "".join(f"{name}={value} " for name, (value, usual) in given.items() if value != usual)
