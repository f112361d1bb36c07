"""How a database's certificate is verified: libpq's options, as asyncpg takes them."""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

Options = dict[str, str | tuple[str, ...]]

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
SYSTEM = "system"  # libpq's word for the authorities that the system trusts
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


def driver_options(given: Mapping[str, str | tuple[str, ...]]) -> Options:
    """Return a database address' options for the driver, which takes files by its ``dsn`` alone.

    Where an authority is named but no ``sslmode``, the server is verified in full.

    Raises:
        ValueError: the server cannot be verified like that; the message says how it can.
    """
    options = dict(given)
    if options.pop("channel_binding", "prefer") == "require":
        raise ValueError(
            "has channel_binding=require, which our driver doesn't support. Instead, verify the "
            "server with sslmode=verify-full&sslrootcert=system"
        )
    files = {name: str(options.pop(name)) for name in FILES if name in options}
    mode = str(options.get("ssl") or ("verify-full" if "sslrootcert" in files else ""))
    if mode and mode not in MODES:
        raise ValueError(f"has an unknown sslmode. Use one of {', '.join(MODES)}")
    if mode.startswith("verify-") and not ("sslrootcert" in files or _has_usual_authority()):
        raise ValueError(
            f"has sslmode={mode}, which needs an authority. Add sslrootcert=/path/to/ca.pem, or "
            "sslrootcert=system to trust the system's authorities"
        )
    if not files:
        return options
    options.pop("ssl", None)
    found = {name: _file(name, path) for name, path in files.items()}
    return {**options, "dsn": f"postgresql://?{urlencode({'sslmode': mode or 'prefer', **found})}"}


def _has_usual_authority() -> bool:
    usual = Path("~/.postgresql/root.crt").expanduser()
    return bool(os.environ.get("PGSSLROOTCERT")) or usual.exists()


def _file(name: str, path: str) -> str:
    if name == "sslrootcert" and path == SYSTEM:
        known = (ssl.get_default_verify_paths().cafile, *BUNDLES)
        path = next((each for each in known if each and Path(each).exists()), BUNDLES[0])
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"has {name}={path}, which can't be read ({error.strerror})") from None
    return path
