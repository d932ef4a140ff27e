"""The tables of a study: short headings, whole cells, and as many metrics side by side as fit."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

Rows = Sequence[dict[str, Any]]
PLAIN, UNLIMITED = 160, 10_000  # columns: where there is no terminal, and to ask how wide a table wants to be


def show_rows(console: Any, rows: Rows, names: Sequence[str]) -> None:
    """The rows of points with these metrics, in blocks that fit the console, then how to read them."""
    short = short_keys(list(rows[0]["point"]))
    for number, block in enumerate(_blocks(console, rows, names, short)):
        if number:
            console.print()
        console.print(_table(rows, block, short))
    if cut := ", ".join(f"{name} = {key}" for key, name in short.items() if name != key):
        console.print(cut, style="dim")
    if methods := _methods(rows, names):
        console.print(methods, style="dim")


def console() -> Any:
    """Standard output as wide as its terminal, or 160 columns where it is none."""
    from rich.console import Console  # noqa: PLC0415 (rich loads late)

    return Console(width=None if sys.stdout.isatty() else PLAIN, highlight=False)


def short_keys(keys: Sequence[str]) -> dict[str, str]:
    """For each dotted key the fewest of its last parts that no other key ends in."""
    short = {}
    for key in keys:
        parts = key.split(".")
        tails = [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]
        others = [other for other in keys if other != key]
        short[key] = next((tail for tail in tails if not any(_ends_in(o, tail) for o in others)), key)
    return short


def _ends_in(key: str, tail: str) -> bool:
    return key == tail or key.endswith(f".{tail}")


def _blocks(console: Any, rows: Rows, names: Sequence[str], short: dict[str, str]) -> Iterator[list[str]]:
    block: list[str] = []
    for name in names:
        if block and _width(console, _table(rows, [*block, name], short)) > console.width:
            yield block
            block = []
        block = [*block, name]
    yield block


def _width(console: Any, table: Any) -> int:
    options = console.options.update(max_width=UNLIMITED)
    return int(table.__rich_measure__(console, options).maximum)


def _table(rows: Rows, names: Sequence[str], short: dict[str, str]) -> Any:
    from rich.table import Table  # noqa: PLC0415

    table = Table(show_edge=False, pad_edge=False)
    for heading in short.values():
        table.add_column(heading, no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        cells = [str(value) for value in row["point"].values()]
        table.add_row(*cells, *(_cell(row["metrics"].get(name)) for name in names))
    return table


def _cell(metric: dict[str, Any] | None) -> str:
    from cbmnet.reports.answer import stated  # noqa: PLC0415

    return "-" if metric is None else stated(metric)


def _methods(rows: Rows, names: Sequence[str]) -> str:
    """n, level, and by which method each metric has its interval."""
    used: dict[str, list[str]] = {}
    for name in names:
        methods = {row["metrics"][name]["method"] for row in rows if name in row["metrics"]}
        for method in sorted({each.split(",")[0] for each in methods}):
            used.setdefault(method, []).append(name)
    stated = [row["metrics"][name] for row in rows for name in names if name in row["metrics"]]
    if not stated:
        return ""
    sizes = sorted({metric["n"] for metric in stated})
    n = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    by = "; ".join(f"{method}: {', '.join(metrics)}" for method, metrics in used.items())
    return f"n = {n}, level {stated[0]['level']:.0%}; {by}"
