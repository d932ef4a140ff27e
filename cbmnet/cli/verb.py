"""The family of verbs: a verb is a function that typer turns into a command."""

from collections.abc import Callable
from typing import Any

from cbmnet.registry import Family

VERBS: Family[Callable[..., Any]] = Family("cli", "cbmnet.cli")
