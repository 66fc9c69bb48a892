"""The fuzzer: that the service stands it for a while, and that it would see what it looks for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.fuzzing import cases
from scripts.fuzzing.cases import SOAP_PATH, Case
from scripts.fuzzing.checks import MOST_CPU_SECONDS, is_slow, problems_of
from scripts.fuzzing.generate import generate
from scripts.fuzzing.minimise import minimise
from scripts.fuzzing.running import run
from scripts.fuzzing.target import Answer, Target
from tests.scratch import scratch_folder

SEED, COUNT = 20260301, 3_000

XML, JSON = "text/xml; charset=utf-8", "application/json; charset=utf-8"
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
CANARY = "cny0123456789ab"


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """The service on a database of its own."""
    with scratch_folder("gatehouse-fuzz-") as folder:
        made = Target(folder)
        yield made
        made.close()


def fault(text: str = "Why.", code: str = "s:Client") -> bytes:
    """Return a fault of SOAP 1.1."""
    return (
        f'<s:Envelope xmlns:s="{SOAP_11}"><s:Body><s:Fault><faultcode>{code}</faultcode>'
        f"<faultstring>{text}</faultstring></s:Fault></s:Body></s:Envelope>"
    ).encode()


def result(content: str) -> bytes:
    """Return a result of SOAP 1.1."""
    return (
        f'<s:Envelope xmlns:s="{SOAP_11}"><s:Body><LogOffResponse xmlns="http://tempuri.org/">{content}'
        "</LogOffResponse></s:Body></s:Envelope>"
    ).encode()


def answer(status: int, body: bytes, media_type: str = XML, **rest: Any) -> Answer:
    """Return an answer with its length."""
    headers = (("Content-Type", media_type), ("Content-Length", str(len(body))))
    return Answer(status, headers, body, **{"cpu_seconds": 0.001} | rest)


def sent(path: str = SOAP_PATH, method: str = "POST") -> Case:
    """Return a case whose answer is looked at."""
    return Case("soap", "1:1", method, path, (), b"<x/>", (CANARY,))


def test_service_stands_thousands_of_cases(target: Target, tmp_path: Path) -> None:
    """`scripts/fuzz` runs as many as one likes. The seed is the same each time, so that a failure comes back."""
    report = run(target, SEED, range(COUNT), tmp_path)

    assert not report.problems, f"{report.problems}: see {report.files}"
    assert report.count == COUNT
    for kind in ("soap 200 Success", "json 200 Success", "guest 200 success", "soap 500", "json 400"):
        assert report.answers[kind] > 0, report.answers


def test_case_of_a_seed_is_the_same_each_time(target: Target) -> None:
    """A number in a report is enough to find a case again."""
    first = [generate(SEED, number, target.known) for number in range(100)]

    assert first == [generate(SEED, number, target.known) for number in range(100)]
    assert len({case.body for case in first}) > 90


@pytest.mark.parametrize(
    ("case", "given", "kind"),
    [
        (sent(), answer(500, b"", error=RuntimeError("x")), "exception"),
        (sent(), answer(500, fault(), log=((40, "gatehouse: a request failed"),)), "error log"),
        (sent(), answer(500, fault(), log=((20, f"gatehouse: {CANARY}"),)), "log leak"),
        (sent(), answer(500, fault(f"Not {CANARY.upper()}.")), "leak"),
        (sent(), answer(500, fault("mismatched tag: line 1, column 7")), "telltale"),
        (sent(), answer(500, fault("Traceback (most recent call last)")), "telltale"),
        (sent(), answer(502, fault()), "status"),
        (sent(), answer(200, fault()), "status"),
        (sent(), answer(500, fault(code="s:Server")), "ours"),
        (sent(), answer(500, fault()[:-1]), "form"),
        (sent(), answer(500, fault(), "application/soap+xml; charset=utf-8"), "form"),
        (sent(), answer(500, fault(), "text/html"), "form"),
        (sent(), answer(200, result("<LogOffResult><Code>99</Code><Key>InternalError</Key></LogOffResult>")), "ours"),
        (sent(), Answer(500, (("Content-Type", XML), ("Content-Length", "1")), fault(), 0.001), "framing"),
        (sent(), Answer(500, (("Content-Type", XML), ("X", "a\r\nb")), fault(), 0.001), "framing"),
        (sent(method="HEAD"), answer(200, b"x"), "framing"),
        (sent(f"{SOAP_PATH}/LogOff"), answer(500, b'{"Message":"x"}', JSON), "status"),
        (sent(f"{SOAP_PATH}/LogOff"), answer(200, b'{"d":{"Code":NaN}}', JSON), "form"),
        (sent(f"{SOAP_PATH}/LogOff"), answer(200, b'{"d":{"Code":99,"Key":"InternalError"}}', JSON), "ours"),
        (sent(f"{SOAP_PATH}/LogOff"), answer(400, b'{"d":true}', JSON), "form"),
        (sent("/guestmanagement/x.json"), answer(200, b'{"result":"other"}', JSON), "form"),
        (
            sent("/guestmanagement/x.json"),
            answer(200, b'{"result":"failure","errorCode":"guestmanagement.internal_error","errorMessage":"x"}', JSON),
            "ours",
        ),
        (sent("/other"), answer(500, b"x", "text/plain"), "status"),
    ],
)
def test_answer_that_is_wrong_is_seen(case: Case, given: Answer, kind: str) -> None:
    """A fuzzer that sees nothing finds nothing."""
    assert kind in [problem.partition(":")[0] for problem in problems_of(case, given)]


@pytest.mark.parametrize(
    ("case", "given"),
    [
        (sent(), answer(500, fault())),
        (sent(), answer(200, result("<LogOffResult><Code>0</Code></LogOffResult>"))),
        (sent(f"{SOAP_PATH}/LogOff"), answer(200, b'{"d":true}', JSON)),
        (sent(f"{SOAP_PATH}/LogOff"), answer(403, b'{"Message":"x"}', JSON)),
        (sent("/guestmanagement/x.json"), answer(200, b'{"result":"success"}', JSON)),
    ],
)
def test_answer_that_is_right_passes(case: Case, given: Answer) -> None:
    """Nor does one that sees everything."""
    assert problems_of(case, given) == []


def test_slow_answer_is_seen() -> None:
    """Fifty milliseconds of CPU, hashing apart."""
    assert is_slow(answer(500, fault(), cpu_seconds=MOST_CPU_SECONDS + 0.001))
    assert not is_slow(answer(500, fault(), cpu_seconds=MOST_CPU_SECONDS))


def test_bug_is_found_and_its_case_kept(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a bug in the service to a file that shows it again."""

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as broken:
        broken.setattr("gatehouse.fronts.wcf_json.app.read_members", fail)
        report = run(target, SEED, range(40), tmp_path)
        assert any(problem.startswith("error log: gatehouse.wcf_json") for problem in report.problems)
        case = cases.load(report.files[0])
        assert problems_of(case, target.send(case))

    assert problems_of(case, target.send(case)) == []


def test_case_is_made_as_small_as_it_can_be() -> None:
    """What is left is what matters."""
    case = Case("soap", "1:1", "POST", SOAP_PATH, (("A", "1"), ("B", "2")), b"much before" + b"BUG" + b"much behind")

    smaller = minimise(case, lambda each: b"BUG" in each.body and each.header("B") == "2")

    assert (smaller.headers, smaller.body) == ((("B", "2"),), b"BUG")
