"""The vision-related areas of one hemisphere of a macaque: sizes, places, connections.

Sources: sizes, thickness, the rule of laminar source patterns: Schmidt, Bakker, Hilgetag, Diesmann
& van Albada (2018) Brain Struct Funct 223:1409 (open access, CC BY).  Places: in mm, so that
distances are the published medians between areas, 1.4 mm off in the root mean square.  External
in-degrees, shares of layers: computed with the authors' model, Schuecker et al. (2017) PLoS Comput
Biol 13:e1005179 and github INM-6/multi-area-model, of which no file is in this package: they are
under CC BY-NC-SA.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.examples import microcircuit

LAYERS = microcircuit.POPULATIONS
# From V1 on by architectural type.  Neurons under a square millimetre; thickness of the cortex, um;
# synapses of a neuron from outside of the model; place, mm.
TABLE: Mapping[str, tuple[tuple[int, ...], int, int, tuple[int, int, int]]] = {
    "V1": ((47387, 13366, 70387, 17598, 20741, 4554, 19840, 4063), 1240, 1246, (-23, -12, 0)),
    "V2": ((50521, 14250, 36686, 9172, 19079, 4190, 19248, 3942), 1460, 1848, (-15, -14, -10)),
    "VP": ((52974, 14942, 49292, 12324, 15929, 3498, 19130, 3918), 1585, 1757, (-5, -15, -3)),
    "V3": ((58476, 16494, 47429, 11858, 12057, 2648, 14530, 2976), 1585, 1810, (-19, -3, 0)),
    "V3A": ((40887, 11533, 23789, 5948, 12672, 2783, 15218, 3117), 1660, 2704, (-15, 0, 3)),
    "MT": ((60606, 17095, 28203, 7051, 14177, 3113, 15837, 3243), 1960, 2510, (-3, -1, 1)),
    "V4t": ((48175, 13589, 34735, 8684, 14858, 3263, 17843, 3654), 1880, 2294, (-4, -4, 4)),
    "V4": ((64447, 18179, 33856, 8464, 13990, 3072, 14162, 2900), 1890, 2338, (-6, -10, 8)),
    "VOT": ((45313, 12781, 37612, 9403, 15828, 3476, 19009, 3893), 1904, 2410, (4, -12, 3)),
    "MSTd": ((44344, 12508, 22524, 5631, 14742, 3237, 17705, 3626), 2071, 3181, (-3, 6, 5)),
    "PIP": ((44344, 12508, 22524, 5631, 14742, 3237, 17705, 3626), 2071, 3327, (-13, 4, -4)),
    "PO": ((44344, 12508, 22524, 5631, 14742, 3237, 17705, 3626), 2071, 3226, (-17, 5, -10)),
    "DP": ((43934, 12392, 18896, 4724, 14179, 3114, 17028, 3487), 2060, 3329, (-17, 6, 8)),
    "MIP": ((41274, 11642, 15876, 3969, 7681, 1687, 34601, 7086), 2071, 3474, (-16, 10, -9)),
    "MDP": ((44344, 12508, 22524, 5631, 14742, 3237, 17705, 3626), 2071, 5187, (-18, 14, -12)),
    "VIP": ((56684, 15989, 26276, 6569, 10100, 2218, 7865, 1611), 2071, 3379, (-9, 11, 1)),
    "LIP": ((51984, 14663, 20095, 5024, 11631, 2554, 28116, 5758), 2300, 3312, (-11, 12, 6)),
    "PITv": ((45313, 12781, 37612, 9403, 15828, 3476, 19009, 3893), 1904, 2441, (9, -12, 3)),
    "PITd": ((45313, 12781, 37612, 9403, 15828, 3476, 19009, 3893), 1904, 2472, (6, -9, 7)),
    "MSTl": ((44344, 12508, 22524, 5631, 14742, 3237, 17705, 3626), 2071, 3094, (3, 1, 2)),
    "CITv": ((41696, 11761, 15304, 3826, 14385, 3159, 17276, 3538), 2228, 3844, (16, -12, 0)),
    "CITd": ((41696, 11761, 15304, 3826, 14385, 3159, 17276, 3538), 2228, 3708, (15, -8, 3)),
    "FEF": ((44053, 12426, 23144, 5786, 16944, 3721, 16128, 3303), 2210, 3598, (23, 27, 1)),
    "TF": ((30774, 8680, 17143, 4286, 11083, 2434, 13310, 2726), 1620, 3805, (6, -8, -8)),
    "AITv": ((49225, 13885, 18067, 4517, 16983, 3729, 20395, 4177), 2630, 3787, (21, -9, -4)),
    "FST": ((36338, 10250, 12504, 3126, 12624, 2772, 15161, 3105), 2247, 4614, (10, -1, 1)),
    "7a": ((49482, 13957, 13280, 3320, 15818, 3473, 18996, 3890), 2680, 4362, (-10, 10, 9)),
    "STPp": ((41678, 11756, 13093, 3273, 14218, 3122, 17075, 3497), 2247, 4246, (11, 5, 11)),
    "STPa": ((41678, 11756, 13093, 3273, 14218, 3122, 17075, 3497), 2247, 4033, (22, 0, 0)),
    "46": ((32582, 9190, 10646, 2662, 11851, 2602, 15841, 3244), 1860, 4310, (28, 30, -6)),
    "AITd": ((49225, 13885, 18067, 4517, 16983, 3729, 20395, 4177), 2630, 3784, (24, -8, 0)),
    "TH": ((24712, 6970, 0, 0, 23354, 5128, 10862, 2224), 1870, 5492, (6, -4, -12)),
}
AREAS = tuple(TABLE)
# Synapses of a neuron of V1 in all; the share of an area's synapses from within its square
# millimetre, and from the other areas.  The latter is 0.115 in the authors' matrix; a little less
# keeps the reduction as far from its state of high activity as that is.
INDEGREE_V1, LOCAL, BETWEEN = 3950.0, 0.5, 0.1
# The share of a source falls with its distance, 1 / mm; sources beyond the nearest that make up so
# much of it are left out.
DECAY, KEPT = 0.11, 0.85
# The share of a source's supragranular neurons is a normal distribution's at a + b ln(ratio of the
# densities of target and source); from these shares on a projection is feedforward, or feedback.
PROBIT = (-0.152, -1.534)
FEEDBACK, FORWARD = 0.35, 0.65
# Of the synapses of a projection, by kind: rows are targets, columns the sources L23E, L5E and L6E.
SOURCES = (0, 4, 6)
SHARES = {
    "forward": (
        (0.0048, 0.0072, 0.0169),
        (0.0037, 0.0012, 0.0023),
        (0.5353, 0.0502, 0.0629),
        (0.1210, 0.0101, 0.0121),
        (0.0389, 0.0050, 0.0117),
        (0.0047, 0.0003, 0.0005),
        (0.0885, 0.0051, 0.0089),
        (0.0075, 0.0005, 0.0007),
    ),
    "lateral": (
        (0.0664, 0.0158, 0.0276),
        (0.0183, 0.0048, 0.0080),
        (0.3240, 0.0982, 0.1288),
        (0.0363, 0.0076, 0.0097),
        (0.0585, 0.0130, 0.0221),
        (0.0048, 0.0014, 0.0021),
        (0.0759, 0.0232, 0.0313),
        (0.0115, 0.0048, 0.0058),
    ),
    "back": (
        (0.0510, 0.0673, 0.0777),
        (0.0126, 0.0101, 0.0132),
        (0.1328, 0.1228, 0.1550),
        (0.0050, 0.0024, 0.0031),
        (0.0441, 0.0377, 0.0494),
        (0.0028, 0.0029, 0.0034),
        (0.0549, 0.0619, 0.0649),
        (0.0072, 0.0087, 0.0090),
    ),
}
# External in-degrees of these are larger: what the published model needs for its low rates.
MORE_EXTERNAL = {4: 1.125, 6: 1.41666667}
MORE_IN_TH = {0: 1.2, 4: 1.2}
# No tracer study told what projects to MDP: the authors make all of it external.  The reduction has
# projections to it, and as many external synapses as onto PIP and PO, which have its size.
UNTRACED, LESS_EXTERNAL = "MDP", 3277


class Cortex:
    """Populations and connections at full size.

    Attributes:
        names: of populations, such as "L23E_V1".
        area, layer: int64 (populations,), numbers in ``AREAS`` and ``LAYERS``.
        neurons: float64 (populations,).
        within: bool (targets, sources), whether both are in one area.
        indegree: float64 (targets, sources), synapses of a target from all of a source.
        external: float64 (populations,), synapses of a neuron from outside.
        distance: float64 (areas, areas), mm.
    """

    def __init__(self) -> None:
        sizes = np.array([row[0] for row in TABLE.values()], float)
        thickness = np.array([row[1] for row in TABLE.values()], float)
        places = np.array([row[3] for row in TABLE.values()], float)
        self.area, self.layer = np.nonzero(sizes)
        self.names = [f"{LAYERS[k]}_{AREAS[a]}" for a, k in zip(self.area, self.layer, strict=True)]
        self.neurons = sizes[self.area, self.layer]
        self.distance = np.linalg.norm(places[:, None] - places[None, :], axis=2)
        more, th = np.ones(self.area.size), self.area == AREAS.index("TH")
        for layer, factor in MORE_EXTERNAL.items():
            more[self.layer == layer] *= factor
        for layer, factor in MORE_IN_TH.items():
            more[th & (self.layer == layer)] *= factor
        external = [LESS_EXTERNAL if a == UNTRACED else row[2] for a, row in TABLE.items()]
        self.external = np.array(external, float)[self.area] * more
        self.within = self.area[:, None] == self.area[None, :]
        # All areas have as many synapses in a volume.
        total = INDEGREE_V1 * sizes[0].sum() / thickness[0] * thickness
        self.indegree = self._local(sizes, total)
        density = sizes.sum(axis=1) / thickness
        self._connect(BETWEEN * total, density)

    def _local(self, sizes: np.ndarray, total: np.ndarray) -> np.ndarray:
        """Return the in-degrees within areas: those of the microcircuit, all times one number.

        Args:
            sizes: neurons, (areas, layers).
            total: synapses of each area.
        """
        relative = microcircuit.synapses() / np.array(microcircuit.NEURONS, float)[:, None]
        factor = LOCAL * total / (sizes @ relative.sum(axis=1))
        every = factor[self.area, None] * relative[np.ix_(self.layer, self.layer)]
        return np.where(self.within, every, 0.0)

    def _connect(self, total: np.ndarray, density: np.ndarray) -> None:
        """Add the in-degrees between areas.

        Args:
            total: synapses of each area from all others.
            density: neurons in a volume of each area.
        """
        share = area_shares(self.distance)
        for target, source in np.argwhere(share):
            rows, columns = self.area == target, self.area == source
            columns &= np.isin(self.layer, SOURCES)
            kind = kind_of(density[target] / density[source])
            table = np.zeros((len(LAYERS), len(LAYERS)))
            table[:, SOURCES] = SHARES[kind]
            part = table[np.ix_(self.layer[rows], self.layer[columns])]
            count = total[target] * share[target, source] * part / part.sum()
            self.indegree[np.ix_(rows, columns)] = count / self.neurons[rows, None]


def area_shares(distance: np.ndarray) -> np.ndarray:
    """Return float64 (targets, sources), the share of each source in what comes from other areas.

    Args:
        distance: of areas, mm.
    """
    share = np.exp(-DECAY * distance)
    np.fill_diagonal(share, 0.0)
    share /= share.sum(axis=1, keepdims=True)
    for row in share:
        nearest = np.argsort(-row, kind="stable")
        row[nearest[np.searchsorted(np.cumsum(row[nearest]), KEPT) + 1 :]] = 0.0
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def kind_of(ratio: float) -> str:
    """Return "forward", "lateral" or "back" of a projection.

    Args:
        ratio: neuron density of the target over that of the source.
    """
    x = PROBIT[0] + PROBIT[1] * math.log(ratio)
    supragranular = 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))
    if supragranular > FORWARD:
        return "forward"
    return "back" if supragranular < FEEDBACK else "lateral"


# What is read of the authors' repository.
MATRIX = "figures/SchueckerSchmidt2017/K_prime_original.npy"
NUMBERS = "multiarea_model/data_multiarea/viscortex_raw_data.json"


def published(folder: str | os.PathLike[str]) -> Cortex:
    """Return the cortex with the in-degrees and distances of the authors' repository.

    Args:
        folder: a checkout of github INM-6/multi-area-model.

    Raises:
        SpikecudaValueError: a file is missing, or is not what it was.
    """
    cortex, root = Cortex(), Path(folder)
    for name in (MATRIX, NUMBERS):
        if not (root / name).is_file():
            raise SpikecudaValueError(
                f"data must be a checkout of github INM-6/multi-area-model (got {str(root)!r}, "
                f"which has no {name}); leave data out for the reduction"
            )
    matrix = np.load(root / MATRIX, allow_pickle=False)
    if matrix.shape != cortex.indegree.shape or not (np.isfinite(matrix) & (matrix >= 0)).all():
        raise SpikecudaValueError(
            f"{MATRIX} must have in-degrees >= 0 of {cortex.indegree.shape} populations (got shape "
            f"{matrix.shape}); check out the repository anew"
        )
    cortex.indegree = matrix
    untraced = cortex.area == AREAS.index(UNTRACED)
    cortex.external[untraced] *= TABLE[UNTRACED][2] / LESS_EXTERNAL
    try:
        places = json.loads((root / NUMBERS).read_text(encoding="utf-8"))["median_distance_data"]
        cortex.distance = np.array(
            [[0.0 if a == b else places[a][b] for b in AREAS] for a in AREAS], float
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SpikecudaValueError(
            f"{NUMBERS} must have the distances of all areas (got {error!r}); check out the "
            "repository anew"
        ) from error
    return cortex
