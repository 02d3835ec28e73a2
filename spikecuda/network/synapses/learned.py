"""Rows of synapses that learn: what a build makes of drawn weights, and weights as of now."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikecuda.common.seed import keys
from spikecuda.kernels.learn_spec import LearnSpec
from spikecuda.kernels.network import layout
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.store import Bundle, Rows

# Stream of the generator from which keys of projections come.
STREAM = 1040
# Weights that are converted at a time.
PIECE = 1 << 20


class RuleLoops:
    """The compiled loops of a bundle's rule.

    Args:
        bundle: of one projection that learns.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.spec, self.constants = constants_of(bundle)

    @property
    def loops(self) -> Any:
        """The loops of ``templates/learn_cpu``."""
        from spikecuda.kernels.compile.cpu import learning

        return learning(self.spec)


def constants_of(bundle: Bundle) -> tuple[LearnSpec, np.ndarray]:
    """Return the kernel of a bundle's rule, and its constants in the kernel's type."""
    p = bundle.projections[0]
    assert p.plasticity is not None
    spec = p.plasticity.spec(p.target.population.neurons.precision.real)
    return spec, np.array(list(p.plasticity.constants(p.dt).values()), spec.real)


def batch_bytes(bundle: Bundle) -> int:
    """Return the bytes of a bundle's batch; see ``templates/learn_together``."""
    spec, _ = constants_of(bundle)
    reals = len(spec.source_values) + len(spec.rule.variables) + 2
    return layout.LEARNING_TILE * (6 * 4 + reals * spec.width + 4 + 2 + 1 + 16)


def synapse_keys(projection: Projection) -> int:
    """Return the key of the random numbers of a projection's synapses, as one int64.

    They depend on the noise seed of the target population, hence on the trial.
    """
    from spikecuda.kernels.numerics import philox

    generate: Any = philox
    key = keys(projection.target.population.neurons.noise_seed)
    word0, word1, _, _ = generate(*(np.uint32(n) for n in (projection.number, 0, 0, STREAM)), *key)
    return int(np.uint64(int(word0) | int(word1) << 32).view(np.int64))


def start_learning(bundle: Bundle, exponent: int) -> None:
    """Make rows that learn of rows as they were drawn, in place.

    Args:
        bundle: its weights are integers: what was drawn, or the number of a given pair.
        exponent: of the fixed-point scale of what was drawn.
    """
    p = bundle.projections[0]
    rule = p.plasticity
    assert rule is not None
    real = np.dtype(p.target.population.neurons.precision.real)
    for rows in bundle.blocks:
        drawn = rows.weights
        assert drawn is not None
        same = real.itemsize == drawn.itemsize
        weights = drawn.view(real) if same else np.empty(drawn.size, real)
        for a in range(0, drawn.size, PIECE):
            part = drawn[a : a + PIECE].copy()
            weights[a : a + PIECE] = magnitudes(p, part, exponent)
        rows.weights = weights
        rows.sources = segment_sources(rows)
        rows.variables = {
            name: np.full(drawn.size, rule.start(name), real) for name in rule.variables
        }


def segment_sources(rows: Rows) -> np.ndarray:
    """Return the source of each segment, uint32."""
    segments: np.ndarray = np.diff(rows.rows.astype(np.int64))
    return np.repeat(np.arange(segments.size, dtype=np.uint32), segments)


def settle_rows(
    bundle: Bundle,
    b: int,
    row_at: int,
    clock: int,
    rows: tuple[int, int] | None = None,
    raw: bool = False,
) -> dict[str, np.ndarray]:
    """Return a block's weights ("w", magnitudes) and variables as of now, in new arrays.

    Args:
        bundle: of a projection that learns.
        b: number of the block in the bundle.
        row_at: address of the bundle's row in the block's table.
        clock: steps done.
        rows: the first source whose synapses are returned, and the end; None: all.
        raw: whether variables are as their last event left them, not as of now.
    """
    stored = bundle.blocks[b]
    assert stored.weights is not None
    first, last = rows or (0, stored.rows.size - 1)
    begin, end = stored.synapses(first, last)
    arrays = {"w": stored.weights, **stored.variables}
    result = {name: np.empty(end - begin, array.dtype) for name, array in arrays.items()}
    # The loop counts synapses from the block's first one.
    at = [a.ctypes.data - begin * a.itemsize for a in result.values()]
    _settle(bundle, row_at, first, last, clock, at, raw)
    return result


def settle_in_place(bundle: Bundle, b: int, row_at: int, clock: int) -> None:
    """Write a block's weights and variables as of now into its rows; see ``settle_rows``."""
    stored = bundle.blocks[b]
    assert stored.weights is not None
    arrays = [stored.weights, *stored.variables.values()]
    _settle(bundle, row_at, 0, stored.rows.size - 1, clock, [a.ctypes.data for a in arrays])


def _settle(
    bundle: Bundle,
    row_at: int,
    first: int,
    last: int,
    clock: int,
    arrays: Sequence[int],
    raw: bool = False,
) -> None:
    """Write what rows have as of now to addresses: of weights, and of each variable."""
    addresses = np.array(arrays, np.int64)
    RuleLoops(bundle).loops.settle(
        row_at, first, last, clock - 1, arrays[0], addresses.ctypes.data + 8, int(raw)
    )


def magnitudes(projection: Projection, drawn: np.ndarray, exponent: int) -> np.ndarray:
    """Return start weights as a rule sees them, float64, from what the build has drawn."""
    rule, weight = projection.plasticity, projection.weight
    assert rule is not None
    if weight.kind == "FIXED":
        values = np.full(drawn.size, weight.a)
    elif weight.given is not None:
        values = weight.given[drawn]
    else:
        values = drawn * 2.0**-exponent
    # What was drawn is rounded, by half a unit at most.
    return np.clip(values * rule.sign, rule.w_min, abs(rule.w_max))
