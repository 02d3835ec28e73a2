"""What has all but vanished: the rule that states smaller than 2^-100 are nothing.

At the start of every 64th step, counted from step 0, a state with a magnitude below 2^-100 of its
unit is 0 from then on (docs/decisions/0021).  It keeps decayed states from staying subnormal.
"""

from numba import njit


@njit
def remaining(x, k):
    """Return what is left of a state at the start of step k."""
    return 0.0 if k % 64 == 0 and abs(x) < 2.0**-100 else x
