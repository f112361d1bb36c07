"""The routes that are written down."""

import re
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).with_name("routes.txt")


class Route(NamedTuple):
    method: str
    path: str
    who: str

    @property
    def example(self) -> str:
        """Return an address that this route answers."""
        path = self.path.replace("<path:filename>", "style.css")
        path = re.sub(r"<uuid:\w+>", "11111111-2222-4333-8444-555555555555", path)
        return re.sub(r"<\w+>", "x", re.sub(r"<int:\w+>", "1", path))


def documented() -> list[Route]:
    lines = [line.split() for line in TABLE.read_text().splitlines()]
    return [Route(*line) for line in lines if line and not line[0].startswith("#")]
