"""A silent quota as a weapon (21), a page that costs much (20), and what can be used again (22)."""

import http.client
import re

import pytest

from tests.attacks.visitor import PASSWORD, Site, Visitor

VICTIM = "victim@example.com"
A_NETWORKS, NETWORKS = 3, 5  # EMAILS_PER_ADDRESS_HOUR, and how many use up what all have
LINES = """
INSERT INTO audit_events (event, actor_id, subject_id, ip, user_agent, request_id)
SELECT 'account.email_change_cancelled', id, id, '192.0.2.1', repeat('x', 300), n::text
FROM users, generate_series(1, $1) n WHERE username = $2
"""
EMAILS = "SELECT count(*) FROM outbox WHERE recipient = $1"
TICKET = re.compile(r'name="ticket"[^>]* value="([^"]+)"')


async def emails(site: Site, to: str) -> int:
    return int((await site.sql(EMAILS, to))[0][0])


async def flood(site: Site, ip: str, number: int) -> None:
    """Register the victim's address again and again, from one network."""
    stranger = Visitor(site, ip=ip)
    for _ in range(number):
        name = f"stranger{next(site.turn)}"
        assert (await stranger.register(name, VICTIM)).status in {200, 303}


async def test_strangers_do_not_use_up_what_an_address_gets(attacked: Site) -> None:
    await flood(attacked, "127.0.0.2", A_NETWORKS + 1)
    assert await emails(attacked, VICTIM) == A_NETWORKS
    victim = Visitor(attacked)
    await victim.register("victim", VICTIM)
    assert await emails(attacked, VICTIM) == A_NETWORKS + 1
    for number in range(NETWORKS):
        await flood(attacked, f"127.0.0.{number + 3}", A_NETWORKS)
    before = await emails(attacked, VICTIM)
    assert before == A_NETWORKS * NETWORKS
    page = await victim.sign_in("victim")
    ticket = TICKET.search(page.text)
    assert ticket, page.text
    await victim.post("/confirm/resend", ticket=ticket[1])
    assert await emails(attacked, VICTIM) == before + 1


async def test_what_costs_much_is_had_a_few_times_an_hour(attacked: Site) -> None:
    reader = await attacked.create_user("collector")
    told = [(await reader.post("/account/data")).status for _ in range(6)]
    assert told == [200] * 5 + [429]
    assert await (await attacked.create_user("another")).is_in()


async def test_a_download_ends_with_its_session(attacked: Site) -> None:
    """Of some 20 MB only what is in the pipe already comes: it is made as it is read."""
    reader = await attacked.create_user("hoarder")
    await attacked.sql(LINES, 30_000, "hoarder")
    with reader.begin("POST", "/account/data", {}) as answer:
        assert answer.status == 200
        read = len(answer.read(100_000))
        await attacked.sql("UPDATE users SET blocked_at = now() WHERE username = 'hoarder'")
        with pytest.raises(http.client.IncompleteRead) as broken_off:
            answer.read()
    assert read + len(broken_off.value.partial) < 12_000_000
    await attacked.sql("DELETE FROM audit_events WHERE user_agent = repeat('x', 300)")


async def wish_to_leave(visitor: Visitor, name: str) -> str:
    """Ask to be deleted and sign in again; return the ticket that undoes it."""
    assert (await visitor.post("/account/delete", current_password=PASSWORD)).status == 303
    ticket = TICKET.search((await visitor.sign_in(name)).text)
    assert ticket
    return ticket[1]


async def test_a_ticket_undoes_one_wish_to_leave_and_no_later_one(attacked: Site) -> None:
    leaver = await attacked.create_user("leaver")
    ticket = await wish_to_leave(leaver, "leaver")
    assert (await leaver.post("/keep-account", ticket=ticket)).status == 303
    assert (await leaver.post("/keep-account", ticket=ticket)).status == 410
    assert (await leaver.sign_in("leaver")).status == 303
    later = await wish_to_leave(leaver, "leaver")
    assert (await leaver.post("/keep-account", ticket=ticket)).status == 410
    leaving = "SELECT delete_at FROM users WHERE username = 'leaver'"
    assert (await attacked.sql(leaving))[0][0] is not None
    assert (await leaver.post("/keep-account", ticket=later)).status == 303
    assert (await attacked.sql(leaving))[0][0] is None


async def test_this_was_not_me_in_anothers_browser_ends_its_session(attacked: Site) -> None:
    await attacked.create_user("disowner")
    new = "new passphrase of somebody else"
    thief = Visitor(attacked)
    await thief.sign_in("disowner")
    fields = {"current_password": PASSWORD, "password": new, "confirm": new}
    assert (await thief.post("/account/password", **fields)).status == 303
    bystander = await attacked.create_user("bystander")
    copy = Visitor(attacked, cookies=dict(bystander.cookies))
    assert await copy.is_in()
    await bystander.press(await attacked.link("disowner@example.com", "not-me"))
    assert not await bystander.is_in()
    assert not await copy.is_in()
    assert not await thief.is_in()
