"""Colours of drawings on a light page and on a dark one.

Figures are made for white paper. On a dark page greys are inverted, and other colours that are too dark there are
mixed with white until they show. A drawing names such a colour by a variable, to which the page gives both values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

DARK_INK, DARK_GROUND = (232, 232, 232), (22, 22, 26)
LEAST = 3.0  # contrast of a line with its ground, by WCAG 2.2, 1.4.11
_COLOUR = re.compile(r"#([0-9a-f]{6})\b")

RGB = tuple[int, int, int]


def as_variables(style: str) -> str:
    """A style with variables for the colours that need another value on a dark page."""
    return _COLOUR.sub(lambda m: f"var(--c{m[1]})" if on_dark(m[1]) != m[1] else m[0], style)


def variables(drawings: Iterable[str]) -> dict[str, str]:
    """The colours that drawings name by variables, six hexadecimal digits each, with those on a dark page."""
    found = {colour for svg in drawings for colour in re.findall(r"var\(--c([0-9a-f]{6})\)", svg)}
    return {colour: on_dark(colour) for colour in sorted(found)}


def on_dark(colour: str) -> str:
    """The colour to use on a dark page: the same if it shows there."""
    rgb = _rgb(colour)
    if len(set(rgb)) == 1:
        share = rgb[0] / 255
        return _hex([round(ink + share * (ground - ink)) for ink, ground in zip(DARK_INK, DARK_GROUND, strict=True)])
    white = 0
    while contrast(_hex(rgb), _hex(DARK_GROUND)) < LEAST:
        white += 1
        rgb = tuple(round(x + (255 - x) * white / 20) for x in _rgb(colour))  # type: ignore[assignment] # three of three
    return _hex(rgb)


def contrast(one: str, two: str) -> float:
    """The contrast of two colours, from 1 (the same luminance) to 21, as WCAG defines it."""
    low, high = sorted((_luminance(_rgb(one)), _luminance(_rgb(two))))
    return (high + 0.05) / (low + 0.05)


def _luminance(rgb: RGB) -> float:
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in (value / 255 for value in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rgb(colour: str) -> RGB:
    return int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16)


def _hex(rgb: Iterable[int]) -> str:
    return "".join(f"{x:02x}" for x in rgb)
