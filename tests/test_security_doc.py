"""docs/security.md against what it is about: every requirement is there once, and every test that it names exists.

That the tests ran is held by tests/documented_tests.py at the end of a whole run, and tried out here.
"""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.documented_tests import GUIDE, named_tests

ROOT = Path(__file__).parent.parent

REQUIREMENTS = {
    "V2": "2.1.1 2.1.2 2.1.3 2.2.1 2.2.2 2.2.3 2.3.1 2.3.2 2.3.3 2.3.4 2.4.1",
    "V6": "6.1.1 6.1.2 6.1.3 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.2.9 6.2.10 6.2.11 6.2.12 6.3.1 6.3.2"
    " 6.3.3 6.3.4 6.4.1 6.4.2 6.4.3 6.4.4 6.5.1 6.5.2 6.5.3 6.5.4 6.5.5 6.6.1 6.6.2 6.6.3 6.8.1 6.8.2 6.8.3 6.8.4",
    "V7": "7.1.1 7.1.2 7.1.3 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.6.1 7.6.2",
    "V11": "11.1.1 11.1.2 11.2.1 11.2.2 11.2.3 11.3.1 11.3.2 11.3.3 11.4.1 11.4.2 11.4.3 11.4.4 11.5.1 11.6.1",
    "V16": "16.1.1 16.2.1 16.2.2 16.2.3 16.2.4 16.2.5 16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.4.2 16.4.3 16.5.1 16.5.2"
    " 16.5.3",
}
"""Those of levels 1 and 2. Source: OWASP ASVS 5.0.0, the table of its requirements."""


@cache
def functions_of(path: str) -> frozenset[str]:
    """Return the test functions of a file."""
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    return frozenset(node.name for node in found if node.name.startswith("test_"))


def rows(chapter: str) -> list[tuple[list[str], str]]:
    """Return the numbers and the text of each row of a chapter."""
    section = GUIDE.read_text(encoding="utf-8").partition(f"\n### {chapter} ")[2].partition("\n## ")[0]
    own = section.partition("\n### ")[0]
    return [(numbers.split(", "), rest) for numbers, rest in re.findall(r"^\| (\d[\d., ]*) \| (.*) \|$", own, re.M)]


@pytest.mark.parametrize("chapter", REQUIREMENTS)
def test_every_requirement_is_there_once(chapter):
    """Those of level 3 may be there as well, if they say so."""
    found = [(number, text) for numbers, text in rows(chapter) for number in numbers]
    expected = REQUIREMENTS[chapter].split()

    assert [number for number, text in found if "(level 3)" not in text] == expected
    assert len({number for number, _ in found}) == len(found)


@pytest.mark.parametrize("chapter", REQUIREMENTS)
def test_every_requirement_that_applies_names_a_test(chapter):
    """Or says why it does not apply."""
    for numbers, text in rows(chapter):
        assert ("does not apply" in text or "do not apply" in text) != ("`" in text.rpartition("|")[2]), numbers


@pytest.mark.parametrize("named", sorted(set(named_tests()), key=str), ids=lambda named: "::".join(filter(None, named)))
def test_every_named_test_exists(named):
    """Under this very name."""
    path, function = named

    assert functions_of(path)
    assert function is None or function in functions_of(path)


CONFTEST = """
from tests.documented_tests import DocumentedTests

def pytest_configure(config):
    config.pluginmanager.register(DocumentedTests(config, ["tests/test_one.py::test_named", "tests/test_one.py"]))
"""
PASSES, SKIPS = "def test_named(): pass\n", "import pytest\n@pytest.mark.skip\ndef test_named(): pass\n"
OTHER = "def test_other(): pass\n"


@pytest.mark.parametrize(
    ("content", "options", "status"),
    [
        (PASSES + OTHER, [], 0),
        (OTHER, [], 1),
        (SKIPS + OTHER, [], 1),
        ("import pytest\n@pytest.mark.parametrize('x', [1, 2])\ndef test_named(x): pass\n", [], 0),
        (OTHER, ["tests/test_one.py"], 0),
        (OTHER, ["-k", "not named"], 0),
        (PASSES + OTHER, ["-k", "other"], 0),
        (OTHER, ["--collect-only"], 0),
    ],
    ids=["ran", "gone", "skipped", "parameters", "path", "option", "deselected", "collected"],
)
def test_whole_run_without_a_named_test_fails(tmp_path, content, options, status):
    """And a run of some tests does not, because nobody would run some of them otherwise."""
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\naddopts = --import-mode=importlib\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_one.py").write_text(content)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]

    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)

    assert done.returncode == status, done.stdout
    assert ("tests/test_one.py::test_named" in done.stdout.partition("but not passed")[2]) == (status == 1)
