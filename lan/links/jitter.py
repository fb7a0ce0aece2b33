"""How a frame's delay varies around what was asked: tc's distributions.  tc-netem(8).

Each is a table of quantiles, as in iproute2: chance picks a place, the table says how many jitters
late or early.  The long tails are NIST Net's: a Pareto of shape 3, cut off at 4 jitters, and a
quarter normal with three quarters of it.
"""

from collections.abc import Callable, Sequence
from functools import cache
from statistics import NormalDist

from lan.links.options import NORMAL, PARETO, PARETONORMAL, UNIFORM

PLACES = 4096
_SHAPE, _TAIL_ENDS = 3.0, 4.0


def offset_jitters(distribution: str, chance: float) -> float:
    """How far from the delay, in jitters; `chance` in [0, 1)."""
    return table(distribution)[int(chance * PLACES)]


@cache
def table(distribution: str) -> Sequence[float]:
    """The quantiles, ascending."""
    quantile = _QUANTILES[distribution]
    return tuple(quantile((place + 0.5) / PLACES) for place in range(PLACES))


def _uniform(share: float) -> float:
    return 2 * share - 1


def _pareto(share: float) -> float:
    return float(min(((1 - share) ** (-1 / _SHAPE) - 1.5) * 4 / 3, _TAIL_ENDS))


def _pareto_normal(share: float) -> float:
    return NormalDist().inv_cdf(share) / 4 + _pareto(share) * 3 / 4


_QUANTILES: dict[str, Callable[[float], float]] = {
    UNIFORM: _uniform,
    NORMAL: NormalDist().inv_cdf,
    PARETO: _pareto,
    PARETONORMAL: _pareto_normal,
}
