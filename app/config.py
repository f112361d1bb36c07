"""The settings of a deployment, read once from the environment, and what follows from them.

Each one may also be given as a file: ``SECRET_KEY_FILE=/run/secrets/secret_key`` (docker secrets).
"""

import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from app.kit.logos import Logo, read_logo
from app.kit.names import HasNames
from app.kit.near_misses import near_misses
from app.kit.urls import is_ip_address, is_loopback, origin_of
from app.mail.mime import is_greeting, sender_of
from app.mail.relay import Relay, relay_of
from app.settings import Settings
from app.settings.types import SECRET_KEY_HINT

PRIVATE_NETWORKS = tuple(
    ip_network(network)
    for network in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7",
    )
)  # fmt: skip


class WrongSettings(Exception):
    """Settings that stop the start; the message names all of them, a line each."""


class Config(Settings):
    """The settings of one deployment, and what follows from them."""

    @property
    def is_https(self) -> bool:
        """Whether people reach the site by https; then cookies are ``Secure`` and ``__Host-``."""
        return self.public_url.startswith("https://")

    @property
    def home(self) -> str:
        """Where users go after they sign in, and where the mark leads."""
        return self.home_url or "/"

    @property
    def has_usernames(self) -> bool:
        """Whether people are called by usernames; else those that are stored were made up."""
        return self.usernames != "off"

    def called(self, owner: HasNames) -> str:
        """Return what to call somebody: their address where there are no usernames."""
        return owner.username if self.has_usernames else owner.email

    @property
    def other_origins(self) -> tuple[str, ...]:
        """Other sites to which ours lead on after a form."""
        home = origin_of(self.home)
        return tuple(dict.fromkeys([*([home] if home else []), *self.allowed_next]))

    @property
    def logo(self) -> Logo | None:
        """The site's own logo, if it has one."""
        return read_logo(self.brand_logo) if self.brand_logo else None

    @property
    def support(self) -> str | None:
        """Where users find help: an address, of a page or for emails."""
        return self.support_url or (f"mailto:{self.support_email}" if self.support_email else None)

    @property
    def passkeys_for(self) -> str | None:
        """The domain that passkeys are made for.

        None at an IP address, and by plain http to another machine: browsers make none there.
        """
        host = urlsplit(self.public_url).hostname or ""
        if is_ip_address(host) or (not self.is_https and not is_loopback(host)):
            return None
        return self.passkey_domain or host

    @property
    def is_laptop(self) -> bool:
        """Whether this deployment brings its own database (``make run``)."""
        return self.database_url is None

    @property
    def connections_of_worker(self) -> int:
        """How many database connections a worker may have: the pool's, and one for look-ups."""
        return self.pool_of_worker + self.database_pool_overflow + 1

    @property
    def pool_of_worker(self) -> int:
        """How many connections a worker's pool keeps."""
        return max(1, self.database_pool_size - 1)

    @property
    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Where proxies may stand whose word is taken."""
        return self.trusted_networks or PRIVATE_NETWORKS

    @property
    def relay(self) -> Relay | None:
        """The mail server, if there is one; ValueError if its password would go in the clear."""
        if self.smtp_url is None:
            return None
        password = self.smtp_password.get_secret_value() if self.smtp_password else None
        return relay_of(self.smtp_url.get_secret_value(), password)

    @property
    def greeting(self) -> str:
        """The name by which we greet the mail server; one that is this machine's alone is none."""
        host = urlsplit(self.public_url).hostname or ""
        found = host if is_greeting(host) and not is_loopback(host) else None
        return self.smtp_helo or found or sender_of(self.mail_from or "").domain

    @property
    def signing_keys(self) -> list[str]:
        """All accepted keys, oldest first, the one that signs last (itsdangerous' order)."""
        keys = [key.get_secret_value() for key in self.secret_key_fallbacks]
        return [*keys, self.secret_key.get_secret_value()] if self.secret_key else keys


def load(environ: Mapping[str, str] = os.environ) -> Config:
    """Read all settings, each from ``NAME`` or from the file that ``NAME_FILE`` names.

    Raises:
        WrongSettings: one line for each setting that is wrong.
    """
    given, wrong = _collect(environ)
    try:
        config = Config.model_validate(given)
        _ = config.relay
    except ValidationError as error:
        wrong += [_explain(item) for item in error.errors(include_input=False)]
    except ValueError as error:
        wrong.append(f"SMTP_PASSWORD: with this SMTP_URL it {error}")
    if "database_url" in given and "secret_key" not in given:
        wrong.append(f"SECRET_KEY: is missing; {SECRET_KEY_HINT}")
    if "smtp_url" in given and "mail_from" not in given:
        wrong.append("MAIL_FROM: is missing; SMTP_URL needs it, like login@example.com")
    if any(line.startswith("BIND: ") for line in wrong):
        wrong = [line for line in wrong if not line.startswith("PUBLIC_URL: is missing")]
    if wrong:
        raise WrongSettings("\n".join([*wrong, *mistyped(environ)]))
    return config


