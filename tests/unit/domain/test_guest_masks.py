"""Tests of domain/guest_masks.py."""

import re
from collections import Counter
from hashlib import sha256

import pytest

from gatehouse.domain.guest_masks import mask_of, mask_of_nobody


@pytest.mark.parametrize(
    ("email", "region", "mask"),
    [
        ("jane@example.com", "US", "j***@e***.com"),
        ("Jane@Example.COM", "US", "j***@e***.com"),
        ("jane@example.de", "DE", "j***@e***.de"),
        ("jane@example.co.uk", "GB", "j***@e***.uk"),
        # These would be seen of somebody alone.
        ("jane@example.de", "US", "j***@e***.***"),
        ("jane@example.museum", "US", "j***@e***.***"),
        ("éva@übung.de", "DE", "****@****.de"),
    ],
)
def test_mask_of_somebody(email, region, mask):
    """Letters and endings are those that a mask of nobody has, too."""
    assert mask_of(email, region) == mask


@pytest.mark.parametrize("region", ["US", "DE", "GB"])
def test_mask_of_nobody_could_be_somebodys(region):
    """Every one is what some address has for a mask, the country's own ending is common, and none is too common."""
    masks = [mask_of_nobody(sha256(b"%d" % number).digest(), region) for number in range(4000)]

    assert all(re.fullmatch(r"[a-z0-9*]\*{3}@[a-z0-9*]\*{3}\.(?:[a-z]{2,3}|\*{3})", each) for each in masks)
    assert [mask_of(each, region) for each in masks] == masks
    endings = Counter(each.rpartition(".")[2] for each in masks)
    assert {"com", "net", "org", "eu", "***"} < set(endings)
    own = {"US": "us", "DE": "de", "GB": "uk"}[region]
    assert 0.3 < endings[own] / len(masks) < 0.5
    assert Counter(masks).most_common(1)[0][1] < 40


def test_mask_of_nobody_is_always_the_same():
    """Or it would change where that of somebody stays."""
    assert mask_of_nobody(b"\0" * 6, "DE") == "a***@a***.com"
    assert mask_of_nobody(b"\xff" * 6, "DE") == "****@****.de"
