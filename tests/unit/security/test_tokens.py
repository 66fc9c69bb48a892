"""Tests of security/tokens.py."""

import hashlib
import re

from gatehouse.security import tokens


def test_drawn_tokens_have_their_form_and_do_not_repeat():
    """Clients put them into headers, cookies and mails."""
    kinds = {
        tokens.draw_token: r"[A-Za-z0-9_-]{43}",
        tokens.draw_secret: r"[A-Za-z0-9_-]{43}",
        tokens.draw_application_token: r"[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}",
        tokens.draw_temporary_password: r"[2-9A-HJ-NP-Za-km-z]{24}",
    }
    for draw, form in kinds.items():
        drawn = [draw() for _ in range(200)]
        assert all(re.fullmatch(form, token) for token in drawn)
        assert len(set(drawn)) == 200


def test_activation_codes_keep_their_leading_zeros():
    """Six digits are promised; one code in ten begins with a zero."""
    codes = [tokens.draw_activation_code() for _ in range(500)]

    assert all(re.fullmatch(r"[0-9]{6}", code) for code in codes)
    assert any(code.startswith("0") for code in codes)
    assert len(set(codes)) > 450


def test_digest_is_sha256():
    """Digests are kept in databases that outlive a version."""
    assert tokens.digest("token").hex() == "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"
    assert tokens.digest("tökén") == hashlib.sha256("tökén".encode()).digest()


def test_only_the_same_digest_matches():
    """Nothing kept matches nothing, also not a digest of zeros."""
    digest = tokens.digest("token")

    assert tokens.matches(digest, tokens.digest("token"))
    assert not tokens.matches(digest, tokens.digest("other"))
    assert not tokens.matches(None, digest)
    assert not tokens.matches(None, bytes(32))
