"""Tests of fronts/web_headers.py."""

import pytest

from gatehouse.config import Settings
from gatehouse.fronts.web_headers import guarded


def answered(headers):
    """Return the headers of an answer that an application gives with these."""
    given = []

    def app(environ, start_response):
        start_response("200 OK", headers)
        return [b""]

    guarded(app, Settings())({"wsgi.url_scheme": "http"}, lambda status, headers: given.extend(headers))
    return given


@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
def test_page_is_known_by_its_type_however_the_name_is_written(name):
    """Names of headers have no case. Source: RFC 9110, 5.1."""
    assert ("Cross-Origin-Opener-Policy", "same-origin") in answered([(name, "text/html; charset=utf-8")])
    assert "Cross-Origin-Opener-Policy" not in dict(answered([(name, "text/xml")]))


def test_what_a_front_says_itself_is_kept_however_it_is_written():
    """It is not said twice either."""
    headers = answered([("cache-control", "private, max-age=60")])

    assert [value for name, value in headers if name.casefold() == "cache-control"] == ["private, max-age=60"]
