"""How long the pages of the panel take with 200 merchants and a million accounts, as each role of an operator."""

from scripts.benchmark.bench import POSTGRESQL, SQLITE, Bench
from scripts.benchmark.measuring import Row
from scripts.benchmark.panel import QUICK_ROUNDS, ROUNDS, TARGET, measure_panel
from scripts.benchmark.panel_rows import Amount

_QUICK_PART = 200


def run(bench: Bench) -> list[Row]:
    """Return a row for each page: the 95th percentile as each role."""
    kind = POSTGRESQL if bench.postgresql else SQLITE
    is_quick = bench.options.is_quick
    amount = Amount().divided(_QUICK_PART) if is_quick else Amount()
    rounds = QUICK_ROUNDS if is_quick else ROUNDS
    figures = measure_panel(bench.cores, bench.folder, bench.new_database("panel", kind), amount, rounds)
    rows = []
    for page in dict.fromkeys(each.page for each in figures):
        slowest = [each.p95 * 1000 for each in figures if each.page == page]
        rows.append(Row(f"panel: {page}", kind, slowest, TARGET * 1000, is_ceiling=True, unit="ms"))
    return rows
