"""What "nothing happened for dt" does to a belief: a 2 x 2 matrix exponential in closed form.

Between events du/dt = [[-onset - r0, end], [onset, -end - r1]] u, where u weighs (benign, attack) and
r(y) is the total rate of marks under intent y: seeing nothing is evidence too. Only the ratio of the
weights matters, so the common factor of the solution is left out, which keeps long quiet spells from
underflowing (MODEL.md, section "The filter").
"""

from math import exp, expm1

Weights = tuple[float, float]


class Propagator:
    """The solution for fixed rates, all per second."""

    __slots__ = ("_attack_share", "_benign_share", "_end", "_onset", "_root")

    def __init__(self, onset_per_s: float, end_per_s: float, marks_per_s: tuple[float, float]) -> None:
        self._onset, self._end = onset_per_s, end_per_s
        # Half the difference of the diagonal: it is what remains after the mean rate is factored out.
        half = ((end_per_s + marks_per_s[1]) - (onset_per_s + marks_per_s[0])) / 2.0
        mixing = onset_per_s * end_per_s
        root = self._root = (half**2 + mixing) ** 0.5
        if root > 0.0:
            # (root + half) / root and (root - half) / root; the smaller one without cancellation.
            large = (root + abs(half)) / root
            small = mixing / (root + abs(half)) / root
            self._benign_share, self._attack_share = (large, small) if half >= 0.0 else (small, large)

    def after(self, weights: Weights, duration_s: float) -> Weights:
        """The weights after `duration_s` without a mark, scaled to sum to one."""
        benign, attack = weights
        benign_stays, ends, begins, attack_stays = self.shares(duration_s)
        new_benign = benign_stays * benign + ends * attack
        new_attack = attack_stays * attack + begins * benign
        total = new_benign + new_attack
        # Only certainty without motion leaves nothing of the weights; then nothing can change it.
        return (new_benign / total, new_attack / total) if total > 0.0 else weights

    def shares(self, duration_s: float) -> tuple[float, float, float, float]:
        """The matrix, up to a common factor: benign to benign, attack to benign, b to a, a to a."""
        if self._root == 0.0:
            return 1.0, duration_s * self._end, duration_s * self._onset, 1.0
        exponent = -2.0 * self._root * duration_s
        decay, moved = exp(exponent), -expm1(exponent) / self._root
        return (
            self._benign_share + decay * self._attack_share,
            moved * self._end,
            moved * self._onset,
            self._attack_share + decay * self._benign_share,
        )
