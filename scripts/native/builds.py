"""The two builds of argon2-cffi-bindings, each in its own folder: the wheel of the index, and one for this machine.

Both are of the version that the requirements name, and what is downloaded is checked against their hashes.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "argon2-cffi-bindings"

_SCRIPTS = Path(__file__).resolve().parents[1]

_FLAGS = "-O3 -march=native"


class CannotBuildError(Exception):
    """A build is not possible here; the text says what is missing."""


@dataclass(frozen=True)
class Build:
    """A build that gives the known answers, and the hashes a second of one core."""

    digest: str
    rate: float


def requirement() -> str:
    """Return the lines of the requirements for the package: its version, and the hashes of its files."""
    lines = (_SCRIPTS / "requirements.txt").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{PACKAGE}=="))
    end = start
    while lines[end].endswith("\\"):
        end += 1
    return "\n".join(lines[start : end + 1]) + "\n"


def processor() -> str:
    """Return what tells processors with other instructions apart: a build may come to another machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.machine())


def compiler() -> str:
    """Return the C compiler. Raises CannotBuildError where it, or what it needs of Python, is not there."""
    names = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        raise CannotBuildError("there is no C compiler (Debian: gcc libc6-dev)")
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        raise CannotBuildError("the headers of Python are not there (Debian: python3-dev)")
    try:
        _run([found, *_FLAGS.split(), "-x", "c", "-", "-o", os.devnull, "-pthread"], given="int main(void){return 0;}")
    except subprocess.CalledProcessError:
        raise CannotBuildError("the C compiler cannot build for this machine (Debian: gcc libc6-dev)") from None
    return found


def build_native(folder: Path) -> Path:
    """Build the package from its source in this folder, and return the wheel. Raises CannotBuildError.

    What builds it is pinned as well, and goes to an environment of its own.
    """
    environment = os.environ | {"CC": compiler(), "CFLAGS": _FLAGS}
    if platform.machine().lower() in ("x86_64", "amd64", "i686", "x86"):
        # Upstream's optimized code, which uses AVX2 and AVX-512 too where the compiler may; elsewhere there is none.
        environment["ARGON2_CFFI_USE_SSE2"] = "1"
    tools, wanted = folder / "tools", folder / "requirement.txt"
    wanted.write_text(requirement(), encoding="utf-8")
    try:
        _run([sys.executable, "-m", "venv", str(tools)])
        pip = [str(tools / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
        _run([*pip, "install", "--require-hashes", "-r", str(_SCRIPTS / "requirements-native.txt")])
        # The environment's programs, such as ninja, are those that were just installed.
        environment["PATH"] = f"{tools / 'bin'}{os.pathsep}{environment['PATH']}"
        source = ["--no-binary", PACKAGE, "--no-cache-dir", "--no-build-isolation", "--no-deps", "--require-hashes"]
        _run([*pip, "wheel", *source, "-r", str(wanted), "-w", str(folder / "native")], environment)
    except subprocess.CalledProcessError as error:
        raise CannotBuildError(f"the build has failed:\n{error.stderr.strip()[-2000:]}") from None
    (wheel,) = (folder / "native").glob("*.whl")
    return wheel


def fetch_wheel(folder: Path) -> Path:
    """Fetch the wheel of the index to this folder, and return it."""
    wanted = folder / "requirement.txt"
    wanted.write_text(requirement(), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    only = ["--only-binary", PACKAGE, "--no-deps", "--require-hashes"]
    _run([*pip, "download", *only, "-r", str(wanted), "-d", str(folder / "wheel")])
    (wheel,) = (folder / "wheel").glob("*.whl")
    return wheel


def unpack(wheel: Path) -> Path:
    """Unpack a wheel beside itself and return the folder, which may stand in the path of Python."""
    folder = wheel.with_suffix("")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def examine(folder: Path | None, seconds: float) -> Build:
    """Check and measure an unpacked build, or with None the installed one. Raises CannotBuildError if it is wrong."""
    program = str(Path(__file__).with_name("known_answers.py"))
    try:
        told = _run([sys.executable, program, str(folder or ""), str(seconds)])
    except subprocess.CalledProcessError as error:
        raise CannotBuildError(f"the build does not hash as it should: {error.stderr.strip()[-500:]}") from None
    return Build(**json.loads(told))


def _run(command: list[str], environment: dict[str, str] | None = None, given: str | None = None) -> str:
    done = subprocess.run(command, env=environment, input=given, capture_output=True, text=True, check=True)
    return done.stdout
