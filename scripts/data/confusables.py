#!/usr/bin/env python3
"""Writes src/gatehouse/domain/confusables.txt: which characters look like which, from Unicode's security data.

The data come by way of the package `confusable-homoglyphs` (a test dependency, which takes them from Unicode's
confusables.txt). It lists each pair in both directions, so the prototypes are found again here: a character has one
prototype, a prototype has many characters. Run it after a new version of the package; a test holds the file against it.
"""

import json
import unicodedata
from importlib.resources import files
from pathlib import Path

TARGET = Path(__file__).parents[2] / "src/gatehouse/domain/confusables.txt"

_HEADER = """\
# Made by scripts/data/confusables.py from Unicode's confusables.txt; changed: inverted, and reduced to what NFKC keeps.
# A line is a prototype and after it what looks like it, in hexadecimal code points. Source: UTS #39, section 4.
#
# Copyright (c) 1991-2024 Unicode, Inc. All rights reserved. Unicode License V3.
# NOTICE TO USER: Carefully read the following legal agreement. BY DOWNLOADING, INSTALLING, COPYING OR OTHERWISE USING
# DATA FILES, AND/OR SOFTWARE, YOU UNEQUIVOCALLY ACCEPT, AND AGREE TO BE BOUND BY, ALL OF THE TERMS AND CONDITIONS OF
# THIS AGREEMENT. IF YOU DO NOT AGREE, DO NOT DOWNLOAD, INSTALL, COPY, DISTRIBUTE OR USE THE DATA FILES OR SOFTWARE.
# Permission is hereby granted, free of charge, to any person obtaining a copy of data files and any associated
# documentation (the "Data Files") or software and any associated documentation (the "Software") to deal in the Data
# Files or Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
# distribute, and/or sell copies of the Data Files or Software, and to permit persons to whom the Data Files or
# Software are furnished to do so, provided that either (a) this copyright and permission notice appear with all copies
# of the Data Files or Software, or (b) this copyright and permission notice appear in associated Documentation.
# THE DATA FILES AND SOFTWARE ARE PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
# LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT OF THIRD PARTY
# RIGHTS. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR HOLDERS INCLUDED IN THIS NOTICE BE LIABLE FOR ANY CLAIM, OR ANY
# SPECIAL INDIRECT OR CONSEQUENTIAL DAMAGES, OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS,
# WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE
# OR PERFORMANCE OF THE DATA FILES OR SOFTWARE.
# Except as contained in this notice, the name of a copyright holder shall not be used in advertising or otherwise to
# promote the sale, use or other dealings in these Data Files or Software without prior written authorization of the
# copyright holder.
"""

_NORMALIZE = unicodedata.ucd_3_2_0.normalize
"""The one version of Unicode that every Python knows, so that each makes the same file."""

_MARKS = str.maketrans("", "", "\u200e\u200f")
"""Direction marks, which the source puts around right-to-left characters for the reader."""


def content() -> str:
    """Return the text of the file."""
    raw = json.loads(files("confusable_homoglyphs").joinpath("confusables.json").read_text("utf-8"))
    neighbours: dict[str, set[str]] = {}
    for text, others in raw.items():
        neighbours.setdefault(text.translate(_MARKS), set()).update(other["c"].translate(_MARKS) for other in others)
    groups: dict[str, list[str]] = {}
    for text, others in neighbours.items():
        if len(text) != 1 or len(others) != 1 or _NORMALIZE("NFKC", text) != text:
            continue
        (prototype,) = others
        # Of two that know only each other, either serves as the prototype; a letter of ASCII reads best.
        is_pair = neighbours[prototype] == {text}
        if not is_pair or len(prototype) > 1 or _rank(prototype) < _rank(text):
            groups.setdefault(prototype, []).append(text)
    lines = (" ".join([_hex(prototype), *map(_hex, sorted(groups[prototype]))]) for prototype in sorted(groups))
    return _HEADER + "\n".join(lines) + "\n"


def _rank(text: str) -> tuple[bool, str]:
    return (not text.isascii(), text)


def _hex(text: str) -> str:
    return "+".join(f"{ord(character):04X}" for character in text)


if __name__ == "__main__":
    TARGET.write_text(content(), encoding="ascii")
