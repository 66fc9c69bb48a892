"""A call that is refused before anything is read, over SOAP and as JSON: what reading and writing messages costs."""

from scripts.benchmark.bench import GRANIAN, SQLITE, Bench
from scripts.benchmark.measuring import Comparison, Row, compare

TARGET, GRANIAN_TARGET = 0.8, 1.5


def run(bench: Bench) -> list[Row]:
    """Measure UpdatePassword without a session against the same gunicorn that only parses and builds."""
    gatehouse = bench.gatehouse(SQLITE)
    soap, json = gatehouse.refusals(), gatehouse.json_refusals()
    soap_arm, json_arm = gatehouse.arm("gunicorn", soap), gatehouse.arm("gunicorn", json)
    comparisons = [
        Comparison("UpdatePassword refused, SOAP", soap_arm, bench.bare("/lxml", soap[0], gatehouse), TARGET),
        Comparison("UpdatePassword refused, JSON", json_arm, bench.bare("/json", json[0], gatehouse), TARGET),
    ]
    if bench.has_granian:
        other = bench.gatehouse(SQLITE, GRANIAN)
        comparisons += [
            Comparison(
                "UpdatePassword refused, SOAP, granian",
                other.arm("granian", other.refusals()),
                soap_arm,
                GRANIAN_TARGET,
            ),
            Comparison(
                "UpdatePassword refused, JSON, granian",
                other.arm("granian", other.json_refusals()),
                json_arm,
                GRANIAN_TARGET,
            ),
        ]
    return compare(comparisons, bench.options.seconds, bench.options.repeats)
