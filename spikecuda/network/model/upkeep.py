"""What a user asks to be done with weights at intervals: described, checked, not yet done."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_positive, as_real
from spikecuda.common.arrays import take_reals
from spikecuda.common.time_grid import whole_steps
from spikecuda.errors import SpikecudaValueError, shown
from spikecuda.network.model.learning import bounds_of

# The most that weights may follow a rate: more would outgrow numbers, and means nothing.
STRONGEST = 1e100


@dataclass(frozen=True, eq=False)
class Normalisation:
    """Weights are scaled so that those onto each target have a given sum.

    Attributes:
        total: float64, one number or one for each target, with the sign of the weights.
    """

    total: np.ndarray


@dataclass(frozen=True, eq=False)
class RateScaling:
    """Weights are scaled so that their targets spike at a given rate.

    Attributes:
        rate: float64, Hz, one number or one for each target.
        beta: per s and Hz: how fast weights follow the rate's error.
        gamma: per s^2 and Hz: how fast they follow its integral.
        tau: s, over which the rate is averaged; 0: over the interval.
    """

    rate: np.ndarray
    beta: float
    gamma: float
    tau: float


@dataclass(frozen=True, eq=False)
class Rewiring:
    """Weak synapses are removed, and new ones grow.

    Attributes:
        below: magnitude below which synapses go; None: ``fraction`` says.
        fraction: of all synapses, the weakest.
        weight: of new ones; None: drawn as those of the build.
        indegree: int64, synapses of each target afterwards, (targets,); None: as many as before.
    """

    below: float | None
    fraction: float
    weight: float | None
    indegree: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Sharing:
    """Synapses have weights in common.

    Attributes:
        groups: int64, one for each synapse in the order of ``connections``: which weight it has.
    """

    groups: np.ndarray


def as_period(every: Any, dt: float) -> int:
    """Return an interval in steps."""
    return whole_steps("every", every, dt, some=True)


def require_alone(name: str, **more: tuple[Any, Any]) -> None:
    """Raise SpikecudaValueError for arguments beside one that is None and ends something.

    Args:
        name: of that argument.
        more: by name: what was given, and what it is when it is left out.
    """
    for other, (given, left_out) in more.items():
        number = isinstance(given, int | float | np.number)
        if given is not left_out and not (number and given == left_out):
            raise SpikecudaValueError(
                f"{other} must be left out with {name}=None, which ends what was asked for (got "
                f"{other}={shown(given)}); give {name}, or leave {other} out"
            )


def as_normalisation(projection: Any, total: Any) -> Normalisation:
    """Return a checked normalisation of a projection that learns.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: ``total`` cannot be used.
    """
    rule, unit = projection.plasticity, _unit(projection)
    given = _for_targets("total", total, projection)
    good = (given * rule.sign > 0) & np.isfinite(given)
    if not good.all():
        bad = given[~good] if given.ndim else given
        raise SpikecudaValueError(
            f"total must be finite and have the sign of w_max = {rule.w_max:g} {unit} (got "
            f"{bad.flat[0]:g}): it is the sum of the weights onto a target"
        )
    return Normalisation(given)


def as_rate_scaling(projection: Any, rate: Any, beta: Any, gamma: Any, tau: Any) -> RateScaling:
    """Return a checked scaling of a projection that learns.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: an argument cannot be used.
    """
    given = _for_targets("rate", rate, projection)
    most = 1000.0 / projection.dt
    good = (given >= 0) & (given <= most)
    if not good.all():
        bad = given[~good] if given.ndim else given
        raise SpikecudaValueError(
            f"rate must be from 0 to {most:g} Hz, a spike in each step (got {bad.flat[0]:g})"
        )
    follows = as_positive("beta", beta, "per s and Hz")
    integral, average = as_real("gamma", gamma), as_real("tau", tau, "s")
    for name, value in (("gamma", integral), ("tau", average)):
        if not 0 <= value < np.inf:
            raise SpikecudaValueError(f"{name} must be finite and >= 0 (got {value:g})")
    for name, value in (("beta", follows), ("gamma", integral)):
        if value > STRONGEST:
            raise SpikecudaValueError(
                f"{name} must be at most {STRONGEST:g} (got {value:g}): with 1 a target that is 1 "
                "Hz too fast loses its weights within a second"
            )
    return RateScaling(given, follows, integral, average)


def as_sharing(projection: Any, groups: Any) -> Sharing:
    """Return a checked sharing of weights of a projection that learns.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: ``groups`` cannot be used.
    """
    given = take_reals("groups", groups, "an integer for each synapse")
    count = len(projection)
    whole = given.shape == (count,) and bool(np.all(given == np.rint(given)))
    if not whole or np.abs(given).max(initial=0.0) > 2**53:
        raise SpikecudaValueError(
            f"groups must be integers, one for each of the {count:,} synapses of "
            f"{projection.name} in the order of connections() (got shape {given.shape}); synapses "
            "with the same one share a weight"
        )
    return Sharing(given.astype(np.int64))


def as_rewiring(
    projection: Any, below: Any, fraction: Any, weight: Any, indegree: Any = None
) -> Rewiring:
    """Return a checked rewiring of a projection that learns.

    Raises:
        SpikecudaTypeError, SpikecudaValueError: an argument cannot be used.
    """
    p, unit = projection, _unit(projection)
    degree = None if indegree is None else _as_indegree(p, indegree)
    neither = below is None and fraction is None
    if (neither and degree is None) or not (neither or below is None or fraction is None):
        raise SpikecudaValueError(
            f"below or fraction must be given, one of them, or indegree (got below={below!r}, "
            f"fraction={fraction!r})"
        )
    least = None if below is None else as_positive("below", below, unit)
    part = 0.0 if fraction is None else as_real("fraction", fraction)
    if not 0 <= part <= 1:
        raise SpikecudaValueError(f"fraction must be from 0 to 1 (got {part:g})")
    start = None if weight is None else as_real("weight", weight, unit)
    low, high = bounds_of(p)
    if start is not None and not low <= start <= high:
        raise SpikecudaValueError(
            f"weight must be within the rule's bounds, from {low:g} to {high:g} {unit} (got "
            f"{start:g})"
        )
    if start is None and p.weight.given is not None:
        raise SpikecudaValueError(
            "weight must be given for new synapses of a projection whose pairs each have a weight "
            "of their own (got None)"
        )
    if p.delay.given is not None:
        raise SpikecudaValueError(
            f"delay of {p.name} must be a number or a distribution, which new synapses have, too "
            "(got one for each pair)"
        )
    return Rewiring(least, part, start, degree)


def _as_indegree(projection: Any, value: Any) -> np.ndarray:
    """Return the synapses that each target is to have, int64 (targets,)."""
    p = projection
    given = np.broadcast_to(_for_targets("indegree", value, p), (p.target.size,))
    most = np.broadcast_to(p.most_grown(), given.shape)
    bad = ~((given >= 0) & (given <= most) & (given == np.floor(given)))
    if bad.any():
        raise SpikecudaValueError(
            f"indegree must be whole numbers from 0 to {int(most[bad][0]):,}, for which the scale "
            f"of {p.receptor!r} has room (got {given[bad][0]:g}); connect(..., max_indegree=...) "
            "makes more"
        )
    return given.astype(np.int64)


def _for_targets(name: str, value: Any, projection: Any) -> np.ndarray:
    """Return one number, or one for each target of a projection."""
    given = take_reals(name, value, "one number, or one for each target")
    size = projection.target.size
    if given.shape not in ((), (size,)):
        raise SpikecudaValueError(
            f"{name} must be one number or one for each of the {size:,} targets (got shape "
            f"{given.shape})"
        )
    return given


def _unit(projection: Any) -> str:
    return str(projection.target.population.receptors[projection.receptor].unit)
