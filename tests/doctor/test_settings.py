"""What the doctor says of settings: near misses, plain http, passkeys."""

import pytest

from app.config import Config
from app.doctor import configuration
from app.doctor.findings import Level
from tests.doctor.checks import KEY, LAPTOP, SITE, check

LAN = Config.model_validate(
    {"secret_key": KEY, "public_url": "http://192.168.1.5:8000", "allow_http": True}
)


def test_a_near_miss_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMPT_URL", "smtp://mail.example.com")
    (found,) = configuration.settings(None)
    check(found, Level.WARNING, "Did you mean SMTP_URL?")


def test_plain_http_in_a_network_says_what_is_lost() -> None:
    (found,) = configuration.plain_http(LAN)
    check(found, Level.WARNING, "everyone in the network can read passwords")
    assert configuration.plain_http(SITE) == configuration.plain_http(LAPTOP) == []
    check(configuration.passkeys(LAN), Level.WARNING, "can't be used")
