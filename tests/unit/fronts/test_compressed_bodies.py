"""Tests of fronts/http.py: bodies that are compressed."""

import gzip
import io
import tracemalloc
import zlib

import pytest

from gatehouse.fronts import http

LIMIT = 65_536
TEXT = b"<Envelope>" * 100


def read(body, coding):
    """Read a body of this coding; return it and what was noted."""
    noted = set()
    environ = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), "HTTP_CONTENT_ENCODING": coding}
    return http.read_inflated_body(environ, LIMIT, noted), noted


def bare(body):
    """Return a body as some compress it who say `deflate`, without the header that it should have."""
    deflator = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflator.compress(body) + deflator.flush()


@pytest.mark.parametrize(
    ("body", "coding", "noted"),
    [
        (TEXT, "", set()),
        (TEXT, "identity", set()),
        (gzip.compress(TEXT), "gzip", {"gzip"}),
        (gzip.compress(TEXT), " GZip ", {"gzip"}),
        (gzip.compress(TEXT), "x-gzip", {"gzip"}),
        (zlib.compress(TEXT), "deflate", {"deflate"}),
        (bare(TEXT), "deflate", {"deflate"}),
    ],
)
def test_is_inflated(body, coding, noted):
    """And that it was is noted."""
    assert read(body, coding) == (TEXT, noted)


def test_limit_is_inclusive():
    """As for a body that is not compressed."""
    assert len(read(gzip.compress(b"x" * LIMIT), "gzip")[0]) == LIMIT
    with pytest.raises(http.BodyTooLargeError):
        read(gzip.compress(b"x" * (LIMIT + 1)), "gzip")


def test_bomb_is_not_inflated():
    """60 KB that would become 60 MB, of which no more than the limit is ever in memory."""
    bomb = gzip.compress(b"x" * 60_000_000)
    assert len(bomb) < LIMIT

    tracemalloc.start()
    with pytest.raises(http.BodyTooLargeError):
        read(bomb, "gzip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (TEXT, "gzip"),
        (b"\x1f\x8b", "gzip"),
        (gzip.compress(TEXT)[:-1], "gzip"),
        (gzip.compress(TEXT)[:-8] + b"\0" * 8, "gzip"),
        (gzip.compress(TEXT) + b"x", "gzip"),
        (gzip.compress(TEXT) * 2, "gzip"),
        (zlib.compress(TEXT), "gzip"),
        (zlib.compress(TEXT)[:-1], "deflate"),
        (b"\xff" * 20, "deflate"),
        (gzip.compress(TEXT), "deflate"),
    ],
)
def test_what_is_not_of_its_coding_is_corrupt(body, coding):
    """Cut off, spoiled, more than one, or another one."""
    with pytest.raises(http.BodyCorruptError):
        read(body, coding)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "gzip,deflate", "nonsense"])
def test_unknown_coding(coding):
    """Nothing is read for it."""
    with pytest.raises(http.UnknownCodingError):
        read(gzip.compress(TEXT), coding)


def test_nothing_is_nothing():
    """A call without members may have no body, whatever its coding."""
    assert read(b"", "gzip") == (b"", set())
