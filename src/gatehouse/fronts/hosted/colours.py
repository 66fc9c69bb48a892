"""A merchant's colour made into a style sheet in which everything can be read, in light and in dark."""

import re

NEUTRAL = "334155"
"""Where the merchant is not known, or its colour is none: six hexadecimal digits, as in addresses."""

_LIGHT_CARD, _DARK_CARD = (255, 255, 255), (26, 31, 41)
"""The surfaces that the colour stands on; the same as `--card` in static/reset.css."""

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_TEXT, _EDGE = 4.5, 3.0
"""The least contrast of text, and of what shows where a button is. Source: WCAG 2.2, 1.4.3 and 1.4.11."""

_STEP = 0.04
_COLOUR = re.compile(r"[0-9a-f]{6}")

Colour = tuple[int, int, int]


def digits_of(colour: str | None) -> str:
    """Return the six digits of `#rrggbb`, or NEUTRAL for anything else."""
    digits = (colour or "").casefold().removeprefix("#")
    return digits if _COLOUR.fullmatch(digits) else NEUTRAL


def style_sheet(digits: str) -> str:
    """Return the custom properties for a colour of six digits.

    `--brand` is the colour itself and `--on-brand` what is written on it; `--edge` and `--accent` are the same
    hue, moved away from the surface until a border, or a text, of it can be seen.
    """
    brand = (int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16))
    on_brand = _WHITE if contrast(brand, _WHITE) >= _TEXT else _BLACK
    fixed = f"--brand: {_written(brand)}; --on-brand: {_written(on_brand)};"
    light, dark = (
        f"--edge: {_written(_seen_on(card, brand, _EDGE))}; --accent: {_written(_seen_on(card, brand, _TEXT))};"
        for card in (_LIGHT_CARD, _DARK_CARD)
    )
    return f":root {{ {fixed} {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio, 1 to 21. Source: WCAG 2.2, contrast ratio."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (part / 255 for part in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _seen_on(card: Colour, colour: Colour, least: float) -> Colour:
    """Return the colour, mixed with black or white as far as is needed to be seen on the card."""
    target = _BLACK if _luminance(card) > 0.5 else _WHITE
    mixed, share = colour, 0.0
    while contrast(mixed, card) < least and share < 1:
        share = min(share + _STEP, 1.0)
        red, green, blue = (round(part + (end - part) * share) for part, end in zip(colour, target, strict=True))
        mixed = (red, green, blue)
    return mixed


def _written(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
