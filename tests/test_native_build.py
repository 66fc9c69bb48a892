"""What `scripts/serve --native` does: a build of Argon2 for this machine, which hashes as the wheel does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.benchmark.installing import argon2_builds
from scripts.native import builds
from scripts.native.known_answers import wrong_answers

SECONDS = 0.2


ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the benchmark has made both builds."""
    folder = tmp_path_factory.mktemp("cache")
    argon2_builds(folder)
    return folder


def test_build_of_this_machine_hashes_as_the_wheel_does(cache: Path) -> None:
    """Otherwise nobody could log in any more. Both are checked against answers that others have published."""
    made = argon2_builds(cache)

    wheel, native = builds.examine(made.wheel, SECONDS), builds.examine(made.native, SECONDS)

    assert native.digest == wheel.digest
    assert min(native.rate, wheel.rate) > 0


def test_benchmark_compares_both_builds(cache: Path) -> None:
    """Each is made once, and what is measured is not what happens to be installed."""
    command = [sys.executable, "-m", "scripts.benchmark", "native", "--quick", "--seconds=1", "--json"]
    command.append(f"--cache={cache}")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    (case,) = json.loads(done.stdout)["cases"]
    assert (case["case"], case["against"]) == ("Argon2id, native build", "wheel of argon2-cffi-bindings")
    assert case["target"] == 1.5
    assert min(case["rate"], case["againstRate"]) > 0
    assert "Installing" not in done.stderr


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
