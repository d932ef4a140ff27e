"""What "nothing happened for dt" does to a belief: a 2 x 2 matrix exponential in closed form.

Between events du/dt = [[-onset - r0, end], [onset, -end - r1]] u, where u weighs (benign, attack) and
r(y) is the total rate of marks under intent y: seeing nothing is evidence too. Only the ratio of the
weights matters, so the common factor of the solution is left out, which keeps long quiet spells from
underflowing (MODEL.md, section "The filter").
"""

from math import exp

Weights = tuple[float, float]


class Propagator:
    """The solution for fixed rates, all per second."""

    __slots__ = ("_end", "_half", "_onset", "_root")

    def __init__(self, onset_per_s: float, end_per_s: float, marks_per_s: tuple[float, float]) -> None:
        self._onset, self._end = onset_per_s, end_per_s
        # half the difference of the diagonal: it is what remains after the mean rate is factored out
        self._half = ((end_per_s + marks_per_s[1]) - (onset_per_s + marks_per_s[0])) / 2.0
        self._root = (self._half**2 + onset_per_s * end_per_s) ** 0.5

    def after(self, weights: Weights, duration_s: float) -> Weights:
        """The weights after `duration_s` without a mark, scaled to sum to one."""
        benign, attack = weights
        root = self._root
        if root > 0.0:
            decay = exp(-2.0 * root * duration_s)
            cosh, sinh = 0.5 * (1.0 + decay), 0.5 * (1.0 - decay) / root
        else:
            cosh, sinh = 1.0, duration_s
        along = sinh * self._half
        new_benign = (cosh + along) * benign + sinh * self._end * attack
        new_attack = sinh * self._onset * benign + (cosh - along) * attack
        total = new_benign + new_attack
        return new_benign / total, new_attack / total
