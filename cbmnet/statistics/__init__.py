"""Statistics of replications: intervals, paired differences, calibration; pure functions.

The replication is the unit throughout, never an event inside one run. NumPy and SciPy load inside the
functions that need them, so importing this package is light.
"""

from cbmnet.statistics.calibration import Bin, calibration_bins
from cbmnet.statistics.corp import Corp, corp, corp_intervals
from cbmnet.statistics.interval import Interval
from cbmnet.statistics.intervals import mean_interval, proportion_interval, quantile_interval
from cbmnet.statistics.paired import holm, mcnemar, paired_difference, paired_proportion_difference

__all__ = [
    "Bin",
    "Corp",
    "Interval",
    "calibration_bins",
    "corp",
    "corp_intervals",
    "holm",
    "mcnemar",
    "mean_interval",
    "paired_difference",
    "paired_proportion_difference",
    "proportion_interval",
    "quantile_interval",
]
