"""The plots: bars, in SVG, that look well on light and on dark ground."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from bench.figures import Figure
from bench.tables import number

WIDTH, LABELS, VALUES, ROW, BAR, TOP = 760, 300, 90, 26, 16, 40
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600 }
.bar { fill: #8c959f }
.ours { fill: #2f81f7 }
.spread { stroke: #57606a; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #9ea7b3 }
  .bar { fill: #6e7681 }
  .spread { stroke: #c9d1d9 }
}"""


class Bar(NamedTuple):
    label: str
    found: Figure
    is_ours: bool


class Panel(NamedTuple):
    title: str
    bars: Sequence[Bar]


def draw(panels: Sequence[Panel]) -> str:
    """Return panels of bars, one below the other; a thin line is the spread over the rounds."""
    parts, y = [], 0
    for panel in panels:
        parts.append(_panel(panel, y))
        y += TOP + ROW * len(panel.bars) + 14
    words = escape("; ".join(panel.title for panel in panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" '
        f'height="{y}" role="img">\n<title>{words}</title>\n<style>{STYLE}\n</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _panel(panel: Panel, top: int) -> str:
    most = max((bar.found.high for bar in panel.bars), default=0) or 1
    scale = (WIDTH - LABELS - VALUES) / most
    lines = [f'<text class="title" x="0" y="{top + 22}">{escape(panel.title)}</text>']
    lines += [_bar(bar, top + TOP + ROW * row, scale) for row, bar in enumerate(panel.bars)]
    return "\n".join(lines)


def _bar(bar: Bar, y: int, scale: float) -> str:
    found, middle = bar.found, y + BAR / 2
    kind = "bar ours" if bar.is_ours else "bar"
    low, high = LABELS + found.low * scale, LABELS + found.high * scale
    return (
        f'<text x="{LABELS - 10}" y="{y + 13}" text-anchor="end">{escape(bar.label)}</text>'
        f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{found.median * scale:.1f}" '
        f'height="{BAR}" rx="3"/>'
        f'<line class="spread" x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}"/>'
        f'<text x="{max(high, LABELS + found.median * scale) + 8:.1f}" y="{y + 13}">'
        f"{number(found.median)}</text>"
    )
