"""What is being answered: a request, or a WebSocket."""

from quart import request, websocket
from quart.ctx import has_websocket_context
from quart.wrappers import BaseRequestWebsocket


def asked() -> BaseRequestWebsocket:
    """Return the request or the WebSocket that is being answered."""
    return websocket if has_websocket_context() else request
