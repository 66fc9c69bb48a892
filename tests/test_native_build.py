"""What `scripts/serve --native` does: a build of Argon2 for this machine, which hashes as the wheel does."""

from pathlib import Path

import pytest

from scripts.native import builds
from scripts.native.known_answers import wrong_answers

SECONDS = 0.2


def test_build_of_this_machine_hashes_as_the_wheel_does(tmp_path: Path) -> None:
    """Otherwise nobody could log in any more. Both are checked against answers that others have published."""
    wheel = builds.examine(builds.unpack(builds.fetch_wheel(tmp_path)), SECONDS)

    native = builds.examine(builds.unpack(builds.build_native(tmp_path)), SECONDS)

    assert native.digest == wheel.digest
    assert min(native.rate, wheel.rate) > 0


def test_installed_build_gives_the_known_answers() -> None:
    """Of RFC 9106 and of the reference implementation."""
    assert wrong_answers() == []


def test_build_that_does_not_hash_is_refused(tmp_path: Path) -> None:
    """A build may be whole and yet not run here, as one of a newer processor."""
    package = tmp_path / "_argon2_cffi_bindings"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemError('Illegal instruction')\n", encoding="utf-8")

    with pytest.raises(builds.CannotBuildError, match="does not hash as it should"):
        builds.examine(tmp_path, SECONDS)


def test_without_a_compiler_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And goes on with the wheel; the service does not need the build."""
    monkeypatch.setenv("CC", str(tmp_path / "none"))

    with pytest.raises(builds.CannotBuildError, match=r"no C compiler \(Debian: gcc libc6-dev\)"):
        builds.compiler()


def test_requirement_has_version_and_hashes() -> None:
    """The source is checked against the hash of the same file as every other package."""
    first, *hashes = builds.requirement().splitlines()

    assert first.startswith("argon2-cffi-bindings==")
    assert len(hashes) > 1
    assert all(line.strip().startswith("--hash=sha256:") for line in hashes)
