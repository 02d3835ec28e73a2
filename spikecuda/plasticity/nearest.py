"""Pair STDP of nearest spikes only."""

from typing import Any

from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.kernels.plasticity import nearest as functions
from spikecuda.plasticity.base import SynapseRule
from spikecuda.plasticity.parts import PostTrace, PreTrace, Variable
from spikecuda.plasticity.stdp import GutigSTDP


class NearestSTDP(GutigSTDP):
    """Pair STDP of nearest spikes only, with the changes and the parameters of ``GutigSTDP``.

    Args:
        scheme: which pairs count.  "symmetric": each spike with the last one of the other neuron.
            "restricted": immediate neighbours only.  "pre_centred": each spike of the source with
            the last and with the next one of the target.
        params: all else that ``GutigSTDP`` takes, ``w_max`` above all.

    Raises:
        SpikecudaValueError: there is no such scheme, or a parameter cannot be used.

    Source: Morrison, Diesmann & Gerstner (2008) Biol Cybern 98:459, figure 7.
    """

    name = "nearest_stdp"
    source = "Morrison, Diesmann & Gerstner (2008) Biol Cybern 98:459"

    x = PreTrace("tau_plus", to_one=True, doc="trace of the source's last spike")
    y = PostTrace("tau_minus", to_one=True, doc="trace of the target's last spike")

    def __new__(cls, *, scheme: str = "symmetric", **params: Any) -> "NearestSTDP":
        """Return a rule of the class that has the scheme's functions."""
        kinds = {"symmetric": NearestSTDP, "restricted": _Restricted, "pre_centred": _PreCentred}
        if scheme not in kinds:
            raise SpikecudaValueError(
                f"scheme must be one of {', '.join(kinds)} (got {scheme!r})"
                f"{nearest(str(scheme), list(kinds))}"
            )
        return super().__new__(kinds[scheme])

    def __init__(self, *, scheme: str = "symmetric", **params: Any) -> None:
        self.scheme = scheme
        super().__init__(**params)

    def made_from(self) -> tuple[type[SynapseRule], dict[str, Any]]:
        """Return the class and the arguments that make such a rule."""
        _, given = super().made_from()
        return NearestSTDP, {"scheme": self.scheme, **given}

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies are made anew, of the same scheme."""
        return _again, (self.made_from()[1],)

    def __repr__(self) -> str:
        given = "".join(f", {k}={v:g}" for k, v in self.params.items())
        return f"NearestSTDP(scheme={self.scheme!r}, w_max={self.w_max:g}{given})"


class _Restricted(NearestSTDP):
    """Immediate neighbours only."""

    name = "_nearest_restricted"

    on_post = functions.potentiate_first
    on_pre = functions.depress_paired


class _PreCentred(NearestSTDP):
    """Each spike of the source with the last and the next one of the target."""

    name = "_nearest_pre_centred"

    waiting = Variable(decay="tau_plus", doc="trace of spikes that wait for one of the target")

    on_post = functions.potentiate_waiting
    on_pre = functions.depress_waiting


def _again(given: dict[str, Any]) -> NearestSTDP:
    return NearestSTDP(**given)
