"""`cbmnet probe`: measures the configured links and protocol alone."""

import json
from typing import Annotated, Any

import typer

from cbmnet.cli.aside import aside
from cbmnet.cli.options import AsJson, File, PointNumber, Seed, Set
from cbmnet.cli.verb import VERBS

SECONDS = ", s"  # how the name of a quantity in seconds ends


@VERBS.register("probe")
def probe(
    file: File,
    messages: Annotated[int, typer.Option("--messages", min=1, help="How many notices are sent.")] = 10_000,
    every: Annotated[str, typer.Option("--every", help="Time between two, e.g. 1h.")] = "1h",
    link: Annotated[
        str | None,
        typer.Option("--link", metavar="FROM>TO", help="Which way; default: the first two states."),
    ] = None,
    point: PointNumber = 0,
    overrides: Set = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Measure loss, delay, duplicates, sends and what the sender believes, over one configured line."""
    from cbmnet.cli.chosen import chosen  # noqa: PLC0415 (pydantic loads late)
    from cbmnet.metrics.probing import Plan  # noqa: PLC0415
    from cbmnet.metrics.probing import probe as measure  # noqa: PLC0415

    one = chosen(file, overrides, seed, point, 0)
    source, target = _ends(link, list(one.config.states))
    plan = Plan(source, target, messages, _seconds(every), one.seed)
    with aside():
        results = measure(one.config, plan)
    if as_json:
        plain = {name: value and value.as_dict() for name, value in results.items()}
        print(json.dumps({"link": f"{source}>{target}", "messages": messages, "results": plain}))
        return
    variant = one.config.protocol.name
    print(f"{one.title}: {messages} notices from {source} to {target}, one every {every}, {variant}")
    _show(results)


def _ends(link: str | None, states: list[str]) -> tuple[str, str]:
    from cbmnet.errors import ConfigError, Fault  # noqa: PLC0415

    source, _, target = (link or f"{states[0]}>{states[1]}").partition(">")
    if source not in states or target not in states or source == target:
        there = ", ".join(sorted(states))
        said = f' = "{link}": write "from>to" with two of {there}.'
        raise ConfigError([Fault("cbmnet probe", None, "--link", said)])
    return source, target


def _seconds(text: str) -> float:
    from cbmnet.errors import ConfigError, Fault  # noqa: PLC0415
    from cbmnet.units import parse_duration  # noqa: PLC0415

    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigError([Fault("cbmnet probe", None, "--every", f' = "{text}": {error}.')]) from None


def _show(results: dict[str, Any]) -> None:
    from rich.markup import escape  # noqa: PLC0415 (rich loads late)
    from rich.table import Table  # noqa: PLC0415

    from cbmnet.cli.tables import console  # noqa: PLC0415
    from cbmnet.units import format_duration  # noqa: PLC0415

    table = Table(show_edge=False, pad_edge=False)
    for column, justify in (("", "left"), ("measured", "right"), ("interval", "left"), ("n", "right"),
                            ("method", "left")):  # fmt: skip
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for name, value in results.items():
        if value is None:
            table.add_row(name.removesuffix(SECONDS), "none", "", "0", "")
            continue
        is_time = name.endswith(SECONDS)  # a person reads 1.5h where a program reads 5400
        shown = format_duration if is_time else "{:.4g}".format
        limits = (
            "" if value.low is None or value.high is None else f"[{shown(value.low)}, {shown(value.high)}]"
        )
        method = f"{value.level:.0%}, {value.method}"
        table.add_row(name.removesuffix(SECONDS), shown(value.mean), escape(limits), str(value.n), method)
    console().print(table)
    unsent = results["never sent"]
    if unsent is not None and unsent.mean > 0.0:
        print(
            f"{round(unsent.mean * unsent.n)} of {unsent.n} notices were never sent before the end. "
            "If they come faster than the line\n"
            "takes them, a longer --every shows what it does with less to carry."
        )
