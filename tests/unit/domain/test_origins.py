"""Tests of domain/origins.py."""

import time

import pytest

from gatehouse.domain.origins import find_origin


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://shop.example.com", "https://shop.example.com"),
        (" HTTPS://Shop.Example.com/ ", "https://shop.example.com"),
        ("https://shop.example.com:443", "https://shop.example.com"),
        ("http://shop.example.com:80", "http://shop.example.com"),
        ("http://shop.example.com:443", "http://shop.example.com:443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
    ],
)
def test_origin_is_as_browsers_write_it(given, origin):
    """They compare letter by letter, so the list must be what they send."""
    assert find_origin(given) == origin


@pytest.mark.parametrize(
    "given",
    [
        "",
        "*",
        "null",
        "shop.example.com",
        "//shop.example.com",
        "https://",
        "https://*.example.com",
        "https://shop.example.com/path",
        "https://shop.example.com//",
        "https://shop.example.com?x",
        "https://shop.example.com#x",
        "https://jane@shop.example.com",
        "https://shop.example.com:0",
        "https://shop.example.com:x",
        "https://shop.example.com:",
        "https://shop.example.com:99999",
        "https://shop example.com",
        "https://shop..example.com",
        "https://bücher.example",
        "https://shop.example.com\nevil",
        "file:///index.html",
        "data:text/html,x",
        "javascript:alert(1)",
        f"https://{'a' * 300}.example.com",
    ],
)
def test_what_is_no_origin(given):
    """Everybody's and nobody's least of all."""
    assert find_origin(given) is None


def test_hostile_text_costs_little():
    """The pattern must not go over one text again and again."""
    started = time.process_time()

    assert find_origin("https://" + "a-" * 100_000 + "!") is None

    assert time.process_time() - started < 0.1
