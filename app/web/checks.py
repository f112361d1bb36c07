"""What stands between any request and any page, in this order."""

from quart import Quart
from quart.typing import ResponseTypes

from app.config import Config
from app.web import bodies, clients, csrf, guards, hosts


def register(app: Quart, config: Config) -> None:
    """Register the checks: one function for all, for Quart looks at each one anew."""
    hosts_of_ours = hosts.Hosts(config.public_url)

    @app.before_request
    async def check() -> ResponseTypes | None:
        clients.introduce()
        hosts_of_ours.refuse_foreign()
        csrf.refuse_foreign()
        await bodies.read_strictly()
        return await guards.demand_login()
