"""Every setting: its type, its default and what it means. Its unit is in its name."""

from typing import Any

from pydantic import ConfigDict, model_validator

from app.kit.urls import is_loopback, split_address
from app.settings.accounts import AccountSettings
from app.settings.brand import BrandSettings
from app.settings.database import DatabaseSettings
from app.settings.limits import LimitSettings
from app.settings.mail import MailSettings
from app.settings.server import ServerSettings


class Settings(
    LimitSettings, BrandSettings, AccountSettings, MailSettings, DatabaseSettings, ServerSettings
):
    """What can be set. Frozen: what is read at the start holds until the end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _derive_public_url(cls, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("public_url"):
            return given
        try:
            host, port = split_address(given.get("bind", "127.0.0.1:8000"))
        except ValueError:
            return given  # BIND has its own complaint
        shown = f"[{host}]" if ":" in host else host
        return {**given, "public_url": f"http://{shown}:{port}"} if is_loopback(host) else given
