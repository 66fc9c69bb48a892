#!/usr/bin/env python3
"""Writes src/gatehouse/security/common_passwords.bin: a filter of the most used passwords, which holds none of them.

The lists are those of two packages: Django's (BSD licence; the 20,000 most frequent of a collection of breaches) and
zxcvbn's (MIT licence; 30,000 by rank). The file is the sorted first bytes of the SHA-256 of each password in the form
that `compromised.common_form` gives: as many that no other password is ever taken for one of the lists.
Run it after a new version of either package; a test holds the file against it.
"""

import gzip
from importlib.resources import files
from pathlib import Path

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from gatehouse.security.compromised import common_form, prefix_of

TARGET = Path(__file__).parents[2] / "src/gatehouse/security/common_passwords.bin"


def content() -> bytes:
    """Return the bytes of the file."""
    prefixes = {prefix_of(form) for each in words() if (form := common_form(each))}
    return b"".join(sorted(prefixes))


def words() -> set[str]:
    """Return the passwords of both lists."""
    packed = files("django.contrib.auth").joinpath("common-passwords.txt.gz").read_bytes()
    return {*gzip.decompress(packed).decode().split("\n"), *FREQUENCY_LISTS["passwords"]}


if __name__ == "__main__":
    TARGET.write_bytes(content())
