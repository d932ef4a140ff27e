"""The quantile of the gamma distribution, on the standard library alone.

The base install has no SciPy, and a channel stage must work there, so the inverse is found here: a normal
approximation of the cube root (E. B. Wilson, M. M. Hilferty 1931) begins, and Halley's steps on the
regularised incomplete gamma function end, which is summed by its power series below its mean and by its
continued fraction above (NIST Digital Library of Mathematical Functions 8.7.1 and 8.9.2). The lower tail is
solved for P and the upper for Q = 1 - P, so both keep their digits; agreement with SciPy is tested to 1e-9.
"""

from math import exp, lgamma, log, log1p, sqrt

from cbmnet.channels.delay import NORMAL

SMALLEST_SHAPE, LARGEST_SHAPE = 0.1, 1000.0
_STEPS, _CLOSE, _TINY = 100, 1e-10, 1e-300  # a step cubes the error, so one of 1e-10 was the last


def gamma_quantile(shape: float, share: float) -> float:
    """x with P(shape, x) = share, for unit scale; `share` in [0, 1), 0 at 0."""
    if share <= 0.0:
        return 0.0
    low, high = 0.0, float("inf")
    log_gamma = lgamma(shape)
    x = _first_guess(shape, share)
    for _ in range(_STEPS):
        density = exp((shape - 1.0) * log(x) - x - log_gamma) if x > 0.0 else 0.0
        excess = _excess(shape, x, share, density)
        low, high = (x, high) if excess < 0.0 else (low, x)
        further = x - _halley(shape, x, excess, density)
        if not low < further < high:  # a step out of what is known: halve it instead
            further = 0.5 * (low + high) if high < float("inf") else 2.0 * x
        if abs(further - x) <= _CLOSE * x:
            return further
        x = further
    return x


def _first_guess(shape: float, share: float) -> float:
    cube = 1.0 - 1.0 / (9.0 * shape) + NORMAL.inv_cdf(max(share, _TINY)) / (3.0 * sqrt(shape))
    if shape >= 1.0 and cube > 0.2:
        return shape * cube**3
    # Near 0 the series is its first term: P = x^shape / Gamma(shape + 1).
    small = exp((log(share) + lgamma(shape + 1.0)) / shape)
    return small if small < 0.5 else max(0.5, -log1p(-share) if share < 1.0 else 40.0)


def _excess(shape: float, x: float, share: float, density: float) -> float:
    """P(shape, x) - share, from whichever of P and Q is summed directly."""
    if x < shape + 1.0:
        return density * x * _series(shape, x) - share
    return (1.0 - share) - density * x * _fraction(shape, x)


def _halley(shape: float, x: float, excess: float, density: float) -> float:
    if density < _TINY:
        return float("inf")
    newton = excess / density
    return newton / max(0.5, 1.0 - 0.5 * newton * ((shape - 1.0) / x - 1.0))


def _series(shape: float, x: float) -> float:
    """The sum of x^n / (shape (shape + 1) ... (shape + n))."""
    term = total = 1.0 / shape
    divisor = shape
    while term > total * 1e-17:
        divisor += 1.0
        term *= x / divisor
        total += term
    return total


def _fraction(shape: float, x: float) -> float:
    """The continued fraction of Q, from the front by the method of Lentz as Thompson and Barnett have it."""
    b = x + 1.0 - shape
    c, d = 1.0 / _TINY, 1.0 / b
    value = d
    for n in range(1, 10_000):
        a = -n * (n - shape)
        b += 2.0
        d = 1.0 / (a * d + b or _TINY)
        c = b + a / c or _TINY
        factor = c * d
        value *= factor
        if abs(factor - 1.0) < 1e-16:
            break
    return value
