"""Space: where neurons are, and what follows from the distance between two of them.

Lengths are in any unit that is the same throughout a network; the docs use mm.
"""

from spikecuda.space.masks import Annulus, Box, Disc, Ellipse
from spikecuda.space.positions import At, Grid, Layered, Scattered
from spikecuda.space.profiles import DistanceFunction, Exponential, Gaussian, Linear

__all__ = [
    "Annulus",
    "At",
    "Box",
    "Disc",
    "DistanceFunction",
    "Ellipse",
    "Exponential",
    "Gaussian",
    "Grid",
    "Layered",
    "Linear",
    "Scattered",
]
