"""The family of verbs: a function that typer turns into a command, or a group of commands of its own."""

from typing import Any

from cbmnet.registry import Family

VERBS: Family[Any] = Family("cli", "cbmnet.cli")
