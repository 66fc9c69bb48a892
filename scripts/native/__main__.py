"""Builds argon2-cffi-bindings for this machine into the environment that this runs in, and says what that gains.

Where that is not possible, it says why, and everything goes on with the wheel.
"""

import hashlib
import importlib.metadata
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.native.builds import (
    PACKAGE,
    CannotBuildError,
    build_native,
    examine,
    fetch_wheel,
    processor,
    requirement,
    unpack,
)

_SECONDS = 1.0
"""How long each build is measured."""

_STAMP = Path(sys.prefix) / ".native-argon2"


def main() -> None:
    """Build, compare, install; or say why not."""
    if _STAMP.exists() and _STAMP.read_text(encoding="utf-8") == _state():
        return
    _say(f"building {PACKAGE} for this machine (once; less than a minute)")
    try:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            usual = examine(unpack(fetch_wheel(folder)), _SECONDS)
            wheel = build_native(folder)
            own = examine(unpack(wheel), _SECONDS)
            if own.digest != usual.digest:
                raise CannotBuildError("the build hashes otherwise than the wheel")
            _install([str(wheel)])
    except (CannotBuildError, subprocess.CalledProcessError, OSError) as error:
        reason = error if isinstance(error, CannotBuildError) else type(error).__name__
        _say(f"going on with the wheel of {PACKAGE}: {reason}")
        return
    _STAMP.write_text(_state(), encoding="utf-8")
    _say(
        f"password hashes of one core: {own.rate:.0f} a second, {usual.rate:.0f} with the wheel "
        f"({own.rate / usual.rate:.1f} times as many)"
    )


def _install(what: list[str]) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run([*pip, "--force-reinstall", "--no-deps", *what], check=True)


def _state() -> str:
    """Return what the build depends on: the version, Python, the processor, and the files that are installed."""
    files = importlib.metadata.files(PACKAGE) or []
    code = hashlib.sha256(b"".join(Path(each.locate()).read_bytes() for each in files if each.suffix == ".so"))
    parts = (requirement(), sys.version, processor(), code.hexdigest())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _say(text: str) -> None:
    print(f"gatehouse: {text}", file=sys.stderr)


if __name__ == "__main__":
    main()
