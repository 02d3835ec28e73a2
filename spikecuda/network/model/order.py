"""When spikes arrive: at the end of a step as in NEST, or between two steps as in Brian2 and GeNN.

"nest": what arrives at t + dt belongs to the step from t to t + dt.  Receptors have it from the end
of the step on, and a jump moves the membrane before the threshold is tested.

"brian": what arrives at t + dt comes after the step's thresholds and resets, and before the next
step, on receptors and on the membrane.  So the spikes of a step can arrive at once: a delay of 0.
An engine sees this as a delay that is a step longer, to cells that are read at the start of a step.
"""

import math
from typing import Any

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.common.time_grid import nearest_step, place_of, places_of
from spikecuda.errors import SpikecudaValueError, shown
from spikecuda.network.model.values import Values

NEST, BRIAN = ORDERS = ("nest", "brian")
MAX_DELAY = 0x7FFF
EXACT = ("FIXED", "GIVEN")


def as_order(order: Any, delay: Values, dt: float) -> str:
    """Return the order of a projection; None: "brian" if a delay that was given is 0.

    Raises:
        SpikecudaValueError: there is no such order, or it has no such delays.
    """
    if order is None:
        some = delay.kind in EXACT and delay.stated.size > 0
        return BRIAN if some and place_of(delay.least, dt) == 0 else NEST
    if not is_name(order, ORDERS):
        raise SpikecudaValueError(
            f"order must be 'nest', 'brian' or None (got {shown(order)}); None is 'nest', or "
            "'brian' if a delay is 0"
        )
    if order == BRIAN and delay.kind in ("LOGNORMAL", "PROFILE"):
        kind = "LogNormal" if delay.profile is None else type(delay.profile).__name__
        raise SpikecudaValueError(
            f"delay must be a number, an array, Normal or Uniform with order='brian' (got {kind})"
            "; draw it into an array, or leave order out"
        )
    return str(order)


def check_delay(delay: Values, order: str, dt: float) -> None:
    """Raise SpikecudaValueError for delays that the time grid cannot hold."""
    if delay.given is not None and not delay.given.size:
        return
    if order == BRIAN:
        _check_between(delay, dt)
    else:
        _check_within(delay, dt)
    longest = MAX_DELAY - late_of(order)
    if nearest_step(delay.most, dt) > longest:
        raise SpikecudaValueError(
            f"delay must be <= {longest * dt:g} ms, {longest:,} steps of dt (got up to "
            f"{delay.most:g}); use a larger dt, or high= on the distribution"
        )


def late_of(order: str) -> int:
    """Return how many steps an engine's delay is longer than the user's."""
    return int(order == BRIAN)


def delay_bounds(delay: Values, order: str, dt: float) -> tuple[int, int]:
    """Return bounds of an engine's delays, in steps."""
    late = late_of(order)
    low, high = (nearest_step(d, dt) + late for d in (delay.least, delay.most))
    if delay.kind in EXACT:
        return low, high
    # Values are drawn in float32, and may round to a neighbour.
    return max(1, low - 1), min(MAX_DELAY, high + 1)


def _check_within(delay: Values, dt: float) -> None:
    """Raise for delays that are too short at the end of a step."""
    exact = delay.kind in EXACT
    # Given delays are at least dt; drawn ones need only be nearer to a step than to none.
    short = place_of(delay.least, dt) < (1.0 if exact else 0.5)
    if delay.kind == "LOGNORMAL" or not short:
        return
    remedy = "use a larger delay" if exact else f"use low={dt / 2:g} with redraw=True"
    if delay.profile is not None:
        remedy = f"use low={dt:g} of the profile"
    elif delay.kind not in EXACT and delay.least >= 0:
        remedy += ", or order='brian', which has delays of 0"
    elif exact and delay.least > 0:
        remedy += ", or 0, which arrives before the next step"
    raise SpikecudaValueError(f"delay must be >= dt = {dt:g} ms (got {delay.least:g}); {remedy}")


def _check_between(delay: Values, dt: float) -> None:
    """Raise for delays that cannot be between steps."""
    wrong = math.nan
    if delay.kind in EXACT:
        place = places_of(np.asarray(delay.stated, np.float64) / dt)
        bad = (place < 1.0) & (place != 0.0)
        if bad.any():
            wrong = float(delay.stated[bad][0])
        need, remedy = f"0 or >= dt = {dt:g} ms", "round it"
    else:
        if delay.least < 0:
            wrong = delay.least
        need, remedy = ">= 0 ms", "use low=0.0"
    if not math.isnan(wrong):
        raise SpikecudaValueError(f"delay must be {need} (got {wrong:g}); {remedy}")
