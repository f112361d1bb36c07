"""The shape of an application, and of what wraps one."""

from collections.abc import Awaitable, Callable

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

Application = Callable[[Scope, ASGIReceiveCallable, ASGISendCallable], Awaitable[None]]

# The name of an extension of our server in a scope. An application that sets its ``is_read`` to
# False need not listen for the end: it is cancelled when the visitor goes.
HANG_UP = "vestibule.hang_up"
