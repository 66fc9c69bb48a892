"""Our faults beside those of WCF: kept samples of what it answers, in messages/faults (its README names the sources).

Compared are status, media type, elements, namespaces, prefixes, order, attributes, codes; the words where WCF's
repeat nothing of the request. Where the contract goes before WCF, the sample says so, and must then really differ.
"""

from typing import Any

import pytest
from lxml import etree

from gatehouse.fronts.soap import faults
from gatehouse.fronts.soap.faults import Fault, SoapFault
from gatehouse.fronts.soap.versions import SoapVersion
from tests.conformance import golden
from tests.conformance.golden import Answer, Pair

SAMPLES = {path.stem: golden.read(path) for path in sorted((golden.FOLDER / "faults").glob("*.http"))}

NO_REQUEST = "internal-service-fault"
"""Begins the names of the samples that no request asks for."""

LARGE = "x" * 65_536


def _answer_to(name: str, front: Any) -> Answer:
    """Return our answer to the request of a sample."""
    pair = SAMPLES[name]
    version = SoapVersion.SOAP_12 if name.endswith("1.2") else SoapVersion.SOAP_11
    if name.startswith(NO_REQUEST):
        fault = SoapFault(Fault.INTERNAL)
        headers = (("Content-Type", version.content_type),)
        return Answer(faults.status_of(fault.fault, version).value, headers, faults.render(fault, version))
    sent = dict(pair.request.headers) | {"applicationToken": front.token}
    content_type = sent.pop("Content-Type")
    answer = front.client.post(pair.request.body.replace("{large}", LARGE), sent, content_type)
    return Answer(answer.status, answer.headers, answer.body)


def _codes(body: bytes | str) -> list[tuple[str, str | None]]:
    """Return the codes of a fault: each as it is written, and the namespace of its prefix."""
    root = etree.fromstring(body)
    found = [*root.iterfind(".//faultcode"), *root.iterfind(".//{*}Code//{*}Value")]
    return [(each.text or "", each.nsmap.get((each.text or "").partition(":")[0])) for each in found]


def _shape(body: bytes | str) -> list[Any]:
    """Return everything of a fault but its codes and words: elements in their order, with prefix and attributes."""
    root = etree.fromstring(body)
    return [(each.tag, each.prefix, sorted(each.attrib.items()), each.getparent() is None) for each in root.iter()]


def _words(body: bytes | str) -> str:
    root = etree.fromstring(body)
    (found,) = [*root.iterfind(".//faultstring"), *root.iterfind(".//{*}Reason/{*}Text")]
    return found.text or ""


def _differences(pair: Pair, answer: Answer) -> set[str]:
    found = set()
    if str(answer.status) != pair.answer.line:
        found.add("status")
    if bool(answer.body) != bool(pair.answer.body):
        return found | {"body"}
    if answer.told != pair.answer.headers:
        found.add("media type")
    if _codes(answer.body) != _codes(pair.answer.body):
        found.add("code")
    if _shape(answer.body) != _shape(pair.answer.body):
        found.add("shape")
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_fault_is_wcfs(front: Any, name: str) -> None:
    """A client that looks into a fault finds what it has always found, but for what the contract says."""
    pair = SAMPLES[name]

    assert _differences(pair, _answer_to(name, front)) == set(pair.options.get("contract", "").split())


@pytest.mark.parametrize("name", [name for name, pair in SAMPLES.items() if "reason" in pair.options])
def test_words_are_wcfs_where_they_repeat_nothing(front: Any, name: str) -> None:
    """The others are ours, since a fault tells nothing of what was sent."""
    pair = SAMPLES[name]

    is_same = _words(_answer_to(name, front).body) == _words(pair.answer.body)

    assert is_same is (pair.options["reason"] == "wcf")


def test_there_is_a_sample_for_every_kind_in_both_versions() -> None:
    """Of the media type there is one: what is no SOAP has no version."""
    kinds = {name.rpartition("-")[0] for name in SAMPLES}

    assert len(kinds) >= 9
    assert SAMPLES.keys() == {f"{kind}-{version}" for kind in kinds for version in ("1.1", "1.2")} - {"media-type-1.2"}
