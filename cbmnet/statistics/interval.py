"""An estimate with its interval, its sample size and the name of its method: what every table shows."""

from dataclasses import asdict, dataclass
from math import isfinite


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate from `n` replications (or pairs of them) and its interval at `level`.

    `low` or `high` is None where the data cannot give that limit; no field is ever nan or infinite.
    `method` is for a person to read, such as "t" or "Wilson". Raises ValueError on a number that is not
    finite, because such a number would pass silently through JSON, tables and figures.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    level: float
    method: str

    def __post_init__(self) -> None:
        for name, value in (("mean", self.mean), ("low", self.low), ("high", self.high)):
            if value is not None and not isfinite(value):
                raise ValueError(f"the {name} of an interval must be a finite number, not {value}")

    def as_dict(self) -> dict[str, float | int | str | None]:
        """The fields by name, ready for JSON."""
        return asdict(self)
