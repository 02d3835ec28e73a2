"""The parameters of a projection's synapse rule, and how they change."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError


class RuleParameters:
    """How ``Parameters`` reads and changes those of a projection's rule.

    Args:
        projection: whose.

    Raises:
        SpikecudaError: it has no rule.
    """

    def __init__(self, projection: Any) -> None:
        if projection.plasticity is None:
            raise SpikecudaError(
                f"{projection.name} has no rule and no parameters (got params); connect it with "
                "plasticity=..., or use weights"
            )
        self._projection = projection

    # What a rule is made with and keeps.
    fixed = ("timing", "scheme")

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{type(self._projection.plasticity).__name__} of {self._projection.name}"

    def parameters(self) -> Mapping[str, np.ndarray]:
        """Return all of them by name: float64, shape ()."""
        rule = self._projection.plasticity
        bounds = {"w_max": rule.w_max, "w_min": rule.w_min} if rule.learns else {}
        return {name: np.asarray(value) for name, value in {**rule.params, **bounds}.items()}

    def adjust(self, given: Mapping[str, Any], ids: np.ndarray | None) -> None:
        """Change some of them together; see ``Parameters.update``."""
        p = self._projection
        for name, value in given.items():
            if np.ndim(value):
                raise SpikecudaTypeError(
                    f"{name} is one number for all synapses of {p.name} (got shape "
                    f"{np.shape(value)}); connect other neurons by another rule"
                )
        rule = p.plasticity.changed(given)
        _check_fixed(p, rule)
        p.handle.adjust_rule(p, rule)


def _check_fixed(projection: Any, rule: Any) -> None:
    """Refuse what a network that is built cannot take.

    Raises:
        SpikecudaValueError: another sign or a larger w_max, or a parameter of a modulator or
            of when states of targets are seen.
    """
    p, old = projection, projection.plasticity
    if rule.learns and rule.sign != old.sign:
        raise SpikecudaValueError(
            f"w_max must keep its sign (got {rule.w_max:g}, and {old.w_max:g} before); connect "
            "another projection"
        )
    if not p.handle.built:
        return
    if rule.crosses_zero != old.crosses_zero:
        raise SpikecudaValueError(
            f"w_min must stay {'< 0' if old.crosses_zero else '>= 0'} once the network is built "
            f"(got {rule.w_min:g}, and {old.w_min:g} before); connect another projection"
        )
    if rule.learns and rule.largest > p.largest:
        name, got = max(("w_max", rule.w_max), ("w_min", rule.w_min), key=lambda b: abs(b[1]))
        raise SpikecudaValueError(
            f"{name} must be at most {p.largest:g} in size, for which the scale of "
            f"{p.receptor!r} was made (got {got:g}); connect with a larger {name}, and lower it "
            "before the first run"
        )
    part, fixed = old.modulator, [s.later for s in old.target_states.values() if s.later]
    if part is not None:
        fixed += [part.tau, old.variables[part.eligibility].decay]
        fixed += [part.baseline] if part.baseline else []
    for name in fixed:
        if rule.params[name] != old.params[name]:
            raise SpikecudaValueError(
                f"{name} of {type(rule).__name__} cannot change once the network is built (got "
                f"{rule.params[name]:g}, and {old.params[name]:g} before): what is noted of "
                "modulators or targets follows from it; use a new network"
            )
