"""What `cbmnet replay` does with schedules of faults: a saved test again, or a list done to a study."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cbmnet.cli.aside import aside
from cbmnet.errors import ConfigError, Fault


def replay_schedule(file: Path, *, as_json: bool) -> int:
    """Runs the schedule; the exit code: 1 if the test still fails, 0 if it holds now."""
    from cbmnet.channels.fault_lists import (  # noqa: PLC0415 (loads late, as all of these)
        ImpossibleError,
        write_faults,
    )
    from cbmnet.recorder import Journal  # noqa: PLC0415
    from cbmnet.records import RECORDS  # noqa: PLC0415
    from cbmnet.simulation.trace import plain  # noqa: PLC0415
    from cbmnet.testing.protocol_tests import failures, said_by  # noqa: PLC0415
    from cbmnet.testing.replay_file import find_test, in_file, load  # noqa: PLC0415

    replay = load(file)
    journal, failure = Journal(RECORDS), None
    with aside():
        test = find_test(replay, file)
    try:
        with aside():
            test.run(replay.faults, [journal])
    except ImpossibleError as error:
        raise in_file(error, file) from None
    except failures() as error:
        failure = f"{type(error).__name__}: {error}" if str(error) else said_by(error)
    if as_json:
        print(json.dumps({"test": replay.test, "fails": failure is not None, "failure": failure}))
        return int(failure is not None)
    count = len(replay.faults)
    print(f"{replay.test}, found from seed {replay.seed}, {count} fault{'s' * (count != 1)}")
    print(write_faults(replay.faults), end="")
    records = [plain(record) for record in journal.records]
    _show(records)
    tell_idle(replay.faults, records)
    print(f"fails: {failure.splitlines()[0]}" if failure else "holds: the test does not fail any more")
    return int(failure is not None)


def _show(records: list[dict[str, Any]]) -> None:
    from cbmnet.reports import diagram, terminal, transmissions  # noqa: PLC0415

    rows = transmissions.rows(records)
    if rows:
        print(f"\nWhat passed between them ({terminal.LEGEND})")
        print(terminal.text(rows, diagram.parties(records)), end="\n\n")


def is_fault_list(path: Path) -> bool:
    """Whether a file is a JSON list, as a schedule of faults is."""
    try:
        return path.suffix == ".json" and path.read_text("utf-8-sig").lstrip().startswith("[")
    except (OSError, UnicodeDecodeError):
        return False


def faulty_study(
    file: Path, study: Path | None, overrides: list[str] | None
) -> tuple[Path, list[str], list[Any]]:
    """The study that the faults of a file are done to, the overrides that put them there, and the faults.

    ConfigError for what cannot be read or cannot happen.
    """
    from cbmnet.channels.fault_lists import read_faults_for  # noqa: PLC0415 (loads late)
    from cbmnet.experiments.design import load_design  # noqa: PLC0415
    from cbmnet.simulation.cross import links_of  # noqa: PLC0415
    from cbmnet.simulation.overrides import override  # noqa: PLC0415

    if study is None:
        said = "is a list of faults; say with --study FILE what they are done to"
        raise ConfigError([Fault(str(file), None, "", said)])
    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError([Fault(str(file), None, "", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigError([Fault(str(file), None, "", "cannot be read: it is no UTF-8 text.")]) from None
    with aside():
        config = load_design(study, overrides or ()).points[0].config
    parties = sorted(config.states)
    links = links_of(config, parties)
    faults = read_faults_for(text, links, parties, config.study.horizon, str(file))
    said = override("faults", [_as_written(fault) for fault in faults])
    return study, [*(overrides or ()), said], list(faults)


ROWS = 60  # of what passed, from shortly before the first fault on


def show_faulty(title: str, faults: Sequence[Any], trace: bytes) -> None:
    """Prints what passed between the parties of a study under these faults."""
    from cbmnet.channels.fault_lists import write_faults  # noqa: PLC0415 (loads late)
    from cbmnet.reports import diagram, terminal, transmissions  # noqa: PLC0415

    records = diagram.read_trace(trace)
    rows = transmissions.rows(records)
    first_s = min((time_s for time_s in _times_s(faults, records)), default=0.0)
    start = max(0, next((n for n, row in enumerate(rows) if row.at_s >= first_s), 0) - 5)
    count = len(faults)
    print(f"{title}, {count} fault{'s' * (count != 1)}")
    print(write_faults(faults))
    print(f"What passed between them ({terminal.LEGEND})")
    print(terminal.text(rows[start : start + ROWS], diagram.parties(records)))
    if more := len(rows) - min(len(rows), start + ROWS):
        print(f"... and {more} more; --json prints the whole trace")
    tell_idle(faults, records)


def _times_s(faults: Sequence[Any], records: Iterable[dict[str, Any]]) -> Iterator[float]:
    """When a datagram that one of the faults names was sent, and when a party was to fail."""
    from cbmnet.channels.faults import NodeFault  # noqa: PLC0415 (loads late)
    from cbmnet.reports.idle_faults import concerns  # noqa: PLC0415

    yield from (fault.at.time_s for fault in faults if isinstance(fault, NodeFault))
    those = [fault for fault in faults if not isinstance(fault, NodeFault)]
    for record in records:
        if record["record"] == "Send" and any(concerns(fault, record) for fault in those):
            yield record["at_s"]


def in_list(error: ConfigError, file: Path) -> ConfigError:
    """The same error, with the faults' places in their file instead of the override that carried them."""

    def placed(fault: Fault) -> Fault:
        if fault.file != "--set faults":
            return fault
        number, _, key = fault.key.removeprefix("faults.").partition(".")
        return Fault(str(file), None, f"[{number}]{'.' * bool(key)}{key}", fault.message)

    return ConfigError([placed(fault) for fault in error.faults])


def tell_idle(faults: Sequence[Any], records: Iterable[dict[str, Any]]) -> None:
    """Says on standard error which faults of datagrams did nothing in this run, and why."""
    from cbmnet.channels.fault_lists import write_faults  # noqa: PLC0415 (loads late)
    from cbmnet.reports.idle_faults import idle  # noqa: PLC0415

    for number, why in idle(faults, records):
        said = write_faults([faults[number]]).strip("[]\n ")
        print(f"fault [{number}] did nothing: {why}: {said}", file=sys.stderr)


_KEYS = {"by_s": "by", "after_s": "after", "for_s": "for", "time_s": "time", "drift": "gains"}


def _as_written(fault: Any) -> dict[str, Any]:
    """The fault as a table of a study, which says its units in its values."""
    from msgspec import to_builtins  # noqa: PLC0415

    said: dict[str, Any] = {}
    for key, value in to_builtins(fault).items():
        if key == "at":
            at = {k: v for k, v in value.items() if v is not None}
            said["at"] = {_KEYS.get(k, k): f"{v!r}s" if k == "time_s" else v for k, v in at.items()}
        elif key == "offset_s":
            said |= {"behind" if value < 0.0 else "ahead": f"{abs(value)!r}s"}
        else:
            said[_KEYS.get(key, key)] = f"{value!r}s" if key.endswith("_s") else value
    return said
