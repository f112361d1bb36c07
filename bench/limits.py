"""An empty route, with and without Quart, for hypercorn's own command and for our server."""

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from quart import Quart

from app.kit.collector import spare_the_collector

HELLO = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"5")]

bare = Quart("bare")
bare.before_serving(spare_the_collector)  # under either server: it is not what is compared


@bare.get("/")
async def hello() -> str:
    return "hello"


async def asgi(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer without any framework."""
    if scope["type"] == "lifespan":
        await receive()
        spare_the_collector()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": HELLO})
        await send({"type": "http.response.body", "body": b"hello", "more_body": False})
