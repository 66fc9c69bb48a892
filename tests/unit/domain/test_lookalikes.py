"""Tests of domain/lookalikes.py and of the data that it reads."""

import importlib.util
from pathlib import Path

import pytest

from gatehouse.domain.identity import email_key, username_key
from gatehouse.domain.lookalikes import skeleton, skeletons

ROOT = Path(__file__).parents[3]


def look_alike(known: str, new: str) -> bool:
    """Whether the new username looks like the one that is known."""
    return skeleton(username_key(known)) in skeletons(new, username_key(new))


@pytest.mark.parametrize(
    "new",
    [
        "p\u0430ypal",  # Cyrillic
        "p\u03b1yp\u0251l",  # Greek, and phonetic
        "PaypaI",
        "paypa1",
        "paypa|",
        "\u0420AYPAL",  # a Cyrillic capital, whose small letter looks otherwise
        "pay\u00adpal",
        "\U0001d429\U0001d41a\U0001d432\U0001d429\U0001d41a\U0001d425",  # mathematical bold
    ],
)
def test_other_scripts_and_digits_look_like_letters(new):
    """Who sees the one takes it for the other."""
    assert look_alike("paypal", new)


@pytest.mark.parametrize(
    ("known", "new"), [("modern", "modem"), ("bob", "b0b"), ("r\u0117n\u0117", "re\u0307ne\u0307"), ("ian", "IAN")]
)
def test_more_letters_that_look_alike(known, new):
    """Two letters may look like one, a digit like a letter, and capitals are the same name."""
    assert look_alike(known, new)
    assert look_alike(new, known)


@pytest.mark.parametrize(
    ("known", "new"),
    [("neil", "nell"), ("NEIL", "nell"), ("Ian", "lan"), ("rene", "ren\u00e9"), ("jane", "jane2"), ("anna", "hanna")],
)
def test_people_of_similar_names_do_not_look_alike(known, new):
    """A rule that refuses honest people would be switched off."""
    assert not look_alike(known, new)


def test_look_alike_domains_are_found_in_addresses():
    """An address is as long as its domain, which may be the part that deceives."""
    new = "jane@ex\u0430mple.com"

    assert skeleton(email_key("jane@example.com")) in skeletons(new, email_key(new))


def test_skeleton_of_anything_is_made():
    """Half a character or an empty text is no reason to fail."""
    for text in ("", "\ud800", "\x00", "a" * 254, "\ufdfa" * 200):
        assert isinstance(skeleton(username_key(text)), str)


def test_shipped_data_are_what_the_script_makes():
    """Nobody can check by eye that nothing was put between two thousand code points."""
    script = ROOT / "scripts/data/confusables.py"
    spec = importlib.util.spec_from_file_location("confusables_script", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module.TARGET.read_text(encoding="ascii") == module.content()
