"""The progress bar: on standard error, with rate and time left, and nothing where that is no terminal."""

from collections.abc import Callable
from typing import Any


class Progress:
    """A context that gives a function to be called with how many more are done."""

    def __init__(self, name: str, total: int) -> None:
        from rich.console import Console  # noqa: PLC0415 (rich loads late)
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
        from rich.progress import Progress as Bar  # noqa: PLC0415

        console = Console(stderr=True)
        columns: tuple[Any, ...] = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
        )  # fmt: skip
        self._bar = Bar(*columns, console=console, disable=not console.is_terminal, transient=True)
        self._task = self._bar.add_task(name, total=total, rate="")

    def __enter__(self) -> Callable[[int], None]:
        self._bar.start()
        return self._advance

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _advance(self, count: int) -> None:
        speed = self._bar.tasks[0].speed
        self._bar.update(self._task, advance=count, rate=f"{speed:.0f} runs/s" if speed else "")
