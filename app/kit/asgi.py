"""The shape of an application, and of what wraps one."""

from collections.abc import Awaitable, Callable

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

Application = Callable[[Scope, ASGIReceiveCallable, ASGISendCallable], Awaitable[None]]
