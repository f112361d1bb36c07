"""``python -m app shell``: Python with an open context, as ``flask shell`` is for Flask."""

import ast
import asyncio
import inspect
from code import InteractiveConsole
from contextlib import AsyncExitStack, suppress
from types import CodeType, FunctionType
from typing import Any

import click
from sqlalchemy import select

from app import models
from app.cli.shared import database
from app.context import opened_for_operator
from app.kit.permissions import Permission

BANNER = """\
Python with User, Role, Permission, select and ctx, an operator's context. Await what you like:

    async with ctx.db.begin():
        alice = await ctx.db.scalar(select(User).where(User.username_key == "alice"))
"""


class Shell(InteractiveConsole):
    """A console that awaits."""

    def __init__(self, names: dict[str, Any], runner: asyncio.Runner) -> None:
        super().__init__(names)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._names = names
        self._runner = runner

    def runcode(self, code: CodeType) -> None:
        """Run what was typed, to its end; show what goes wrong."""
        try:
            result = FunctionType(code, self._names)()
            if inspect.iscoroutine(result):
                self._runner.run(result)
        except SystemExit:
            raise
        except BaseException:  # noqa: BLE001 - whatever it is, the console goes on
            self.showtraceback()


@click.command("shell")
def shell() -> None:
    """Open Python with the models and a context."""
    with database() as deployment, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        opened = opened_for_operator(deployment.config, deployment.url)
        names = {
            "User": models.user.User,
            "Role": models.role.Role,
            "Permission": Permission,
            "select": select,
            "ctx": runner.run(stack.enter_async_context(opened)),
        }
        with suppress(SystemExit):
            Shell(names, runner).interact(BANNER, exitmsg="")
        runner.run(stack.aclose())
