"""The settings and the secrets of a deployment."""

import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from app.config import Config, WrongSettings, mistyped
from app.doctor.findings import Finding, ok, warning, wrong
from app.kit.colours import on_light
from app.kit.urls import is_loopback

SECRETS = ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_PASSWORD", "SMTP_PASSWORD")
EXAMPLE_KEYS = ("tests-only-",)  # how keys begin that everybody can read in our repository
MOUNTED = "/run/secrets/"  # docker's: open to all in the container, which is one program


def settings(wrong_ones: WrongSettings | None) -> list[Finding]:
    """Name all settings that are wrong, and what nearly is one."""
    if wrong_ones is None:
        near = [warning("settings", sentence) for sentence in mistyped()]
        return near or [ok("settings", "all valid")]
    return [wrong("settings", line) for line in str(wrong_ones).splitlines()]


def keys(config: Config, environ: Mapping[str, str]) -> Finding:
    """Check the secret key and the older ones."""
    check = "secret key"
    signing = config.signing_keys
    if any(key.startswith(EXAMPLE_KEYS) for key in signing):
        return wrong(check, "is a public example. Create your own: python -m app secret-key")
    older = len(signing) - 1
    if older and signing[-1] in signing[:-1]:
        return warning(check, "is also in SECRET_KEY_FALLBACKS. Empty that setting")
    if older:
        return warning(
            check,
            f"{older} older key(s) still accepted. Empty SECRET_KEY_FALLBACKS "
            f"{config.remember_days:g} days after the change",
        )
    if not config.is_laptop and environ.get("SECRET_KEY"):
        return warning(
            check, "is in the environment, where `docker inspect` shows it. Use SECRET_KEY_FILE"
        )
    return ok(check, "long, random and the only one")


def passkeys(config: Config) -> Finding:
    """Check that there can be passkeys."""
    if config.passkeys_for is None:
        return warning(
            "passkeys", "can't be used: browsers want https and a host name in PUBLIC_URL"
        )
    return ok("passkeys", f"for {config.passkeys_for}")


def plain_http(config: Config) -> list[Finding]:
    """Say what is lost without TLS, where that was allowed."""
    if config.is_https or is_loopback(urlsplit(config.public_url).hostname or ""):
        return []
    return [
        warning(
            "plain http",
            "ALLOW_HTTP is on: everyone in the network can read passwords and cookies, and there "
            "are no passkeys. Use https where you can",
        )
    ]


def brand(config: Config) -> Finding:
    """Tell how the brand is shown."""
    check = "brand"
    if config.logo is not None and not config.logo.is_for_emails:
        return warning(check, "BRAND_LOGO is an SVG, which emails can't show. Use a PNG")
    if config.brand_colour is None:
        more = (
            "" if config.support else ". To show users a contact, set SUPPORT_URL or SUPPORT_EMAIL"
        )
        return ok(check, f"our own colours{more}")
    shown = on_light(config.brand_colour).accent
    same = "as it is" if shown == config.brand_colour else f"as {shown}, so that it can be read"
    return ok(check, f"{config.brand_colour}; text in it is shown {same}")


def secret_files(paths: Mapping[str, Path]) -> Finding:
    """Check who may read and change the files that hold secrets."""
    check = "secret files"
    for name, path in paths.items():
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:  # the settings' business
            continue
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            return wrong(check, f"other users can change {path} ({name}): chmod go-w {path}")
        if mode & stat.S_IROTH and not str(path).startswith(MOUNTED):
            return warning(check, f"every user can read {path} ({name}): chmod o-r {path}")
    return ok(check, "private" if paths else "none used")


def files_of(config: Config, environ: Mapping[str, str]) -> dict[str, Path]:
    """Return the files that hold secrets, by their setting."""
    found = {name: Path(environ[f"{name}_FILE"]) for name in SECRETS if environ.get(f"{name}_FILE")}
    if config.is_laptop and not environ.get("SECRET_KEY") and "SECRET_KEY" not in found:
        found["SECRET_KEY"] = config.data_dir / "secret_key"
    return found
