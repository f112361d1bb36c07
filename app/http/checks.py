"""What stands between any request and any page, in this order."""

from typing import Any, cast

from quart import Quart, Request, request
from quart.typing import ResponseTypes

from app.config import Config
from app.http import access, body, client, csrf
from app.http.host import Hosts


def register(app: Quart, config: Config) -> None:
    """Register the checks: one function for all, for Quart looks at each one anew.

    The request itself is handed on: asking its proxy for each part costs more than the check.
    """
    hosts = Hosts(config.public_url)

    @app.before_request
    async def check() -> ResponseTypes | None:
        asked: Request = cast("Any", request)._get_current_object()  # noqa: SLF001 - documented
        client.introduce(asked)
        hosts.refuse_foreign(asked)
        csrf.refuse_foreign(asked)
        await body.read_strictly(asked)
        return await access.demand_login(asked)
