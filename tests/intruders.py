"""An account in the hands of an intruder, and strangers at another network."""

from app.kit.client import Client
from app.services import Services
from tests.acts import ask_email, change_password, confirm_email
from tests.mailbox import link_about
from tests.users import (
    ALICE,
    Someone,
    create_user,
    entered,
    sign_in,
)

HIS = "intruder@example.net"
INTRUDER = Someone(ALICE.username, HIS, "the intruder's own password")


async def intruded(services: Services) -> None:
    """Somebody who knows Alice's password changes the password and the address."""
    await create_user(services, ALICE)
    entry = await entered(services, ALICE)
    renewed = await change_password(services, entry, new=INTRUDER.password)
    await ask_email(services, HIS, password=INTRUDER.password)
    confirmed = await confirm_email(
        services, await link_about(services, HIS, "Confirm your new"), secret=renewed.secret
    )
    assert confirmed
    assert await sign_in(services, INTRUDER)


STRANGER = Client(ip="198.51.100.9", user_agent="a stranger", request_id="0" * 16)
