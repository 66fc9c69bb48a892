"""The golden messages: what every kind of client sends, and to the byte what it gets. See messages/README.md."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gatehouse.fronts.data_contracts import REQUESTS
from tests.conformance import golden
from tests.conformance.golden import Pair
from tests.conformance.golden_values import LiveValues
from tests.conformance.service import Service

LEAST_PAIRS = 150

PAIRS = {path.stem: golden.read(path) for path in sorted(golden.FOLDER.glob("*.http"))}

XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
SESSION_EXPIRED = "41"
OTHER_EACH_TIME = {"CredentialsToken", "EncodedCookie", "LastLogin"}


@pytest.fixture(scope="module")
def values(sqlite_service: Service) -> LiveValues:
    """The values of the live service."""
    return LiveValues(sqlite_service)


@pytest.fixture(scope="module")
def either_values(either_service: Service) -> LiveValues:
    """The values of the live service, with each server."""
    return LiveValues(either_service)


def assert_answered(pair: Pair, service: Service, values: LiveValues) -> None:
    """Send the request, and compare status, headers and every byte of the body."""
    with values.for_one_pair():
        answer = golden.send(service.port, golden.encode(pair, values))
        shown = golden.show(answer)
        assert str(answer.status) == pair.answer.line, shown
        assert [name for name, _ in answer.told] == [name for name, _ in pair.answer.headers], shown
        for (name, got), (_, expected) in zip(answer.told, pair.answer.headers, strict=True):
            assert golden.matches(expected, got, values), f"{name}: {got}\nexpected: {expected}"
        assert golden.matches(pair.answer.body, answer.body.decode(), values), f"{shown}\nexpected:\n{pair.answer.body}"


@pytest.mark.parametrize("name", PAIRS)
def test_answer_is_the_golden_one(either_service: Service, either_values: LiveValues, name: str) -> None:
    """A client that cannot be changed sees the same bytes as before, whichever server speaks HTTP."""
    assert_answered(PAIRS[name], either_service, either_values)


@pytest.mark.parametrize("name", [name for name, pair in PAIRS.items() if "1.2" in pair.also])
def test_answer_is_the_golden_one_in_soap_12(sqlite_service: Service, values: LiveValues, name: str) -> None:
    """The same call in the other version: the same answer in the other envelope."""
    pair = golden.in_soap_12(PAIRS[name])
    if pair.answer.line == "200":
        assert_answered(pair, sqlite_service, values)
        return
    # A fault has other elements there, which test_fault_samples.py compares.
    with values.for_one_pair():
        answer = golden.send(sqlite_service.port, golden.encode(pair, values))
        assert answer.status in (400, 500)
        (reason,) = etree.fromstring(answer.body).iterfind(".//{*}Reason/{*}Text")
        assert (reason.text or "no words") in pair.answer.body


@pytest.mark.parametrize("name", [name for name, pair in PAIRS.items() if "json" in pair.also])
def test_call_has_the_golden_outcome_in_json(sqlite_service: Service, values: LiveValues, name: str) -> None:
    """The same members in JSON: the same result, member by member in the same order."""
    pair = PAIRS[name]
    with values.for_one_pair():
        method, headers, members = _as_json(pair, values)
        request = golden.Pair(
            name=name,
            about="",
            options={},
            request=golden.Message(f"POST /v2/account.svc/{method}", headers, json.dumps(members)),
            answer=pair.answer,
        )
        answer = golden.send(sqlite_service.port, golden.encode(request, values))
        expected = {child.tag.rpartition("}")[2]: _text(child) for child in _result(pair)}
        if expected["Code"] == SESSION_EXPIRED:
            assert answer.status == 403
            return
        assert answer.status == 200, answer.body
        got: dict[str, Any] = json.loads(answer.body)["d"]
        assert list(got) == list(expected)
        for member in got.keys() - OTHER_EACH_TIME:
            assert golden.matches(_shown(expected[member]), _shown(_plain(got[member])), values), member
        for member in OTHER_EACH_TIME & got.keys():
            assert (got[member] is None) is (expected[member] is None), member


def _result(pair: Pair) -> etree._Element:
    (body,) = etree.fromstring(pair.answer.body.encode()).iterchildren("{*}Body")
    (response,) = body
    (result,) = response
    return result


def _as_json(pair: Pair, values: LiveValues) -> tuple[str, golden.Headers, dict[str, Any]]:
    text = golden.fill(pair.request.body, values).replace('encoding="utf-16"', "").strip()
    root = etree.fromstring(text.encode(), etree.XMLParser(remove_comments=True, remove_pis=True))
    (operation,) = next(iter(root.iterchildren("{*}Body")))
    tokens = ("applicationtoken", "credentialstoken", "cookie")
    headers = [each for each in pair.request.headers if each[0].casefold() in tokens]
    for header in root.iterfind("{*}Header/*"):
        name = etree.QName(header).localname
        if name.casefold() in tokens and name.casefold() not in [each.casefold() for each, _ in headers]:
            headers.append((name, header.text or ""))
    members = {etree.QName(child).localname: _member(child) for child in operation}
    return etree.QName(operation).localname, (*headers, ("Content-Type", "application/json")), members


def _member(element: etree._Element) -> Any:
    if len(element):
        return [{etree.QName(each).localname: _text(each) for each in block} for block in element]
    return _text(element)


def _text(element: etree._Element) -> str | None:
    return None if element.get(XSI_NIL) == "true" else element.text or ""


def _plain(value: Any) -> str | None:
    return json.dumps(value) if isinstance(value, bool | int) else value


def _shown(text: str | None) -> str:
    return "nil" if text is None else f"={text}"


def test_there_are_enough_pairs_and_none_twice() -> None:
    """Each is named for its client or its quirk, says what it is about, and is another request than the others."""
    assert len(PAIRS) >= LEAST_PAIRS
    sent = Counter(hashlib.sha256(repr((pair.request, pair.options)).encode()).hexdigest() for pair in PAIRS.values())
    assert [pair.name for pair in PAIRS.values() if not pair.about] == []
    assert sent.most_common(1)[0][1] == 1


def test_every_file_is_used() -> None:
    """A pair that nobody runs proves nothing."""
    unused = {
        path.relative_to(golden.FOLDER).as_posix()
        for path in golden.FOLDER.rglob("*")
        if path.is_file() and path.stem not in PAIRS
    }
    assert {name for name in unused if not name.startswith("faults/")} == {"README.md"}


def test_every_option_is_one_that_exists() -> None:
    """A misspelt option would be no option."""
    known = {"also", "encoding", "bom", "crlf", "chunked", "gzip"}
    assert {name for pair in PAIRS.values() for name in pair.options} <= known
    assert {each for pair in PAIRS.values() for each in pair.also} == {"1.2", "json"}


def test_every_method_succeeds_and_is_refused_in_both_protocols() -> None:
    """All nine, in XML and in JSON."""
    assert set(_outcomes()) >= {
        (method, protocol, is_success)
        for method in REQUESTS
        for protocol in ("soap", "json")
        for is_success in (True, False)
    }


def _outcomes() -> Iterator[tuple[str, str, bool]]:
    for pair in PAIRS.values():
        names = re.findall(r"<(?:\w+:)?Body>\s*<(?:\w+:)?(\w+)", pair.request.body) or [Path(pair.request.line).name]
        method = next((each for each in REQUESTS if each.casefold() == names[0].casefold()), None)
        if method is None or ("Success" not in pair.answer.body and "Key" not in pair.answer.body):
            continue
        is_success = re.search(r"Key>Success<|\"Key\":\"Success\"", pair.answer.body) is not None
        is_json = "account.svc/" in pair.request.line and pair.request.line.rstrip("/")[-3:].casefold() != "svc"
        yield method, "json" if is_json else "soap", is_success
        if "json" in pair.also:
            yield method, "json", is_success
