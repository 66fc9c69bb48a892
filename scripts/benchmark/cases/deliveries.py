"""How many mails a second `gatehouse worker` hands to a mail server that takes them at once."""

from scripts.benchmark.bench import Bench
from scripts.benchmark.mailing import measure_deliveries
from scripts.benchmark.measuring import Row

TARGET = 200.0
"""Mails a second."""


def run(bench: Bench) -> list[Row]:
    """Measure it on each database: one of its own, because a service would deliver what is in its outbox itself."""
    rows = []
    for kind in bench.databases:
        url = bench.new_database(f"deliveries-{kind}", kind)
        found = measure_deliveries(bench.cores, url, bench.options.mails)
        rows.append(Row(f"mails of a worker, {kind}", "", [found], TARGET, unit="/s"))
    return rows
