"""Errors, grouped by whose fault they are.

`ConfigError` is the user's input, `LocalProtocolError` our caller's bug, `RemoteProtocolError` the
peer's bytes, `SimulationError` a run that cannot go on. The signed-message errors live beside the
verifier and derive from `RemoteProtocolError`.
"""

from typing import NamedTuple


class CbmnetError(Exception):
    """Base of everything cbmnet raises on purpose."""


class Fault(NamedTuple):
    """One fault in one file: where (`file`, `line` from 1 or None), which `key`, and what is allowed."""

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}  {self.key}{self.message}" if self.key else f"{place}  {self.message}"


def described(error: BaseException) -> str:
    """An exception in one line: its type, what it says, and the file and line that raised it.

    The file is named without its folder, so that results say the same wherever the program lies.
    """
    # SimPy raises a copy of what failed an event, from its own place; the cause knows where it was.
    while type(error.__cause__) is type(error) and error.__cause__.args == error.args:
        error = error.__cause__
    from os.path import basename  # noqa: PLC0415 (seldom needed, and the message module imports this)
    from traceback import extract_tb  # noqa: PLC0415

    frames = extract_tb(error.__traceback__)
    place = f" ({basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}{place}"


class Stopped(SystemExit):
    """The user stops the program; unlike an exit that a variant asks for, nobody's bug."""


class ConfigError(CbmnetError):
    """The configuration cannot be used; `faults` lists every fault found, in file order."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class RegistryError(CbmnetError):
    """A family was asked for a member it does not have, or two members share a name."""


class LocalProtocolError(CbmnetError):
    """Our caller used an endpoint or a signer wrongly; a bug on this side."""


class RemoteProtocolError(CbmnetError):
    """The peer's bytes break the protocol; recorded, never fatal."""


class SimulationError(CbmnetError):
    """A run cannot go on; the message names the replication and the simulated time."""
