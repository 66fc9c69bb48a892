"""Tests of fronts/forwarded.py. The service trusts 10.0.0.0/8 and 2001:db8:1::/48."""

import logging
from ipaddress import ip_network

import pytest

from gatehouse.config import Settings
from gatehouse.fronts import forwarded
from gatehouse.fronts.forwarded import Origin, origin

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"))


def seen(peer: str | None, header: str = "x-forwarded", **headers: str) -> Origin:
    """Return what is believed of a request from this peer; headers without their prefix."""
    prefix = "HTTP_X_FORWARDED_" if header == "x-forwarded" else "HTTP_"
    environ = {f"{prefix}{name.upper()}": value for name, value in headers.items()}
    return origin(environ | {"REMOTE_ADDR": peer}, Settings(trusted_proxies=PROXIES, forwarded_header=header))


@pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8:2::1", "11.0.0.1"])
def test_strangers_are_not_believed(peer):
    """Anybody can send these headers."""
    expected = Origin(peer)

    assert seen(peer, FOR="198.51.100.7", PROTO="https", HOST="evil.example") == expected
    assert seen(peer, "forwarded", FORWARDED="for=198.51.100.7;proto=https;host=evil.example") == expected


def test_nobody_is_believed_by_default():
    """Not even the machine itself."""
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.7", "HTTP_X_FORWARDED_PROTO": "https"}

    assert origin(environ, Settings()) == Origin("127.0.0.1")


