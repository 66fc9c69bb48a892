"""Tests of fronts/hosted/languages.py and its texts."""

import re

import pytest

from gatehouse.domain.password_policy import Weakness
from gatehouse.fronts.hosted.languages import LANGUAGES, best_language, texts
from gatehouse.operations import merchants


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_values(language):
    """A text that is missing would break a page for some readers only."""
    english, other = texts("en"), texts(language)

    assert list(other) == list(english)
    for name, text in english.items():
        assert other[name].strip() == other[name] != ""
        assert re.findall(r"\{\w*\}", other[name]) == re.findall(r"\{\w*\}", text)


def test_a_merchant_may_choose_each_language():
    """The pages have the same languages as the messages."""
    assert set(LANGUAGES) == set(merchants.LANGUAGES)


def test_every_weakness_has_a_text():
    """A refusal without a reason helps nobody."""
    assert {each.name.lower() for each in Weakness} <= set(texts("en"))


@pytest.mark.parametrize(
    ("chosen", "accepted", "merchants", "expected"),
    [
        ("fr", [("de", 1.0)], "es", "fr"),
        ("xx", [("DE-ch", 1.0)], "es", "de"),
        (None, [("ja", 1.0), ("de", 0.5)], "es", "de"),
        (None, [("de", 0.0)], "es", "es"),
        (None, [("*", 1.0)], "es", "es"),
        (None, [], "pt", "en"),
        (None, [], None, "en"),
    ],
)
def test_a_reader_gets_the_language_that_fits_best(chosen, accepted, merchants, expected):
    """The choice on the page, then the browser's, then the merchant's, then English."""
    assert best_language(chosen, accepted, merchants) == expected
