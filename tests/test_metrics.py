"""Metrics: on a port of their own, right over several workers, also after one has died."""

from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from tests import databases
from tests.exported import fetch, metrics, until
from tests.server import Server, environment, local_port, serving
from tests.visitors import Visitor

pytestmark = pytest.mark.slow


def test_the_public_port_has_no_metrics(server: Server) -> None:
    assert fetch(f"{server.url}/metrics")[0] == 404


def test_the_metrics_port_has_nothing_else(server: Server) -> None:
    for path in ("/", "/login", "/health/live", "/metrics/"):
        assert fetch(f"http://{server.environ['METRICS_BIND']}{path}")[0] == 404


def test_counts_are_right_over_workers_and_their_deaths(server: Server) -> None:
    visitor = Visitor(server).create_user("counted")
    for _ in range(4):
        visitor.ask("POST", "/login", email_or_user="nobody", password="wrong")
    until(server, 'vestibule_logins_total{outcome="wrong_credentials"}', 4)
    until(server, 'vestibule_logins_total{outcome="succeeded"}', 1)
    name = 'vestibule_requests_total{method="POST",route="/login",status="401"}'
    until(server, name, 4)
    for victim in server.children():
        victim.kill()
    for number in (1, 2):
        until(server, f'vestibule_restarts_total{{child="worker {number}"}}', 1)
    until(server, "vestibule_workers", 2)
    assert metrics(server)[name] == 4
    visitor.ask("POST", "/login", email_or_user="nobody", password="wrong")
    until(server, name, 5)


def test_the_house_is_looked_after(server: Server) -> None:
    Visitor(server).create_user("looked")
    until(server, "vestibule_emails_waiting", 0)
    found = metrics(server)
    assert found["vestibule_database_up"] == 1
    assert found["vestibule_login_sessions"] >= 1
    assert found["vestibule_users_with_factor"] == 0
    assert found["vestibule_emails_oldest_seconds"] == 0
    assert found["vestibule_database_pool_limit"] == 18
    assert found["vestibule_passwords_waiting"] == 0
    assert found['vestibule_emails_total{outcome="sent"}'] >= 1
    assert found["vestibule_password_wait_seconds_count"] >= 1
    assert found["vestibule_event_loop_lag_seconds_count"] >= 1
    assert found['vestibule_request_seconds_count{route="/login"}'] >= 1
    assert "vestibule_connections" in found


def test_no_metric_says_a_secret(server: Server) -> None:
    Visitor(server).create_user("silent")
    _, text = fetch(f"http://{server.environ['METRICS_BIND']}/metrics")
    for secret in ("silent", "canary", server.environ["SECRET_KEY"], "example.com"):
        assert secret not in text


@pytest.fixture(scope="module")
def server(worker_database: URL) -> Iterator[Server]:
    settings = {"WORKERS": "2", "METRICS_BIND": local_port()}
    with databases.migrated(worker_database) as url, serving(environment(url, **settings)) as made:
        yield made
