"""Synapses with several sites, each of which releases and recovers at random.

Source: Fuhrmann, Segev, Markram & Tsodyks (2002) J Neurophysiol 87:140, and Loebel et al. (2009)
Front Comput Neurosci 3:27, eqs. 3 and 4.
"""

from spikecuda.kernels.language import Real, pow, real, select

# Sites that a synapse can have: so often the loops below go round.  Longer ones are not unrolled,
# and synapses would no longer learn in vectors: 345 ns an event with 32, 25 ns with 16.
MOST = 16


def on_pre(
    w: Real, u: Real, empty: Real, x: Real, uniform: Real, U: Real, sites: Real
) -> tuple[Real, Real, Real, Real]:
    """Return the weight, the chance of release, empty sites, and those that release.

    Both numbers are binomial, drawn by inversion from one random number: what is left of it, once
    the first is drawn, is as random as it was.

    Args:
        w: weight of all sites together.
        u: what is left of the chance of release at the last spike.
        empty: sites that were empty after it.
        x: the part of empty sites that stay so, on average.
        uniform: in [0, 1).
        U: chance of release of a site that is at rest.
        sites: of the synapse.
    """
    chance = U + u * (real(1) - U)
    # How many are filled again.
    back = real(1) - x
    often = back > real(0.5)
    p = select(often, x, back)
    odds = p / (real(1) - p)
    mass = pow(real(1) - p, empty)
    below = real(0)
    filled = real(0)
    for _ in range(16):
        more = uniform >= below + mass and filled < empty
        below = select(more, below + mass, below)
        mass = select(more, mass * odds * (empty - filled) / (filled + real(1)), mass)
        filled = select(more, filled + real(1), filled)
    left = min(max((uniform - below) / mass, real(0)), real(0.99999994))
    filled = select(often, empty - filled, filled)
    full = sites - empty + filled
    # How many of the full ones release.
    often = chance > real(0.5)
    p = select(often, real(1) - chance, chance)
    odds = p / (real(1) - p)
    mass = pow(real(1) - p, full)
    below = real(0)
    released = real(0)
    for _ in range(16):
        more = left >= below + mass and released < full
        below = select(more, below + mass, below)
        mass = select(more, mass * odds * (full - released) / (released + real(1)), mass)
        released = select(more, released + real(1), released)
    released = select(often, full - released, released)
    return w, chance, sites - full + released, released


def part(released: Real, sites: Real) -> Real:
    """Return the part of the weight that is sent."""
    return released / sites
