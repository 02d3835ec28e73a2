"""Which layout a bundle's rows have: a table of all sources for each block, or short rows.

By arithmetic on what the rules are expected to draw, so that it follows from the description:

- A *dense* row is a source's onto a block: 4 bytes for each source and block, whether or not it
  has synapses there, and 8 for each segment, the synapses of one delay.
- A *short* row is a source's onto a process: a quarter of a byte for each source, 4 (or 8) for
  each that has synapses there, and 2 more for each synapse, which has its delay itself.

The one with fewer bytes is taken.  Without heads of rows that would be short rows below four
synapses a segment; they are quicker there, too.
"""

import math
from collections.abc import Sequence

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.short_rows import WordBits, word_bits
from spikecuda.network.synapses.store import Bundle

DENSE, SHORT = "dense", "short"
# What tests set to have one or the other wherever it can be: DENSE, SHORT, or None.
forced: str | None = None


def short_bits(
    bundle: Bundle, sizes: Sequence[int], blocks: Blocks, divided: bool
) -> WordBits | None:
    """Return how the words of a bundle's short rows are used; None for dense rows.

    Args:
        bundle: its projections, not yet drawn.
        sizes: neurons of each population.
        blocks: of the process.
        divided: whether other processes have other targets.
    """
    bits = _possible(bundle, blocks)
    if bits is None or forced == DENSE or (forced is None and not divided):
        return None
    if forced == SHORT:
        return bits
    dense, short = row_bytes(
        sum(expected_here(p, blocks) for p in bundle.projections), sizes[bundle.source],
        blocks.count, max(delays_of(p) for p in bundle.projections),
    )  # fmt: skip
    return bits if short < dense else None


def row_bytes(synapses: float, sources: int, blocks: int, delays: float) -> tuple[float, float]:
    """Return the bytes of dense rows and of short ones, without those of targets and weights.

    Args:
        synapses: of a process; of ``sources`` sources.
        blocks: of the process.
        delays: how many different ones are usual.
    """
    row = synapses / (sources * blocks)
    segments = sources * blocks * delays * -math.expm1(-row / delays)
    present = sources * -math.expm1(-synapses / sources)
    start = 4 if synapses < 2**32 else 8
    return (
        4.0 * sources * blocks + 8.0 * segments,
        0.25 * sources + start * present + 2.0 * synapses,
    )


def expected_here(projection: Projection, blocks: Blocks) -> float:
    """Return how many of a projection's synapses are expected in some blocks."""
    view = projection.target
    first, last = np.searchsorted(view.ids, blocks.starts[view.population.number, [0, -1]])
    return projection.expected * float(last - first) / max(view.size, 1)


def delays_of(projection: Projection) -> float:
    """Return how many different delays, in steps, a projection's synapses usually have."""
    delay, dt = projection.delay, projection.dt
    low, high = projection.delay_steps()
    spread = float(high - low)
    if delay.kind in ("CLIPPED", "REDRAWN"):
        spread = 4.0 * delay.b / dt
    elif delay.kind == "LOGNORMAL":
        spread = (math.exp(delay.a + 2.0 * delay.b) - math.exp(delay.a - 2.0 * delay.b)) / dt
    return 1.0 + min(spread, float(high - low))


def _possible(bundle: Bundle, blocks: Blocks) -> WordBits | None:
    """Return how words would be used, or None if a bundle cannot have short rows.

    Rows that are drawn again or that learn have other layouts, and given trains are sent when
    their times come.
    """
    if bundle.kind == layout.PROCEDURAL or bundle.ruled:
        return None
    if bundle.projections[0].source.population.neuron_spec is None:
        return None
    cells = (bundle.port + 1) * int(blocks.sizes.max(initial=1))
    longest = max(p.delay_steps()[1] for p in bundle.projections)
    return word_bits(cells, blocks.count, longest)
