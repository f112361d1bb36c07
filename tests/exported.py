"""What a server counts, as it exports it."""

import re
import time
import urllib.error
import urllib.request

from tests.server import Server


def fetch(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metrics(server: Server) -> dict[str, float]:
    """Return all samples by what stands before their value."""
    status, text = fetch(f"http://{server.environ['METRICS_BIND']}/metrics")
    assert status == 200
    found = re.findall(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def until(server: Server, name: str, value: float, *, seconds: float = 10) -> None:
    """Wait until a sample has a value: workers report once a second."""
    deadline = time.monotonic() + seconds
    while (now := metrics(server).get(name)) != value:
        assert time.monotonic() < deadline, f"{name} is {now}, not {value}"
        time.sleep(0.1)
