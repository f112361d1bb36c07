"""Before the start: workers, connections, hosts of the database."""

import logging

import pytest
from sqlalchemy import URL, make_url

from app import db
from app.config import Config
from app.kit.urls import asyncpg_url
from app.runtime import serve
from app.runtime.serve import CannotServe, worker_count
from app.services import Services
from tests.server import environment, refused_start


def config(**settings: object) -> Config:
    return Config.model_validate(settings)


@pytest.fixture(autouse=True)
def sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "usable_cpus", lambda: 16)


def test_workers_that_were_asked_for_and_do_not_fit_are_refused() -> None:
    with pytest.raises(CannotServe, match="WORKERS") as refusal:
        worker_count(config(workers=9), 90)
    assert "max_connections" in str(refusal.value)
    with pytest.raises(CannotServe):
        worker_count(config(workers=4, replicas=3), 90)
    with pytest.raises(CannotServe):
        worker_count(config(database_pool_size=100), 90)


def test_workers_that_fit_are_taken() -> None:
    assert worker_count(config(workers=8), 90) == 8
    assert worker_count(config(workers=2, replicas=3), 90) == 2
    assert worker_count(config(workers=9, database_pool_size=5), 90) == 9


def test_of_the_usual_number_as_many_as_fit(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert worker_count(config(), 90) == 8
        assert worker_count(config(replicas=2), 90) == 4
    assert "8 workers instead of 16" in caplog.text


def test_a_database_that_does_not_answer_yet_allows_all() -> None:
    assert worker_count(config(), None) == 16
    assert worker_count(config(workers=40), None) == 40


def test_behind_a_pooler_its_own_limits_count() -> None:
    assert worker_count(config(workers=40, database_pooled=True), 90) == 40


def test_one_cpu_still_has_two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "usable_cpus", lambda: 1)
    assert worker_count(config(), 90) == 2


async def test_the_database_says_how_many(services: Services) -> None:
    async with services.session() as session:
        assert await db.connections_allowed(session) == 100 - 10


@pytest.mark.slow
def test_the_server_itself_refuses_to_start(worker_database: URL) -> None:
    said = refused_start(environment(worker_database, WORKERS="64"))
    assert "64 workers" in said
    assert "max_connections" in said


@pytest.mark.parametrize(
    ("given", "hosts", "attributes"),
    [
        ("postgresql://u:p@one,two/db", ["one:5432", "two:5432"], "primary"),
        ("postgres://u@one:1,two:2/db", ["one:1", "two:2"], "primary"),
        ("postgresql://one,two/db?target_session_attrs=any", ["one:5432", "two:5432"], "any"),
    ],
)
def test_several_hosts_are_one_database(given: str, hosts: list[str], attributes: str) -> None:
    url = make_url(asyncpg_url(given))
    assert list(url.query["host"]) == hosts
    assert url.query["target_session_attrs"] == attributes
    assert url.database == "db"


@pytest.mark.parametrize(
    "given", ["postgresql://u@one,two", "postgresql://u@,/db", "mysql://a,b/c"]
)
def test_several_hosts_without_sense_are_refused(given: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        asyncpg_url(given)
