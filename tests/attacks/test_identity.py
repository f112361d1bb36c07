"""One name taken for another: a look-alike address (16), an id that is a username (19)."""

import asyncio
import json
import subprocess
import sys
from uuid import UUID

from tests.attacks.visitor import PASSWORD, Site, Visitor
from tests.server import ROOT

OWN, LOOK_ALIKE = "owner@weiss.example", "owner@weiß.example"
ROLE = "SELECT name FROM users JOIN roles ON roles.id = role_id WHERE username = $1"


async def become(site: Site, name: str, email: str, *, typed: str = "") -> Visitor:
    """Register and confirm, as anybody can."""
    visitor = Visitor(site)
    await visitor.register(name, typed or email)
    await visitor.press(await site.link(email, "confirm"))
    assert (await visitor.sign_in(name)).status == 303
    return visitor


async def test_what_the_owner_takes_back_does_not_go_to_a_look_alike(attacked: Site) -> None:
    await become(attacked, "owner", OWN)
    intruder = Visitor(attacked)
    assert (await intruder.sign_in("owner")).status == 303
    await intruder.post("/account/email", email=LOOK_ALIKE, current_password=PASSWORD)
    await intruder.press(await attacked.link(LOOK_ALIKE, "change-email"))
    assert (await attacked.sql("SELECT email FROM users WHERE username = 'owner'"))[0][0] != OWN
    await Visitor(attacked).press(await attacked.link(OWN, "not-me"))
    assert (await attacked.sql("SELECT email FROM users WHERE username = 'owner'"))[0][0] == OWN
    assert (await attacked.link(OWN, "reset")).startswith("/reset/")
    assert not await intruder.is_in()
    assert f"Email to {LOOK_ALIKE}" in "".join(server.log for server in attacked.servers)
    to_look_alike = "SELECT count(*) FROM outbox WHERE recipient = $1 AND subject LIKE '%password%'"
    assert (await attacked.sql(to_look_alike, LOOK_ALIKE))[0][0] == 0


async def test_who_looks_like_the_administrator_is_none(attacked: Site) -> None:
    await become(attacked, "lookalike", "chef@weiß.example")
    assert (await attacked.sql(ROLE, "lookalike"))[0][0] == "User"
    await become(attacked, "chef", "chef@weiss.example", typed="chef@WEISS.example")
    assert (await attacked.sql(ROLE, "chef"))[0][0] == "Administrator"


async def administrator_with_a_legal_id(site: Site) -> tuple[Visitor, UUID]:
    """Return an administrator whose id begins with a letter, as usernames do."""
    for number in range(40):
        name = f"keyholder{number}"
        visitor = await site.create_user(name, role="Administrator")
        found: UUID = (await site.sql("SELECT id FROM users WHERE username = $1", name))[0][0]
        if found.hex[0].isalpha():
            return visitor, found
    raise AssertionError("all ids begin with digits")


async def operate(site: Site, *command: str) -> str:
    """Run a command as the operator does; return what it says."""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "app", *command],
        cwd=ROOT, env=site.servers[0].environ, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return str(done.stdout)


async def test_a_user_name_that_spells_the_id_of_an_administrator(attacked: Site) -> None:
    administrator, found = await administrator_with_a_legal_id(attacked)
    namesake = await become(attacked, found.hex, "namesake@example.com")
    await operate(attacked, "users", "block", found.hex)
    assert await administrator.is_in()
    assert not await namesake.is_in()
    told = json.loads(await operate(attacked, "audit", "list", "--user", found.hex, "--json"))
    assert {line["subject"] for line in told} == {found.hex}
    told = json.loads(await operate(attacked, "audit", "list", "--user", str(found), "--json"))
    assert found.hex not in {line["subject"] for line in told}