@pytest.mark.parametrize(
    ("told", "source"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, 10.0.0.2", "198.51.100.7"),
        # What stands before an address that is no proxy of ours was made up.
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.5, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("198.51.100.7:51234", "198.51.100.7"),
        ("[2001:db8:2::7]:51234", "2001:db8:2::7"),
        ("2001:db8:2::7", "2001:db8:2::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        # All of them are ours: the outermost called.
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("unknown", "10.0.0.1"),
        ("198.51.100.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("198.51.100.7\n", "198.51.100.7"),
        ("<script>", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_source(told, source):
    """The last address that is not one of the proxies."""
    assert seen("10.0.0.1", FOR=told).source == source


def test_peer_of_a_socket_for_both_families():
    """Such a socket shows 10.0.0.1 as an address of IPv6."""
    assert seen("::ffff:10.0.0.1", FOR="198.51.100.7").source == "198.51.100.7"


@pytest.mark.parametrize("peer", [None, ""])
def test_peer_without_an_address(peer):
    """A Unix socket tells none, and so is nobody that is trusted."""
    assert seen(peer, FOR="198.51.100.7", PROTO="https") == Origin(None)


@pytest.mark.parametrize(
    ("sources", "schemes", "scheme"),
    [
        ("198.51.100.7", "https", "https"),
        # One proxy: the last word is its own.
        ("198.51.100.7", "https, http", "http"),
        # Two, and each adds its word: the outer one's counts.
        ("198.51.100.7, 10.0.0.2", "https, http", "https"),
        ("198.51.100.7, 10.0.0.2", "http, https, http", "https"),
        # Two, and the inner one passes on what it got.
        ("198.51.100.7, 10.0.0.2", "https", "https"),
        ("198.51.100.7", "", None),
    ],
)
def test_scheme_is_the_word_of_the_outermost_proxy(sources, schemes, scheme):
    """That is the one to which the caller spoke."""
    assert seen("10.0.0.1", FOR=sources, PROTO=schemes).scheme == scheme


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("for=198.51.100.7;proto=https;host=a.example", Origin("198.51.100.7", "https", "a.example")),
        ("For=198.51.100.7; Proto=https ; HOST=a.example", Origin("198.51.100.7", "https", "a.example")),
        ('for="[2001:db8:2::7]:4711";proto=https', Origin("2001:db8:2::7", "https", None)),
        ('for=198.51.100.7;host="a.example:8443"', Origin("198.51.100.7", None, "a.example:8443")),
        ('for=198.51.100.7;host="a\\.example"', Origin("198.51.100.7", None, "a.example")),
        ("for=198.51.100.7;proto=https, for=10.0.0.2;proto=http", Origin("198.51.100.7", "https", None)),
        ("for=203.0.113.9;proto=http, for=198.51.100.7;proto=https", Origin("198.51.100.7", "https", None)),
        ("for=_hidden;proto=https", Origin("10.0.0.1", "https", None)),
        ("for=unknown, for=10.0.0.2", Origin("10.0.0.2", None, None)),
        # What cannot be read was written further out than what can.
        ("garbage, for=198.51.100.7", Origin("198.51.100.7", None, None)),
        ('for="unclosed, for=198.51.100.7', Origin("198.51.100.7", None, None)),
        ("for=198.51.100.7, garbage", Origin("10.0.0.1", None, None)),
        (";;,,;=,=", Origin("10.0.0.1", None, None)),
        ("", Origin("10.0.0.1", None, None)),
    ],
)
def test_forwarded(told, expected):
    """The header of RFC 7239."""
    assert seen("10.0.0.1", "forwarded", FORWARDED=told) == expected


def test_who_comes_by_the_file_of_a_socket_is_a_proxy():
    """It has no address to be trusted by; nobody else without one is."""
    environ = {
        "REMOTE_ADDR": "",
        "HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.7",
        "HTTP_X_FORWARDED_PROTO": "https",
    }

    assert origin(dict(environ), Settings(bind="unix:/run/a.sock")) == Origin("198.51.100.7", "https")
    assert origin({"REMOTE_ADDR": ""}, Settings(bind="unix:/run/a.sock")) == Origin(None)
    assert origin(dict(environ), Settings()) == Origin(None)


def test_only_the_header_that_the_proxies_write_counts():
    """A proxy passes on the other kind as a caller made it up."""
    environ = {
        "REMOTE_ADDR": "10.0.0.1",
        "HTTP_X_FORWARDED_FOR": "198.51.100.7",
        "HTTP_FORWARDED": "for=203.0.113.9;proto=https",
    }

    assert origin(dict(environ), Settings(trusted_proxies=PROXIES)) == Origin("198.51.100.7")
    other = Settings(trusted_proxies=PROXIES, forwarded_header="forwarded")
    assert origin(dict(environ), other) == Origin("203.0.113.9", "https")


@pytest.fixture
def warnings(caplog, monkeypatch):
    """What is told to the operator, as if nothing had been told before."""
    monkeypatch.setattr(forwarded, "_told", set())
    caplog.set_level(logging.WARNING, "gatehouse.forwarded")
    return caplog


def test_operator_is_told_once_of_a_proxy_that_is_not_trusted(warnings):
    """Else all callers behind it share one limit, and nobody knows why."""
    for _ in range(3):
        seen("192.0.2.1", FOR="198.51.100.7")
        seen("::ffff:192.0.2.1", "forwarded", FORWARDED="for=198.51.100.7")

    assert warnings.messages == [
        "192.0.2.1 sends forwarded headers and is not trusted, so that all callers behind it share one limit; "
        "if it is a proxy of yours, name it in GATEHOUSE_TRUSTED_PROXIES"
    ]


def test_operator_is_told_where_nobody_is_trusted(warnings):
    """As on the first day behind a proxy."""
    origin({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.7"}, Settings())

    assert [each.split()[0] for each in warnings.messages] == ["127.0.0.1"]


def test_operator_is_not_told_of_others(warnings):
    """Of callers without such headers, and of the trusted."""
    seen("192.0.2.1")
    seen("10.0.0.1", FOR="198.51.100.7")

    assert warnings.messages == []


def test_strangers_fill_no_log(warnings):
    """Anybody can send these headers."""
    for number in range(200):
        seen(f"192.0.2.{number}", FOR="198.51.100.7")

    assert len(warnings.messages) == 16
