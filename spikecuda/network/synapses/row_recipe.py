"""What a projection's rows are drawn from: by name for Python, packed for the loops."""

import math
from dataclasses import dataclass

import numpy as np

from spikecuda.common.time_grid import nearest_step
from spikecuda.kernels.network import draw
from spikecuda.kernels.network.rules import COLUMNS, SPATIAL
from spikecuda.network.model.order import MAX_DELAY
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.values import Values
from spikecuda.network.synapses.field import field_of


@dataclass(frozen=True, eq=False)
class RowRecipe:
    """The numbers of a projection; with them each row is a pure function of the seed.

    Attributes:
        projection: whose rows.
        exponent: of its port's fixed-point scale; None where synapses are counted only.
        bits: width of its weights.
    """

    projection: Projection
    exponent: int | None = None
    bits: int = 32

    @property
    def weight_kind(self) -> int:
        """The distribution of the weights, see ``kernels/network/draw``."""
        return self._kind(self.projection.weight)

    @property
    def delay_kind(self) -> int:
        """The distribution of the delays."""
        return self._kind(self.projection.delay)

    @property
    def fixed_weight(self) -> int:
        """The integer weight of all synapses; 0 if they differ."""
        weight = self.projection.weight
        if weight.kind != "FIXED" or self.exponent is None:
            return 0
        return round(math.ldexp(weight.a, self.exponent))

    @property
    def fixed_delay(self) -> int:
        """The delay of all synapses in steps; 0 if they differ."""
        delay = self.projection.delay
        if delay.kind != "FIXED" or self.exponent is None:
            return 0
        return nearest_step(delay.a, self.projection.dt) + self.projection.late

    @property
    def largest_weight(self) -> int:
        """The largest integer weight."""
        return 2 ** (self.bits - 1) - 1

    @property
    def longest_delay(self) -> int:
        """The longest delay in steps."""
        return MAX_DELAY

    @property
    def drawn(self) -> bool:
        """Whether weights or delays are drawn, not only targets."""
        p = self.projection
        return not {p.weight.kind, p.delay.kind} <= {"FIXED", "GIVEN"}

    def targets_loop(self) -> int:
        """Return the address of the loop that draws the targets of rows."""
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        rule = self.projection.rule
        if rule.draws is None:
            raise TypeError(f"{type(rule).__name__} lists its synapses and draws no rows")
        module = "network_space" if rule.draws in SPATIAL else "network_draw"
        return int(getattr(load_cpu_loop(module), rule.draws))

    def values_loop(self) -> int:
        """Return the address of the loop that draws weights and delays; 0 if none are drawn."""
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        p = self.projection
        if p.weight.profile is not None or p.delay.profile is not None:
            return int(load_cpu_loop("network_near_values").draw_near_values)
        return int(load_cpu_loop("network_draw").draw_row_values) if self.drawn else 0

    def distributions(self) -> np.ndarray:
        """Return the numbers of the distributions, in the order from ``draw.Q_W_A`` on."""
        if self.exponent is None:
            return np.zeros(10)
        w, d, dt = self.projection.weight, self.projection.delay, self.projection.dt
        late = self.projection.late * dt
        return np.array([
            w.a, w.b, w.low, w.high, 2.0**self.exponent, d.a + late, d.b, d.low + late,
            d.high + late, 1.0 / dt,
        ])  # fmt: skip

    def packed(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the integers and the floats that the loops take."""
        p = self.projection
        ints, floats = np.zeros(draw.PROJECTION, np.int64), np.zeros(16)
        ints[draw.J_RULE], ints[draw.J_DEGREE] = p.rule.code, p.rule.each
        ints[draw.J_SOURCES], ints[draw.J_TARGETS] = p.source.size, p.target.size
        ints[draw.J_NUMBER] = p.number
        ints[draw.J_MULTAPSES], ints[draw.J_AUTAPSES] = p.multapses, p.autapses
        ints[draw.J_WEIGHT], ints[draw.J_DELAY] = self.weight_kind, self.delay_kind
        ints[draw.J_MAX_WEIGHT], ints[draw.J_MAX_DELAY] = self.largest_weight, self.longest_delay
        ints[draw.J_FIXED_WEIGHT] = self.fixed_weight
        ints[draw.J_FIXED_DELAY] = self.fixed_delay
        field = field_of(p)
        ints[draw.J_FIELD] = 0 if field is None else field.address
        floats[draw.Q_LOG] = p.rule.inverse_log
        floats[draw.Q_W_A : draw.Q_W_A + 10] = self.distributions()
        return ints, floats

    def _kind(self, values: Values) -> int:
        return draw.FIXED if self.exponent is None else int(getattr(draw, values.kind))


def row_twins(p: Projection) -> np.ndarray:
    """Return each row's own neuron, as a number within the other view or -1; or nothing."""
    if not p.apart:
        return np.empty(0, np.int32)
    own, other = p.source.ids, p.target.ids
    if p.rule.order == COLUMNS:
        own, other = other, own
    # Views are ascending.
    at = np.minimum(np.searchsorted(other, own), other.size - 1)
    return np.where(other[at] == own, at, -1).astype(np.int32)


def row_scratch(p: Projection, degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what a thread needs to draw rows; see ``kernels/network/drawn_rows.SCRATCH``."""
    choices = p.source.size if p.rule.order == COLUMNS else p.target.size
    longest = p.rule.longest_row(choices, degrees)
    seen = np.zeros(1 if p.multapses else choices, np.int32)
    return seen, np.empty(6 * (longest + 4), np.int32)
