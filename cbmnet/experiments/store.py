"""What a study leaves behind: a folder from which it can be read, repeated and checked.

`manifest.json` (hash, seed, versions), `config.toml` or `config.json` as read and the files that it loads,
`config.resolved.json` with every default, `rows.jsonl` with one replication a line, `summary.json` and
`summary.csv`. No times are written into rows or summaries: the same study gives the same bytes.
"""

import csv
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cbmnet.experiments.design import Design
from cbmnet.metrics.measure import Row
from cbmnet.metrics.metric import METRICS
from cbmnet.simulation.identity import resolved

_PACKAGES = ("cryptography", "msgpack", "numpy", "pydantic", "scipy", "simpy")


def save(folder: Path, design: Design, rows: Sequence[Row], summary: dict[str, Any]) -> None:
    """Writes the folder; files of an earlier run of the same study are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    study = design.base.study
    config = f"config{'.json' if Path(design.source.file).suffix.lower() == '.json' else '.toml'}"
    manifest = {
        "name": design.base.name, "config_hash": design.hash, "seed": study.seed,
        "replications": study.replications, "file": design.source.file, "config": config,
        "overrides": list(design.overrides), "cbmnet": version("cbmnet"), "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }  # fmt: skip
    _write_json(folder / "manifest.json", manifest)
    (folder / config).write_text(design.source.text, encoding="utf-8")
    for name, file in zip(study.load, design.files, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(file.code)
    _write_json(folder / "config.resolved.json", resolved(design.base))
    with (folder / "rows.jsonl").open("w") as out:
        for row in rows:
            out.write(json.dumps(plain_row(row), allow_nan=False) + "\n")
    _write_json(folder / "summary.json", summary)
    _write_csv(folder / "summary.csv", summary)


def plain_row(row: Row) -> dict[str, Any]:
    """A row without the sample-by-sample data of pooled metrics."""
    data = asdict(row)
    data["values"] = {k: v for k, v in data["values"].items() if METRICS[k].make.kind != "pooled"}
    return data


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1, allow_nan=False) + "\n")


def _write_csv(path: Path, summary: dict[str, Any]) -> None:
    keys = list(summary["points"][0]["point"])
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*keys, "metric", "mean", "low", "high", "n", "level", "method"])
        for point in summary["points"]:
            for name, said in point["metrics"].items():
                writer.writerow([*point["point"].values(), name, *said.values()])
