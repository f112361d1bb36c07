"""Authenticator apps come along with people, and go along."""

import time

from sqlalchemy import text

from app.flows import login, user_export
from app.kit import totp
from app.services import Services
from app.transfer.rows import Problem
from tests.contexts import operator
from tests.factors import finish
from tests.flows.test_user_import import ANNA, bring
from tests.imports import OLD, look
from tests.users import Someone, sign_in


class TestApps:
    """Authenticator apps come along, and go along."""

    ADDRESS = (
        "otpauth://totp/Site:erna?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA512&digits=8"
        "&period=60"
    )

    async def test_a_wrong_address_is_a_problem(self, services: Services) -> None:
        problems: list[Problem] = []
        await bring(services, {**ANNA, "otpauth": "otpauth://totp/x?secret=x"}, told=problems)
        assert [problem.column for problem in problems] == ["otpauth"]
        assert await look(services) == []

    async def test_another_name_is_not_passed_over(self, services: Services) -> None:
        problems: list[Problem] = []
        await bring(services, {**ANNA, "totp_secret": "JBSWY3DPEHPK3PXP"}, told=problems)
        assert "second factor" in problems[0].sentence

    async def test_who_had_an_app_is_asked_for_its_code(self, services: Services) -> None:
        for column in ("otpauth", "totp_uri"):
            email = f"{column.replace('_', '.')}@example.com"
            row = {"email": email, "password_hash": ANNA["password_hash"], column: self.ADDRESS}
            await bring(services, row)
            outcome = await sign_in(services, Someone("x", email, OLD))
            assert isinstance(outcome, login.FactorDue)
            app = totp.read_address(self.ADDRESS)
            code = totp.code_at(app, int(time.time()) // 60)
            assert await finish(services, outcome.secret, code)

    async def test_an_export_says_what_an_import_reads(self, services: Services) -> None:
        await bring(services, {**ANNA, "otpauth": self.ADDRESS})
        async with operator(services) as ctx:
            (user,) = [each async for each in user_export.exported(ctx)]
        assert user.otpauth is not None
        assert totp.read_address(user.otpauth) == totp.read_address(self.ADDRESS)
        async with services.engine.connect() as connection:
            rows = str((await connection.execute(text("SELECT * FROM app_secrets"))).all())
        assert "JBSWY3DP" not in rows
