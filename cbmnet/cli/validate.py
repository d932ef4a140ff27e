"""`cbmnet validate`: known results beside what the program gives."""

import json
import os
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cbmnet.cli.options import AsJson, Jobs, Parameter
from cbmnet.cli.tables import console
from cbmnet.cli.verb import VERBS
from cbmnet.errors import ConfigError, Fault

if TYPE_CHECKING:
    from cbmnet.validation.case import Advance, Case, Outcome, Results

ROOMY = 120  # columns of a terminal from which on notes fit beside the numbers
_KINDS = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text"}


@VERBS.register("validate")
def validate(
    case: Annotated[
        str | None, typer.Argument(help="One case; all of them if left out.", show_default=False)
    ] = None,
    overrides: Parameter = None,
    trials: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--trials",
            min=1,
            show_default="as many as errors of 1 % take",
            help="Number of trials; short for --set trials=N.",
        ),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Name the cases, with their parameters.")] = False,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Compare known results with simulated ones: exact, simulated, standard error, n.

    Without a case every case runs, and each takes those of the parameters that it has.
    """
    from cbmnet.validation.case import CASES  # noqa: PLC0415 (loads pydantic)
    from cbmnet.validation.precision import run_precisely  # noqa: PLC0415

    if list_ and as_json:
        print(json.dumps(CASES.names()))
        return
    if list_:
        for name in CASES.names():
            print(f"{name:20} {(CASES[name].make.__doc__ or '').splitlines()[0]}")
            if said := ", ".join(f"{f.name}={f.default}" for f in fields(CASES[name].config)):
                print(textwrap.fill(said, 100, initial_indent=" " * 21, subsequent_indent=" " * 21))
        return
    if case is not None and case not in CASES.names():
        raise _fault(case, f": no such case; there are {', '.join(CASES.names())}.")
    chosen = {name: CASES[name].config for name in ([case] if case else CASES.names())}
    given, parameters = _parameters(chosen, overrides or [], trials)
    reports: list[dict[str, Any]] = []
    for name, values in parameters.items():
        with _telling(name) as advance:
            is_open = "trials" in values and "trials" not in given
            run = run_precisely if is_open else _run_once
            used, results = run(CASES[name].make, values, jobs or os.cpu_count() or 1, advance)
        reports.append({"case": name, "parameters": used, "results": _plain(results)})
        if not as_json:
            _show(name, used, results)
    if as_json:
        print(json.dumps(reports[0] if case else reports))
    if not all(result["agrees"] for report in reports for result in report["results"].values()):
        raise typer.Exit(1)


def _run_once(
    case: "Case", parameters: "Mapping[str, Any]", jobs: int, advance: "Advance"
) -> "tuple[dict[str, Any], Results]":
    return dict(parameters), case(parameters, jobs, advance)


def _parameters(
    cases: dict[str, type], overrides: list[str], trials: int | None
) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """What was given, and with it the parameters of each case; every fault at once, each once."""
    given, faults = given_values(cases, overrides, trials)
    parameters = {}
    for name, config in cases.items():
        try:
            parameters[name] = parameters_of(name, config, given)
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(list(dict.fromkeys(faults)))
    return given, parameters


def given_values(
    cases: dict[str, type], overrides: list[str], trials: int | None
) -> tuple[dict[str, str], list[Fault]]:
    """What --set and -n say, and its faults: every key that no chosen case has, and -n twice."""
    given: dict[str, str] = {}
    faults = []
    known = list(dict.fromkeys(field.name for config in cases.values() for field in fields(config)))
    whose = next(iter(cases)) if len(cases) == 1 else "any case"
    for text in overrides:
        key, sign, value = text.partition("=")
        if not sign:
            faults.append(Fault("--set", None, text, ": must be KEY=VALUE."))
        elif key not in known:
            said = f": {whose} has no such parameter; there are {', '.join(known) or 'none'}."
            faults.append(Fault("--set", None, key, said.replace("any case has no", "no case has any")))
        else:
            given[key] = _unquoted(value)
    if trials is not None:
        faults += _faults_of_trials(whose, known, given)
        given["trials"] = str(trials)
    return given, faults


def _unquoted(value: str) -> str:
    """The text itself where it is written as a TOML string, as a study would have it."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _faults_of_trials(whose: str, known: list[str], given: dict[str, str]) -> list[Fault]:
    if "trials" not in known:
        there = ", ".join(known) or "none"
        return [Fault("-n", None, whose, f": has no trials to count; its parameters are {there}.")]
    if "trials" in given:
        return [Fault("-n", None, whose, ": --set trials says it too; give one of them.")]
    return []


