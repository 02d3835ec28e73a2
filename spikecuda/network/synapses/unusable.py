"""Results of synapse rules that cannot be used: NaN, infinity, more than there is room for."""

from collections.abc import Mapping

from spikecuda.errors import NumericalError, SpikecudaError
from spikecuda.kernels.learn_spec import (
    OVER,
    WRONG_PART,
    WRONG_PROFILE,
    WRONG_SOURCE,
    WRONG_VARIABLE,
    WRONG_WEIGHT,
)
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.field import refuse_function
from spikecuda.network.synapses.store import Bundle


class UnusableResults:
    """What could not be used in a run and after it: each kind is told once."""

    def __init__(self) -> None:
        self._told: dict[Bundle, int] = {}

    def clear(self) -> None:
        """Begin anew."""
        self._told = {}

    def require(self, wrong: Mapping[Bundle, int]) -> None:
        """Raise if there are any that were not told; see ``require_usable``.

        Rows that a function of the distance drew wrongly are told each time.
        """
        if not wrong:
            return
        for bundle, bits in wrong.items():
            if bits & WRONG_PROFILE:
                refuse_function(bundle.projections[0])
        new = {bundle: bits & ~self._told.get(bundle, 0) for bundle, bits in wrong.items()}
        for bundle, bits in wrong.items():
            self._told[bundle] = self._told.get(bundle, 0) | bits
        require_usable(new)


def require_usable(wrong: Mapping[Bundle, int]) -> None:
    """Raise if a result of a rule could not be used.

    Args:
        wrong: which results, as bits of ``learn_spec``.

    Raises:
        NumericalError: a result was NaN or infinite.
        SpikecudaError: a rule without an upper bound made a weight larger than its ``w_max``.
    """
    for bundle, bits in wrong.items():
        if not bits:
            continue
        p = bundle.projections[0]
        assert p.plasticity is not None
        rule = type(p.plasticity).__name__
        if bits & ~OVER:
            raise NumericalError(
                f"{rule} must return finite numbers (got NaN or infinity as {_results(p, bits)} of "
                f"{p.name}); events that gave them changed nothing: check its functions and "
                f"parameters, {p.plasticity!r}"
            )
        unit = p.target.population.receptors[p.receptor].unit
        raise SpikecudaError(
            f"w_max must be above all weights of {rule}, which has no upper bound (got "
            f"{p.plasticity.w_max:g} {unit}, and an event of {p.name} would have made more, which "
            "it did not); use a larger w_max, a smaller step, or a rule with a bound"
        )


def _results(projection: Projection, bits: int) -> str:
    """Return the names of results that could not be used."""
    rule = projection.plasticity
    assert rule is not None
    names = ["the weight"] if bits & WRONG_WEIGHT else []
    names += ["the part that is sent"] if bits & WRONG_PART else []
    for first, known in ((WRONG_VARIABLE, rule.variables), (WRONG_SOURCE, rule.source_variables)):
        names += [name for i, name in enumerate(known) if bits & first << i]
    return " and ".join(names)
