"""Reads what is locked: the packages of a requirements file, with their versions and hashes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN_TIME = ROOT / "scripts/requirements.txt"

_PACKAGE = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==(?P<version>[^\s;]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Package:
    """A package as it is locked; the hashes are of every file that it may be installed from."""

    name: str
    version: str
    hashes: tuple[str, ...]


def read_locked(path: Path = RUN_TIME) -> Iterator[Package]:
    """Give the packages of a file that `scripts/lock` wrote. Raises ValueError for a line that locks nothing."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found, hashes = _PACKAGE.match(line), tuple(_HASH.findall(line))
        if found is None or not hashes:
            raise ValueError(f"{path.name} has a line that locks nothing")
        yield Package(canonical(found["name"]), found["version"], hashes)


def canonical(name: str) -> str:
    """Return a package's name as it is compared. Source: packaging.python.org, Name normalization."""
    return re.sub(r"[-_.]+", "-", name).lower()
