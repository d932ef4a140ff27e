"""cbmnet: a discrete-event laboratory for crisis communication.

Importing the package loads nothing heavy; `load`, `run` and `sweep` come from `cbmnet.front` when they
are first used.
"""

from typing import Any

__version__ = "0.1.0"
_FRONT = ("Run", "Study", "load", "run", "sweep")
__all__ = ["Run", "Study", "__version__", "load", "run", "sweep"]


def __getattr__(name: str) -> Any:
    if name in _FRONT:
        from cbmnet import front  # noqa: PLC0415 (the point of the lazy import)

        return getattr(front, name)
    raise AttributeError(f"module 'cbmnet' has no attribute {name!r}")
