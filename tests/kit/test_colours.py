"""Whatever colour a brand has: what is written in it can be read, light and dark."""

import random
import re
from pathlib import Path

import pytest

from app.kit import colours
from app.kit.colours import BLACK, WHITE, contrast, normal_colour, on_dark, on_light

READABLE = 4.5  # WCAG 2.2 1.4.3
STYLE = Path(__file__).parents[2] / "app/web/static/style.css"
ANY = random.Random(12)  # noqa: S311 - colours
COLOURS = ["#000000", "#0b5fff", "#ffcc00", "#00ff00", "#777777", "#9a4321", "#e0e0e0"] + [
    f"#{ANY.randrange(1 << 24):06x}" for _ in range(200)
]


@pytest.mark.parametrize(
    "text", ["", "red", "#12", "#12345", "9a4321", "#gggggg", "#9a4321ff", "rgb(1,2,3)"]
)
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="like #9a4321"):
        normal_colour(text)


@pytest.mark.parametrize("text", ["#fff", "#ffffff", "#fefefe", "#ffffe0"])
def test_what_no_button_could_be_seen_in_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="too light"):
        normal_colour(text)


def test_a_colour_has_one_form() -> None:
    assert normal_colour(" #ABC ") == "#aabbcc"


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(WHITE, BLACK) == pytest.approx(21)
    assert contrast("#777777", WHITE) == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("colour", COLOURS)
def test_shades_can_be_read(colour: str) -> None:
    if contrast(colour, WHITE) < colours.SEEN:
        pytest.skip("refused at the start")
    for shades, grounds in (
        (on_light(colour), colours.LIGHT_GROUNDS),
        (on_dark(colour), colours.DARK_GROUNDS),
    ):
        for ground in grounds:
            assert contrast(shades.accent, ground) >= READABLE
            assert contrast(shades.accent_strong, ground) >= READABLE
        assert contrast(shades.fill, shades.fill_ink) >= READABLE
        assert contrast(shades.fill_strong, shades.fill_ink) >= READABLE
    assert on_light(colour).fill == colour


def test_a_colour_that_can_be_read_stays() -> None:
    assert on_light("#0b3d91").accent == "#0b3d91"


def palettes() -> list[dict[str, str]]:
    """Return the stylesheet's own colours, light and dark."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE.read_text(), re.DOTALL)
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in blocks[:2]]


@pytest.mark.parametrize("which", [0, 1])
def test_our_own_colours_can_be_read(which: int) -> None:
    palette = palettes()[which]
    for ground in ("paper", "card", "sunk"):
        for ink in ("ink", "faint", "accent", "accent-strong"):
            assert contrast(palette[ink], palette[ground]) >= READABLE, (ink, ground)
        assert contrast(palette["line"], palette[ground]) >= 3, ground
        for kind in ("good", "warn", "bad"):
            assert contrast(palette[kind], palette[ground]) >= READABLE, (kind, ground)
    for kind in ("good", "warn", "bad"):
        assert contrast(palette[kind], palette[f"{kind}-paper"]) >= READABLE, kind
    for ink, ground in (
        ("accent-ink", "accent"),
        ("accent-ink", "accent-strong"),
        ("bad-ink", "bad"),
    ):
        assert contrast(palette[ink], palette[ground]) >= READABLE, (ink, ground)
    grounds = colours.DARK_GROUNDS if which else colours.LIGHT_GROUNDS
    assert set(grounds) <= set(palette.values())
