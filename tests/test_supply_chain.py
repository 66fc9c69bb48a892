"""What Gatehouse is made of: nothing unused, nothing unnamed, all of it locked, listed and audited."""

import ast
import http.server
import importlib
import json
import re
import subprocess
import sys
import threading
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

NEVER_IMPORTED = {
    "flask-swagger-ui": "its files are read under its name",
    "legacy-cgi": "Spyne imports what Python 3.13 no longer has",
}

PARTS_OF = {"markupsafe": "jinja2", "pydantic-core": "pydantic", "werkzeug": "flask"}
"""What a dependency is made of, and brings along in the version that it fits."""


def canonical(name: str) -> str:
    """Return a package's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


RUN_TIME = {canonical(Requirement(each).name) for each in PROJECT["dependencies"]}


def imported() -> set[str]:
    """Return the packages of other people that the service imports, wherever in its code."""
    modules: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    distributions = packages_distributions()
    others = modules - sys.stdlib_module_names - {"gatehouse"}
    return {canonical(distributions[each][0]) if each in distributions else each for each in others}


def test_every_dependency_is_used_and_every_import_declared():
    """What is not used is only a way in; what is not declared comes by chance, and may go."""
    found = imported()

    assert found - set(PARTS_OF) == RUN_TIME - set(NEVER_IMPORTED)
    assert set(NEVER_IMPORTED) <= RUN_TIME
    assert set(PARTS_OF) <= found
    assert set(PARTS_OF.values()) <= found


def test_every_dependency_has_its_reason_in_the_readme():
    """Who audits Gatehouse asks of each why it is there."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## What it is built on")[2].partition("\n\nMIT")[0]
    named = {canonical(name) for row in re.findall(r"^\| ([^|]+) \|", table, re.M) for name in row.split(", ")}

    # What an extra of a dependency brings may be named after the extra.
    extras = {extra for each in PROJECT["dependencies"] for extra in Requirement(each).extras}
    assert named - {"package", "-"} - extras == RUN_TIME


@pytest.mark.parametrize("name", ["requirements", "requirements-test", "requirements-build", "requirements-native"])
def test_every_package_is_locked_with_hashes(name, tools):
    """A file that was changed at its source is not installed."""
    packages = {each.name: each for each in tools("locked").read_locked(ROOT / "scripts" / f"{name}.txt")}

    assert packages
    if name not in ("requirements-build", "requirements-native"):
        assert set(packages) >= RUN_TIME


@pytest.fixture
def tools(monkeypatch):
    """A function that gives a module of scripts/supply_chain."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts/supply_chain"))
    return importlib.import_module


def test_list_of_parts_is_valid_and_whole(tools):
    """A scanner of an operator reads it, to tell whether a new vulnerability is ours."""
    script = ROOT / "scripts/supply_chain/sbom.py"

    done = subprocess.run([sys.executable, "-W", "error", script], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(done.stdout) is None
    assert validator.validate_str(json.dumps(document | {"components": [{"type": "library"}]})) is not None
    locked = {(each.name, each.version, each.hashes) for each in tools("locked").read_locked()}
    parts = {
        (each["name"], each["version"], tuple(sorted(kept["content"] for kept in each["hashes"])))
        for each in document["components"]
    }
    assert parts == {(name, version, tuple(sorted(hashes))) for name, version, hashes in locked}
    assert document["metadata"]["component"]["name"] == "gatehouse"
    needs = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    assert {ref.removeprefix("pkg:pypi/").partition("@")[0] for ref in needs["gatehouse"]} == RUN_TIME
    needed = {ref for refs in needs.values() for ref in refs}
    assert {each["bom-ref"] for each in document["components"]} == needed, "nothing is there that nobody needs"


@pytest.fixture
def vulnerabilities():
    """A service of vulnerabilities on this machine, its address, and what it answers by package."""
    known: dict[str, dict[str, object]] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(known.get(query["package"]["name"], {})).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query", known
    server.shutdown()
    server.server_close()


def audit(tools, monkeypatch, folder: Path, url: str) -> int:
    """Audit one package with the service at this address, and return the exit status."""
    module = tools("audit")
    requirements = folder / "requirements.txt"
    requirements.write_text(f"zxcvbn==4.5.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    monkeypatch.setattr(module, "FILES", [requirements])
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    cache = f"--cache-dir={folder / 'cache'}"
    status: int = module.main(["--vulnerability-service=osv", f"--osv-url={url}", cache, "--timeout=60"])
    return status


def test_audit_fails_for_a_known_vulnerability(tools, monkeypatch, tmp_path, vulnerabilities, capsys):
    """The change does not go out before somebody has looked at it."""
    url, known = vulnerabilities
    affected = {"package": {"name": "zxcvbn", "ecosystem": "PyPI"}, "versions": ["4.5.0"]}
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "4.5.1"}]}]
    known["zxcvbn"] = {"vulns": [{"id": "PYSEC-2026-1", "affected": [affected | {"ranges": ranges}]}]}

    assert audit(tools, monkeypatch, tmp_path, url) == 1

    assert "audit: zxcvbn 4.5.0: PYSEC-2026-1; fixed in: 4.5.1" in capsys.readouterr().err


def test_audit_passes_without_one_and_says_what_it_did(tools, monkeypatch, tmp_path, vulnerabilities, capsys):
    """Silence could also mean that nothing was compared."""
    assert audit(tools, monkeypatch, tmp_path, vulnerabilities[0]) == 0

    assert "audit: requirements.txt: 1 packages compared, 0 vulnerable" in capsys.readouterr().err


def test_audit_that_cannot_ask_says_so_and_passes(tools, monkeypatch, tmp_path, capsys):
    """A change does not wait for somebody else's service."""
    assert audit(tools, monkeypatch, tmp_path, "http://127.0.0.1:9/v1/query") == 0

    assert "audit: requirements.txt could not be compared: " in capsys.readouterr().err
