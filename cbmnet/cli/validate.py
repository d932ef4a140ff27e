"""`cbmnet validate`: known results beside what the program gives."""

import json
import os
import sys
from dataclasses import fields
from typing import Annotated, Any

import typer

from cbmnet.cli.options import AsJson, Jobs, Set
from cbmnet.cli.verb import VERBS
from cbmnet.errors import ConfigError, Fault


@VERBS.register("validate")
def validate(
    case: Annotated[
        str | None, typer.Argument(help="One case; all of them if left out.", show_default=False)
    ] = None,
    overrides: Set = None,
    list_: Annotated[bool, typer.Option("--list", help="Name the cases.")] = False,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Compare known results with simulated ones: exact, simulated, standard error, n."""
    from cbmnet.validation.case import CASES  # noqa: PLC0415 (loads pydantic)

    if list_:
        for name in CASES.names():
            print(f"{name:18} {(CASES[name].make.__doc__ or '').splitlines()[0]}")
        return
    if case is not None and case not in CASES.names():
        raise _fault(case, f": no such case; there are {', '.join(CASES.names())}.")
    good, reports = True, []
    for name in [case] if case else CASES.names():
        parameters = parameters_of(name, CASES[name].config, overrides or [], strict=case is not None)
        results = CASES[name].make(parameters, jobs or os.cpu_count() or 1, _advance(name))
        good = good and all(outcome.agrees for outcome in results.values())
        reports.append(
            {"case": name, "parameters": parameters, "results": {k: _plain(v) for k, v in results.items()}}
        )
        if not as_json:
            _show(name, results)
    if as_json:
        print(json.dumps(reports[0] if case else reports))
    if not good:
        raise typer.Exit(1)


def parameters_of(name: str, config: type, overrides: list[str], *, strict: bool) -> dict[str, Any]:
    """The parameters of a case with `--set` applied; every fault at once."""
    known = {field.name: field.default for field in fields(config)}
    faults, chosen = [], dict(known)
    for text in overrides:
        key, _, value = text.partition("=")
        if key not in known:
            if strict:
                there = ", ".join(known) or "none"
                faults.append(
                    Fault("--set", None, key, f": {name} has no such parameter; there are {there}.")
                )
            continue
        try:
            chosen[key] = _typed(value, type(known[key]))
        except ValueError:
            faults.append(Fault("--set", None, key, f' = "{value}": must be {type(known[key]).__name__}.'))
    if faults:
        raise ConfigError(faults)
    try:
        config(**chosen)
    except ValueError as error:
        raise _fault(name, f": {error}.") from None
    return chosen


def _typed(value: str, kind: type) -> Any:
    if kind is bool:
        if value not in ("true", "false"):
            raise ValueError(value)
        return value == "true"
    number = kind(value)
    if isinstance(number, float) and not abs(number) < float("inf"):
        raise ValueError(value)
    if number < 0:
        raise ValueError(value)
    return number


def _fault(key: str, message: str) -> ConfigError:
    return ConfigError([Fault("cbmnet validate", None, key, message)])


def _advance(case: str) -> Any:
    def tell(step: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{case}: {step}", end="", file=sys.stderr, flush=True)

    return tell


def _plain(outcome: Any) -> dict[str, Any]:
    return {
        "exact": outcome.exact, "simulated": outcome.simulated, "standard_error": outcome.standard_error,
        "n": outcome.n, "agrees": outcome.agrees, "note": outcome.note,
    }  # fmt: skip


def _show(name: str, results: Any) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    table = Table(title=name, title_justify="left", show_edge=False, pad_edge=False)
    for column, justify in (("result", "left"), ("exact", "right"), ("simulated", "right"), ("s.e.", "right"),
                            ("distance", "right"), ("n", "right"), ("", "left")):  # fmt: skip
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for key, o in results.items():
        unit = " s.e." if o.standard_error else ""
        verdict = ("agrees" if o.agrees else "DIFFERS") + (f"; {o.note}" if o.note else "")
        table.add_row(key, f"{o.exact:.6g}", f"{o.simulated:.6g}", f"{o.standard_error:.2g}",
                      f"{o.distance:.2g}{unit}", str(o.n), verdict)  # fmt: skip
    Console(width=None if sys.stdout.isatty() else 150, highlight=False).print(table)
