"""How the rows are told: a table for people, and JSON for `--compare` and whoever draws curves."""

from collections.abc import Iterable
from typing import Any

from scripts.benchmark.measuring import Row

_LINE = "{:<48}{:>9}{:>8}  {:<30}{:>9}{:>8}  {:<24}{:>9}"
_BUSY = 0.5
"""Of the load's core. Below it, the load could have been twice as much, so that it is not what was measured."""


def heading() -> str:
    """Return the line above all others."""
    return _LINE.format("case", "calls/s", "CPU µs", "against", "calls/s", "CPU µs", "value (min…max)", "target")


def line(row: Row) -> str:
    """Return the line of a row; `!` marks a target that was missed, `load!` one where the load may be the limit."""
    told, digits = row.details, 0 if row.value >= 100 else 1 if row.value >= 10 else 2
    values = " ".join(
        (f"{row.value:.{digits}f}{row.unit}", f"({min(row.values):.{digits}f}…{max(row.values):.{digits}f})")
    )
    target = ""
    if row.target is not None:
        target = f"{'≤' if row.is_ceiling else '≥'} {row.target:g}{'' if row.is_reached else ' !'}"
    if told.get("loadBusy", 0) > _BUSY and "rate" in told:
        target += " load!"
    figures = [
        f"{told[name]:.{digits}f}" if name in told else ""
        for name, digits in (
            ("rate", 1),
            ("cpuMicroseconds", 0),
            ("againstRate", 1),
            ("againstCpuMicroseconds", 0),
        )
    ]
    return _LINE.format(row.name, *figures[:2], row.against, *figures[2:], values, target).rstrip()


def plain(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the rows as JSON has them."""
    return [
        {
            "case": row.name,
            "against": row.against,
            "value": row.value,
            "min": min(row.values),
            "max": max(row.values),
            "values": list(row.values),
            "unit": row.unit,
            "target": row.target,
            "isCeiling": row.is_ceiling,
            "isReached": row.is_reached,
            **row.details,
        }
        for row in rows
    ]


def changes(before: Iterable[dict[str, Any]], now: Iterable[dict[str, Any]]) -> list[str]:
    """Return a line for each case of either run: what its value was, what it is, and whether they lie apart.

    They do where the repeats of one run are all above those of the other; what lies closer may be chance.
    """
    old = {each["case"]: each for each in before}
    new = {each["case"]: each for each in now}
    lines = []
    for name in dict.fromkeys((*old, *new)):
        if name not in old or name not in new:
            lines.append(f"{name:<48}{'only before' if name in old else 'new'}")
            continue
        was, is_now = old[name], new[name]
        text = f"{name:<48}{was['value']:>10.2f} → {is_now['value']:<10.2f}{_percent(was['value'], is_now['value']):>8}"
        if was.get("cpuMicroseconds") and is_now.get("cpuMicroseconds"):
            change = _percent(was["cpuMicroseconds"], is_now["cpuMicroseconds"])
            text += f"   CPU {was['cpuMicroseconds']:.0f} → {is_now['cpuMicroseconds']:.0f} µs {change}"
        if was["max"] < is_now["min"] or is_now["max"] < was["min"]:
            is_better = (is_now["value"] < was["value"]) is bool(was["isCeiling"])
            text += "   better" if is_better else "   WORSE"
        lines.append(text)
    return lines


def _percent(was: float, is_now: float) -> str:
    return f"{(is_now / was - 1) * 100:+.0f} %" if was else ""
