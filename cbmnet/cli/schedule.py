"""What `cbmnet replay` does with a saved schedule of faults: runs its test again and shows what happened."""

import json
from pathlib import Path
from typing import Any


def replay_schedule(file: Path, *, as_json: bool) -> int:
    """Runs the schedule; the exit code: 1 if the test still fails, 0 if it holds now."""
    from cbmnet.channels.faults import write_faults  # noqa: PLC0415 (loads late, as all of these)
    from cbmnet.records import RECORDS  # noqa: PLC0415
    from cbmnet.testing.replay_file import find_test, load  # noqa: PLC0415

    replay = load(file)
    test, journal, failure = find_test(replay, file), _Journal(RECORDS), None
    try:
        test.run(replay.faults, [journal])
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
    if as_json:
        print(json.dumps({"test": replay.test, "fails": failure is not None, "failure": failure}))
        return int(failure is not None)
    count = len(replay.faults)
    print(f"{replay.test}, found from seed {replay.seed}, {count} fault{'s' * (count != 1)}")
    print(write_faults(replay.faults), end="")
    _show(journal.records)
    print(f"fails: {failure.splitlines()[0]}" if failure else "holds: the test does not fail any more")
    return int(failure is not None)


class _Journal:
    """Keeps every record, as a trace would have it."""

    def __init__(self, wants: tuple[type, ...]) -> None:
        self.wants, self.records = wants, list[dict[str, Any]]()

    def feed(self, record: Any) -> None:
        fields = record._asdict()
        if "label" in fields:
            fields["label"] = str(fields["label"])
        self.records.append({"record": type(record).__name__, **fields})


def _show(records: list[dict[str, Any]]) -> None:
    from cbmnet.reports import diagram, terminal, transmissions  # noqa: PLC0415

    rows = transmissions.rows(records)
    if rows:
        print(f"\nWhat passed between them ({terminal.LEGEND})")
        print(terminal.text(rows, diagram.parties(records)), end="\n\n")