def parameters_of(name: str, config: type, given: dict[str, str]) -> dict[str, Any]:
    """The parameters of a case with what is given applied; every fault at once."""
    from cbmnet.validation.trials import MOST  # noqa: PLC0415 (loads pydantic)

    chosen: dict[str, Any] = {field.name: field.default for field in fields(config)}
    faults = []
    for key in [key for key in given if key in chosen]:
        kind = type(chosen[key])
        try:
            chosen[key] = _typed(given[key], kind)
        except ValueError:
            faults.append(Fault("--set", None, key, f' = "{given[key]}": must be {_KINDS[kind]}.'))
    if faults:
        raise ConfigError(faults)
    try:
        if "trials" in chosen and "trials" not in given:
            chosen["trials"] = max(chosen["trials"], config(**{**chosen, "trials": MOST}).lowest)
        config(**chosen)
    except ValueError as error:
        raise _fault(name, f": {error}.") from None
    return chosen


def _typed(value: str, kind: type) -> Any:
    if kind is bool:
        if value not in ("true", "false"):
            raise ValueError(value)
        return value == "true"
    read = kind(value)
    if isinstance(read, float) and not abs(read) < float("inf"):
        raise ValueError(value)
    return read


def _fault(key: str, message: str) -> ConfigError:
    return ConfigError([Fault("cbmnet validate", None, key, message)])


@contextmanager
def _telling(case: str) -> "Iterator[Advance]":
    """A line on standard error that says how far a case is, where that is a terminal."""
    from rich.console import Console  # noqa: PLC0415 (rich loads late)

    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        yield _say_nothing
        return
    with terminal.status(case) as status:
        yield lambda step: status.update(f"{case}: {step}")


def _say_nothing(step: str) -> None:
    """Progress is for terminals."""


def _plain(results: "Results") -> dict[str, dict[str, Any]]:
    return {
        name: {
            "exact": o.exact, "simulated": o.simulated, "standard_error": o.standard_error, "n": o.n,
            "agrees": o.agrees, "note": o.note,
        }
        for name, o in results.items()
    }  # fmt: skip


def _show(name: str, parameters: dict[str, Any], results: "Results") -> None:
    """A line of parameters and a table; notes stand in it where there is room, and else below it."""
    from cbmnet.validation.precision import imprecise  # noqa: PLC0415 (loads pydantic)
    from cbmnet.validation.trials import MOST  # noqa: PLC0415

    out = console()
    last = sorted(parameters, key=lambda key: key in ("trials", "seed"))
    out.print(f"[bold]{name}[/]", ", ".join(f"{key} = {parameters[key]}" for key in last))
    has_room = out.width >= ROOMY
    out.print(_table(results, has_room=has_room))
    for key, outcome in results.items():
        if outcome.note and not has_room:
            out.print(f"{key}: {outcome.note}", style="dim")
    if "trials" in parameters:
        for key, enough in imprecise(results).items():
            share = results[key].standard_error / abs(results[key].exact)
            more = f"; -n {enough} would make it 1 %" if enough <= MOST else ""
            out.print(f"{key}: its s.e. is {share:.1%} of the exact value{more}", style="dim")
    out.print()


def _table(results: "Results", *, has_room: bool) -> Any:
    from rich.table import Table  # noqa: PLC0415

    padding = (0, 2, 0, 0) if has_room else (0, 1, 0, 0)  # five results with long names just fit 80 columns
    table = Table(show_edge=False, pad_edge=False, box=None, header_style="dim", padding=padding)
    table.add_column("result")
    for column in ("exact", "simulated", "s.e.", "distance", "n"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("")
    for key, outcome in results.items():
        table.add_row(key, *_cells(outcome), outcome.note if has_room else "")
    return table


def _cells(o: "Outcome") -> tuple[str, ...]:
    distance = f"{o.distance:.1f} s.e." if o.standard_error else f"{o.distance:.2g}"
    values = f"{o.exact:.6g}", f"{o.simulated:.6g}", f"{o.standard_error:.2g}"
    return *values, distance, str(o.n), "agrees" if o.agrees else "DIFFERS"
