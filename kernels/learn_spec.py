"""What distinguishes one learning kernel from another: the rule, the types, the convention."""

from dataclasses import dataclass
from typing import Any

from spikecuda.kernels.spec import Argument

NEST, BRIAN = TIMINGS = ("nest", "brian")
# What the loops tell of results that cannot be used, as bits: a weight above the w_max of a rule
# without an upper bound; no number as a weight, as a part that is sent; and, from these bits on, as
# a variable of a synapse, as one of a source.  Of rows that are drawn again: no number as the value
# of a function of the distance.
OVER, WRONG_WEIGHT, WRONG_PART, WRONG_VARIABLE, WRONG_SOURCE = 1, 2, 4, 1 << 3, 1 << 16
WRONG_PROFILE = 1 << 40


@dataclass(frozen=True)
class LearnSpec:
    """The structure of the loops that let the synapses of a projection learn.

    Attributes:
        rule: a ``SynapseRule`` subclass.
        real: type of weights, traces and constants: "float32" or "float64".
        timing: what happens at equal times, see ``SynapseRule``.
    """

    rule: Any
    real: str
    timing: str = NEST

    @property
    def name(self) -> str:
        """The module's name."""
        return f"learn_{self.rule.name}_{'f64' if self.real == 'float64' else 'f32'}"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """None: all entry points take addresses."""
        return ()

    @property
    def width(self) -> int:
        """Bytes of a real."""
        return 8 if self.real == "float64" else 4

    @property
    def source_values(self) -> tuple[str, ...]:
        """What an entry of a source's history holds, in order."""
        rule = self.rule
        return (*rule.pre_traces, *rule.source_variables, *(("_factor",) if rule.releases else ()))

    @property
    def target_values(self) -> tuple[str, ...]:
        """What an entry of a target's history holds, in order."""
        first = ("_watched",) if self.rule.watches else tuple(self.rule.post_traces)
        return (*first, *(f"_at_{name}" for name in self.states_kept))

    @property
    def states_kept(self) -> tuple[str, ...]:
        """The states of the target that ``on_post`` sees, as they are at the target's event."""
        function = self.rule.functions.get("on_post")
        wanted = () if function is None else function.arguments
        return tuple(name for name in self.rule.target_states if name in wanted)

    @property
    def template(self) -> str:
        """Name of the template of the CPU's loops."""
        return "learn_cpu.py.j2" if self.rule.learns else "release_cpu.py.j2"