class ShownSetting(NamedTuple):
    """A setting as it may be shown. ``value``: None if it is a secret, or not set.

    ``source``: where it is from.
    """

    name: str
    value: str | None
    is_set: bool
    source: Literal["environment", "file", "default"]
    description: str


class SettingGroup(NamedTuple):
    """Settings about one subject."""

    title: str
    settings: list[ShownSetting]


def told(config: Config, environ: Mapping[str, str] = os.environ) -> list[SettingGroup]:
    """Return all settings by subject, what each is and where it is from. No secret is shown."""
    return [
        SettingGroup(
            (kind.__doc__ or kind.__name__).split("\n")[0].rstrip("."),
            [_told(config, field, environ) for field in kind.model_fields],
        )
        for kind in reversed(Settings.__bases__)
        if issubclass(kind, BaseModel)
    ]


def _told(config: Config, field: str, environ: Mapping[str, str]) -> ShownSetting:
    name, value = field.upper(), getattr(config, field)
    source: Literal["environment", "file", "default"] = "default"
    if environ.get(f"{name}_FILE"):
        source = "file"
    elif environ.get(name):
        source = "environment"
    parts = value if isinstance(value, tuple) else (value,)
    is_secret = "Secret" in str(Config.model_fields[field].annotation)
    shown = None if is_secret else ", ".join(str(part) for part in parts if part is not None)
    shown = shown.lower() if shown and isinstance(value, bool) else shown
    described = Config.model_fields[field].description or ""
    return ShownSetting(name, shown or None, value not in {None, ()}, source, described)


def mistyped(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return a sentence for each name in the environment that is nearly one of a setting."""
    names = {field.upper() for field in Config.model_fields}
    files = {f"{name}_FILE" for name in names}
    given = {name for name, value in environ.items() if value}
    return [
        f"{name} isn't a setting. Did you mean {meant}?"
        for name, meant in near_misses(given, names | files)
    ]


RENAMED = {
    "NETWORK_LETTERS_10_MINUTES": "EMAILS_PER_NETWORK_10_MINUTES",
    "NETWORK_LETTERS_30_MINUTES": "EMAILS_PER_NETWORK_30_MINUTES",
    "ACCOUNT_LETTERS_HOUR": "EMAILS_PER_ADDRESS_HOUR",
    "NETWORK_LOGINS_5_MINUTES": "LOGINS_PER_NETWORK_5_MINUTES",
    "NETWORK_LOGINS_HOUR": "LOGINS_PER_NETWORK_HOUR",
    "DEVICE_DAYS": "KNOWN_BROWSER_DAYS",
    "REAUTH_MINUTES": "REAUTHENTICATION_MINUTES",
}


def _collect(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    given: dict[str, str] = {}
    wrong = [f"{old}: is called {new} now" for old, new in RENAMED.items() if environ.get(old)]
    for field in Config.model_fields:
        name = field.upper()
        value, path = environ.get(name, ""), environ.get(f"{name}_FILE", "")
        if value and path:
            wrong.append(f"{name}: set either {name} or {name}_FILE, not both")
        elif path:
            try:
                value = Path(path).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                wrong.append(f"{name}_FILE: can't read {path} ({type(error).__name__})")
        if value:
            given[field] = value
    return given, wrong


def _explain(item: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in item["loc"][:1]).upper()
    limits = item.get("ctx", {})
    words = {
        "missing": "is missing; set it to the address of the site, like https://login.example.com",
        "int_parsing": "must be a whole number",
        "float_parsing": "must be a number",
        "bool_parsing": "must be true or false",
        "greater_than_equal": f"must be at least {limits.get('ge')}",
        "greater_than": f"must be more than {limits.get('gt')}",
        "less_than_equal": f"must be at most {limits.get('le')}",
        "literal_error": f"must be {limits.get('expected')}",
    }
    message = words.get(item["type"], str(item["msg"]).removeprefix("Value error, "))
    return f"{name}: {message}"
