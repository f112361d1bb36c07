"""Static files that the settings change: the stylesheet's colours, the mark, the logo."""

from collections.abc import Mapping
from typing import NamedTuple

from app.config import Config
from app.http.assets import STATIC_DIR
from app.kit.colours import Shades, on_dark, on_light

MARK, STYLE = "mark.svg", "style.css"
DARK = "@media (prefers-color-scheme: dark)"


class Made(NamedTuple):
    """A file that is made at the start."""

    content: bytes
    kind: str


def files(config: Config) -> Mapping[str, Made]:
    """Return the files that stand in for ours, by name."""
    found = {}
    if config.brand_colour is not None:
        light, dark = on_light(config.brand_colour), on_dark(config.brand_colour)
        style = (
            STATIC_DIR / STYLE
        ).read_text() + f"\n{_rule(light)}\n{DARK} {{\n{_rule(dark)}\n}}\n"
        found[STYLE] = Made(style.encode(), "text/css; charset=utf-8")
        mark = (STATIC_DIR / MARK).read_text()
        mark = mark.replace("#9a4321", light.fill).replace("#d98a5f", light.glow)
        found[MARK] = Made(mark.encode(), "image/svg+xml")
    if config.logo is not None:
        found[config.logo.name] = Made(config.logo.content, config.logo.kind)
    return found


def icon_name(config: Config) -> str:
    """Return the file that browsers show in a tab."""
    return config.logo.name if config.logo else MARK


def _rule(shades: Shades) -> str:
    values = (f"--{name.replace('_', '-')}: {value};" for name, value in shades._asdict().items())
    return f":root {{ {' '.join(values)} }}"
