"""Many at once at the gate: one ticket, one entrance."""

from sqlalchemy import text

from app.flows import gate
from app.services import Services
from tests.contexts import context, operator
from tests.gate.harness import WIKI, add_site
from tests.races.together import at_once, wins
from tests.users import ALICE, actor_of, create_user


async def test_a_ticket_raced_fifty_times_lets_one_in(services: Services) -> None:
    await create_user(services, ALICE)
    await add_site(services)
    async with services.engine.connect() as connection:
        site_id = await connection.scalar(text("SELECT id FROM sites"))
    nonce = "n" * 43
    state = gate.new_state(services.config, site_id=site_id, nonce=nonce, path="/")
    async with context(services, actor=await actor_of(services, ALICE)) as ctx:
        admitted = await gate.admit(ctx, sealed=state, shows_factor=False)
    ticket = admitted.url.partition("ticket=")[2]

    async def enter() -> None:
        async with operator(services) as ctx:
            await gate.enter(ctx, site_id=site_id, site=WIKI, ticket=ticket, nonce=nonce)

    assert wins(await at_once(*(enter() for _ in range(50)))) == 1
    async with services.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM gate_sessions")) == 1
