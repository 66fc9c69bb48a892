"""Tests of fronts/hosted/colours.py."""

import re

import pytest

from gatehouse.fronts.hosted.colours import contrast, digits_of, style_sheet

CARDS = [(255, 255, 255), (26, 31, 41)]


def colour(digits):
    """Return `rrggbb` as three numbers."""
    return tuple(bytes.fromhex(digits))


@pytest.mark.parametrize(
    "digits", [f"{r}{g}{b}" for r in ("00", "80", "ff") for g in ("00", "77", "ff") for b in ("00", "ff")]
)
def test_any_colour_can_be_read_and_seen(digits):
    """Text needs a contrast of 4.5, the edge of a button 3 (WCAG 2.2)."""
    sheet = style_sheet(digits)
    brand, on_brand = re.findall(r"--(?:on-)?brand: #(\w{6});", sheet)
    edges, accents = re.findall(r"--edge: #(\w{6});", sheet), re.findall(r"--accent: #(\w{6});", sheet)

    assert brand == digits
    assert contrast(colour(brand), colour(on_brand)) >= 4.5
    for card, edge, accent in zip(CARDS, edges, accents, strict=True):
        assert contrast(colour(edge), card) >= 3
        assert contrast(colour(accent), card) >= 4.5


def test_contrast_is_that_of_wcag():
    """Black on white is 21; the known grey #767676 just passes."""
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((0x76, 0x76, 0x76), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize(
    ("written", "digits"),
    [("#0F766E", "0f766e"), ("0f766e", "0f766e"), (None, "334155"), ("red", "334155"), ("#0f766e;}", "334155")],
)
def test_what_is_no_colour_is_the_neutral_one(written, digits):
    """Nothing but six digits gets into a style sheet or an address."""
    assert digits_of(written) == digits


def test_the_cards_are_those_of_the_style_sheet():
    """Contrast is computed against them."""
    from importlib.resources import files

    sheet = files("gatehouse.fronts.hosted").joinpath("static", "reset.css").read_text()
    assert [colour(each) for each in re.findall(r"--card: #(\w{6});", sheet)] == CARDS
