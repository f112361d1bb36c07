"""How much is allowed in a time."""

from pydantic import BaseModel, Field


class LimitSettings(BaseModel):
    """How much is allowed in a time."""

    logins_per_network_5_minutes: int = Field(
        30,
        ge=1,
        description="Sign-in attempts from one network (IPv4 address or IPv6 /64) in 5 minutes",
    )
    logins_per_network_hour: int = Field(100, ge=1, description="… in an hour")
    account_free_failures: int = Field(
        4,
        ge=1,
        le=50,
        description="Wrong passwords for one account before it has to wait 1, 2, 4 … seconds",
    )
    account_longest_wait_seconds: int = Field(
        900, ge=1, le=86400, description="The longest such wait"
    )
    emails_per_network_10_minutes: int = Field(
        5,
        ge=1,
        description="Emails that one network can cause in 10 minutes. Beyond this, it gets 429",
    )
    emails_per_network_30_minutes: int = Field(15, ge=1, description="… in 30 minutes")
    emails_per_address_hour: int = Field(
        3,
        ge=1,
        description="Emails to one address that one network can cause in an hour (all networks "
        "together: five times as many). We silently drop the rest",
    )
