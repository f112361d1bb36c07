"""Reading the book."""

from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import text

from app.context import Context
from app.flows import audit_log
from app.flows.audit_log import AuditLogFilter
from app.services import Services

LINES = """
INSERT INTO audit_events (at, event, actor_id, subject_id, ip, user_agent, request_id)
SELECT timestamptz '2026-01-01 00:00+00' + n / 4 * interval '1 hour',
    CASE n % 3 WHEN 0 THEN 'login.succeeded' ELSE 'login.failed' END,
    CASE n % 5 WHEN 0 THEN uuid '00000000-0000-0000-0000-000000000001' END,
    CASE n % 7 WHEN 0 THEN uuid '00000000-0000-0000-0000-000000000001' END,
    CASE n % 2 WHEN 0 THEN inet '2001:db8::' + n ELSE inet '10.0.0.0' + n END, '', 'r' || n
FROM generate_series(1, 400) AS n
"""
ONE = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize(
    ("wanted", "condition"),
    [
        ({}, "true"),
        ({"events": ("login.succeeded",)}, "event = 'login.succeeded'"),
        ({"user": ONE}, f"'{ONE}' IN (actor_id::text, subject_id::text)"),
        ({"user": ONE, "events": ("login.failed",)},
         f"'{ONE}' IN (actor_id::text, subject_id::text) AND event = 'login.failed'"),
        ({"network": ip_network("10.0.0.0/24")}, "ip <<= '10.0.0.0/24'"),
        ({"network": ip_network("10.0.0.7")}, "ip = '10.0.0.7'"),
        ({"network": ip_network("0.0.0.0/0")}, "family(ip) = 4"),
        ({"network": ip_network("2001:db8::/120")}, "ip <<= '2001:db8::/120'"),
        ({"network": ip_network("::/0")}, "family(ip) = 6"),
    ],
)  # fmt: skip
async def test_all_pages_together_are_all_lines_that_match(
    services: Services,
    ctx: Context,
    monkeypatch: pytest.MonkeyPatch,
    wanted: dict[str, Any],
    condition: str,
) -> None:
    """Many lines are of one moment: those are told apart by their ids."""
    monkeypatch.setattr(audit_log, "PAGE_SIZE", 7)
    async with services.engine.begin() as connection:
        await connection.execute(text(LINES))
        expected = list(
            await connection.scalars(
                text(
                    f"SELECT request_id FROM audit_events WHERE {condition} "  # noqa: S608
                    "ORDER BY at DESC, id DESC"
                )
            )
        )
    found: list[str] = []
    before: str | None = ""
    while before is not None:
        page = await audit_log.read(ctx, AuditLogFilter(**wanted), before=before)
        found += [line.request_id for line in page.lines]
        before = page.next
    assert found == expected
    assert expected
