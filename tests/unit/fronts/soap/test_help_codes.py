"""The return codes that the help page names for a method, against those that the operations name in their code.

Written in Python's syntax tree, a code that a function gives is `ReturnCode.X` outside of a comparison. All that is
reached from a method's operation is what the method can give.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gatehouse
from gatehouse.domain.codes import ReturnCode
from gatehouse.fronts.data_contracts import DECODE_COOKIE_RESULT, LOGIN_RESULT, REQUESTS, SERVICE_RESULT
from gatehouse.fronts.soap.help import advice, methods

ROOT = Path(gatehouse.__file__).parent

UNREACHABLE = {
    "DeviceActivate": {ReturnCode.DEVICE_NOT_ACTIVATED},
    "DeviceSendActivationCode": {ReturnCode.DEVICE_NOT_ACTIVATED},
    "RegisterDevice": {ReturnCode.DEVICE_NOT_ACTIVATED},
    "LogOff": {ReturnCode.SESSION_REQUIRED, ReturnCode.APPLICATION_TOKEN_REQUIRED},
    "UpdatePassword": {ReturnCode.PASSWORD_CHANGE_REQUIRED},
    "UpdatePincode": {ReturnCode.TEMPORARY_PASSWORD_EXPIRED},
}
"""What a function on the way names, and never gives to this method: device methods may lack a device, LogOff needs no
session, UpdatePassword is what a temporary password is for, and UpdatePincode takes none."""

Place = tuple[str, str]
"""A module, and a function or the method of a class in it."""


class Code:
    """The functions of the operations and of the front that calls them."""

    def __init__(self) -> None:
        self.functions: dict[Place, ast.AST] = {}
        self.methods: dict[str, list[Place]] = {}
        self.imports: dict[str, dict[str, str]] = {}
        for path in [*sorted((ROOT / "operations").glob("*.py")), ROOT / "fronts" / "account_calls.py"]:
            self._read(f"gatehouse.{path.parent.name}.{path.stem}", ast.parse(path.read_text()))

    def _read(self, module: str, tree: ast.Module) -> None:
        self.imports[module] = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                self.functions[module, node.name] = node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef):
                        self.functions[module, f"{node.name}.{inner.name}"] = inner
                        self.methods.setdefault(inner.name, []).append((module, f"{node.name}.{inner.name}"))
            if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "_OPERATIONS":
                assert isinstance(node.value, ast.Dict)
                for key, value in zip(node.value.keys, node.value.values, strict=True):
                    assert isinstance(key, ast.Constant)
                    self.functions[module, f"call of {key.value}"] = value

    def codes_of(self, place: Place) -> set[ReturnCode]:
        """Return the codes of a function and of all that it refers to."""
        found: set[ReturnCode] = set()
        seen, waiting = {place}, [place]
        while waiting:
            here = waiting.pop()
            for node in _outside_of_comparisons(self.functions[here]):
                if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "ReturnCode":
                    found.add(ReturnCode[node.attr])
                for each in self._referred(here[0], node):
                    if each not in seen:
                        seen.add(each)
                        waiting.append(each)
        return found

    def _referred(self, module: str, node: ast.AST) -> list[Place]:
        """Return the functions that a name, or a name of a module, or a method of whatever object may mean."""
        imports = self.imports[module]
        places: list[Place] = []
        if isinstance(node, ast.Name):
            origin, _, name = imports.get(node.id, f"{module}.{node.id}").rpartition(".")
            places = [(origin, name)]
        elif isinstance(node, ast.Attribute):
            owner = imports.get(node.value.id) if isinstance(node.value, ast.Name) else None
            places = [(owner, node.attr)] if owner else self.methods.get(node.attr, [])
        return [each for each in places if each in self.functions]


def _outside_of_comparisons(node: ast.AST) -> Iterator[ast.AST]:
    """Give every node, but for what a result is only compared with."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.Compare) and isinstance(child, ast.Attribute | ast.Tuple):
            continue
        if not isinstance(child, ast.pattern):
            yield from _outside_of_comparisons(child)


@pytest.fixture(scope="module")
def code() -> Code:
    """All of it, read once."""
    return Code()


@pytest.mark.parametrize("method", REQUESTS)
def test_a_method_names_the_codes_that_it_can_give(method: str, code: Code) -> None:
    """No more and no fewer; a code that is new in an operation must be told here and on the page."""
    reached = code.codes_of(("gatehouse.fronts.account_calls", f"call of {method}"))
    impossible = UNREACHABLE.get(method, set())

    assert impossible <= reached, "this is not named any more and need not be excepted"
    assert methods.METHODS[method].codes - methods.ALWAYS == reached - impossible - methods.ALWAYS


def test_every_code_belongs_somewhere() -> None:
    """Each is given by a method, by guest management alone, or by nobody yet."""
    given = frozenset().union(*(each.codes for each in methods.METHODS.values()))

    assert given | advice.GUEST_MANAGEMENT_ONLY | advice.RESERVED == set(ReturnCode)
    assert not given & (advice.GUEST_MANAGEMENT_ONLY | advice.RESERVED)
    assert not advice.GUEST_MANAGEMENT_ONLY & advice.RESERVED
    assert list(advice.ADVICE) == list(ReturnCode)


def test_what_is_reserved_is_named_by_no_operation() -> None:
    """It would have to be told of who gives it."""
    sources = [path.read_text() for path in (ROOT / "operations").rglob("*.py")]

    assert [each.name for each in advice.RESERVED if any(f"ReturnCode.{each.name}" in text for text in sources)] == []


def test_fields_and_results_are_those_of_the_contract() -> None:
    """A member without a meaning would be a hole in the page, and a meaning without a member a lie."""
    assert {name: list(each.fields) for name, each in methods.METHODS.items()} == {
        name: list(members) for name, members in REQUESTS.items()
    }
    assert methods.RESULT_MEANINGS.keys() == SERVICE_RESULT.keys() | LOGIN_RESULT.keys() | DECODE_COOKIE_RESULT.keys()
