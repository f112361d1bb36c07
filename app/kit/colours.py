"""Colours: shades of one that can be read on the grounds of our pages, light and dark.

Shades are made in OKLCH (https://bottosson.github.io/posts/oklab/), where one number is how light
a colour looks; contrast is WCAG's (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
"""

import math
import re
from functools import cache
from typing import NamedTuple

READABLE = 4.5
SEEN = 1.3  # what a button's colour must differ from the page at least
WHITE, BLACK = "#ffffff", "#000000"
# The grounds that text stands on, as style.css has them; the others lie between these.
LIGHT_GROUNDS = ("#ffffff", "#f1eadf")
DARK_GROUNDS = ("#181614", "#2d2925")
STEP = 0.005
_HEX = re.compile(r"#(?:[0-9a-f]{3}){1,2}")


class Shades(NamedTuple):
    """The brand's colours on one ground: of text, of what is filled and of its text, of the arch.

    ``strong`` ones are for what the pointer is over.
    """

    accent: str
    accent_strong: str
    fill: str
    fill_strong: str
    fill_ink: str
    glow: str
    light: str


class _Oklch(NamedTuple):
    lightness: float
    chroma: float
    hue: float


def normal_colour(text: str) -> str:
    """Return a colour as ``#rrggbb``.

    Raises:
        ValueError: it is none, or so light that its buttons would not be seen.
    """
    colour = text.strip().lower()
    if not _HEX.fullmatch(colour):
        raise ValueError("must be a colour like #9a4321")
    if len(colour) == len("#rgb"):
        colour = "#" + "".join(sign * 2 for sign in colour[1:])
    if contrast(colour, WHITE) < SEEN:
        raise ValueError(f"{colour} is too light: its buttons couldn't be seen on a white page")
    return colour


def contrast(one: str, other: str) -> float:
    """Return how much two colours differ, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@cache  # bounded by the settings
def on_light(colour: str) -> Shades:
    """Return the shades on a light ground; what is filled has the very colour."""
    ink = WHITE if contrast(colour, WHITE) >= READABLE else BLACK
    accent = _readable(colour, LIGHT_GROUNDS, -STEP)
    return Shades(
        accent,
        _moved(accent, -0.08),
        colour,
        _moved(colour, -0.08 if ink == WHITE else 0.08),
        ink,
        _at(colour, 0.82, most=0.08),
        _at(colour, 0.97, most=0.03),
    )


@cache  # bounded by the settings
def on_dark(colour: str) -> Shades:
    """Return the shades on a dark ground."""
    accent = _readable(colour, DARK_GROUNDS, STEP)
    strong = _moved(accent, 0.08)
    return Shades(
        accent, strong, accent, strong, BLACK,
        _at(colour, 0.45, most=0.1), _at(colour, 0.94, most=0.05),
    )  # fmt: skip


def _readable(colour: str, grounds: tuple[str, ...], step: float) -> str:
    """Return the nearest shade, darker or lighter, that can be read on all grounds."""
    seen = _oklch(colour)
    while min(contrast(colour, ground) for ground in grounds) < READABLE:
        seen = seen._replace(lightness=seen.lightness + step)
        colour = _hex(seen)
    return colour


def _moved(colour: str, by: float) -> str:
    """Return a colour made lighter or darker, as far as that goes."""
    seen = _oklch(colour)
    return _hex(seen._replace(lightness=min(1.0, max(0.0, seen.lightness + by))))


def _at(colour: str, lightness: float, *, most: float) -> str:
    found = _oklch(colour)
    return _hex(_Oklch(lightness, min(found.chroma, most), found.hue))


def _channels(colour: str) -> tuple[float, float, float]:
    """Return red, green and blue, from 0 to 1, linear in light."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _linear(red), _linear(green), _linear(blue)


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004


def _curved(value: float) -> float:
    return value * 12.92 if value <= 0.0031308 else float(1.055 * value ** (1 / 2.4) - 0.055)  # noqa: PLR2004


def _luminance(colour: str) -> float:
    red, green, blue = _channels(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _oklch(colour: str) -> _Oklch:
    red, green, blue = _channels(colour)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return _Oklch(lightness, math.hypot(a, b), math.atan2(b, a))


def _hex(colour: _Oklch) -> str:
    """Return a colour as screens show it; one that they cannot show is made less colourful."""
    chroma = colour.chroma
    channels = _rgb(colour)
    while chroma > 0 and not all(-0.0005 <= each <= 1.0005 for each in channels):  # noqa: PLR2004
        chroma = max(0.0, chroma - STEP)
        channels = _rgb(colour._replace(chroma=chroma))
    shown = (round(_curved(min(1.0, max(0.0, each))) * 255) for each in channels)
    return "#" + "".join(f"{each:02x}" for each in shown)


def _rgb(colour: _Oklch) -> tuple[float, float, float]:
    a, b = colour.chroma * math.cos(colour.hue), colour.chroma * math.sin(colour.hue)
    long = (colour.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (colour.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (colour.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
