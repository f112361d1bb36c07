"""Charts of bars, drawn by the server: what a template needs to write the SVG and its table."""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 600
GAP = 0.2  # of a bar's place


class Bar(NamedTuple):
    """A bar: what it is called, its number, another number on top of it, and where it leads."""

    label: str
    number: int
    second: int = 0
    url: str = ""


class Drawn(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


class Column(NamedTuple):
    """The place of a bar."""

    x: float
    width: float
    bar: Bar


class Chart(NamedTuple):
    """Bars side by side, the highest as high as the chart."""

    bars: Sequence[Bar]
    height: int

    @property
    def width(self) -> int:
        """How wide it is, in its own units."""
        return WIDTH

    @property
    def highest(self) -> int:
        """The largest sum of a bar."""
        return max((bar.number + bar.second for bar in self.bars), default=0)

    @property
    def first(self) -> list[Drawn]:
        """The lower bars."""
        return [self._drawn(place, 0, bar.number) for place, bar in enumerate(self.bars)]

    @property
    def second(self) -> list[Drawn]:
        """What stands on top of them."""
        return [self._drawn(place, bar.number, bar.second) for place, bar in enumerate(self.bars)]

    @property
    def columns(self) -> list[Column]:
        """What is pressed to go where a bar leads: as high as the chart; none for an empty bar."""
        each = WIDTH / max(1, len(self.bars))
        return [
            Column(round(place * each, 2), round(each, 2), bar)
            for place, bar in enumerate(self.bars)
            if bar.url and bar.number + bar.second
        ]

    def _drawn(self, place: int, below: int, number: int) -> Drawn:
        each = WIDTH / max(1, len(self.bars))
        scale = self.height / max(1, self.highest)
        height = max(number * scale, 1.0 if number else 0.0)
        top = self.height - below * scale - height
        return Drawn(
            round(place * each, 2), round(top, 2), round(each * (1 - GAP), 2), round(height, 2)
        )
