"""Pair STDP of nearest spikes only."""

from typing import Any, ClassVar

from spikecuda.errors import ModelError, SpikecudaValueError, nearest
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
    both_signs = False

    x = PreTrace("tau_plus", to_one=True, doc="trace of the source's last spike")
    y = PostTrace("tau_minus", to_one=True, doc="trace of the target's last spike")

    _schemes: ClassVar[dict[str, type["NearestSTDP"]]]
    _of_user: ClassVar[type["NearestSTDP"]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "scheme" in cls.parameters:
            raise ModelError(
                f"{cls.__name__}.scheme: the name is taken by the argument of NearestSTDP; choose "
                "another name"
            )
        cls._of_user, cls._schemes = cls, {"symmetric": cls}

    def __new__(cls, *, scheme: str = "symmetric", **params: Any) -> "NearestSTDP":
        """Return a rule of the class that has the scheme's functions."""
        if scheme not in SCHEMES:
            raise SpikecudaValueError(
                f"scheme must be one of {', '.join(SCHEMES)} (got {scheme!r})"
                f"{nearest(str(scheme), SCHEMES)}"
            )
        return super().__new__(cls._of_scheme(scheme))

    def __init__(self, *, scheme: str = "symmetric", **params: Any) -> None:
        kind = type(self)._of_scheme(scheme)
        if type(self) is not kind:
            raise SpikecudaValueError(
                f"scheme must be given where a {kind.__name__} is made (got {scheme!r} from its "
                f"__init__); {kind.__name__}(scheme={scheme!r}, ...)"
            )
        self.scheme = scheme
        super().__init__(**params)

    @classmethod
    def _of_scheme(cls, scheme: str) -> type["NearestSTDP"]:
        """Return the class of a scheme; that of a user's class is made when it is asked for."""
        public = cls._of_user
        if scheme not in public._schemes:
            base = NearestSTDP._schemes[scheme]
            parts = {n: v for n, v in vars(base).items() if n in ("waiting", "on_post", "on_pre")}
            for name in parts:
                if any(name in vars(k) for k in public.__mro__ if not issubclass(NearestSTDP, k)):
                    raise SpikecudaValueError(
                        f"scheme must be 'symmetric' for {public.__name__}, which has {name} of "
                        f"its own (got {scheme!r}, whose {name} would replace it); leave it out"
                    )
            made: type[NearestSTDP] = type(
                public.__name__, (public,),
                {"__doc__": public.__doc__, "__module__": public.__module__,
                 "__qualname__": public.__qualname__, "name": f"_{public.name}_{scheme}", **parts},
            )  # fmt: skip
            made._of_user = public
            public._schemes[scheme] = made
        return public._schemes[scheme]

    def made_from(self) -> tuple[type[SynapseRule], dict[str, Any]]:
        """Return the class and the arguments that make such a rule."""
        _, given = super().made_from()
        return self._of_user, {"scheme": self.scheme, **given}

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies are made anew, of the same scheme."""
        return _again, self.made_from()

    def __repr__(self) -> str:
        given = "".join(f", {k}={v:g}" for k, v in self.params.items())
        name = self._of_user.__name__
        return f"{name}(scheme={self.scheme!r}, w_max={self.w_max:g}{given})"


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


SCHEMES = ("symmetric", "restricted", "pre_centred")
NearestSTDP._of_user = _Restricted._of_user = _PreCentred._of_user = NearestSTDP
NearestSTDP._schemes = dict(zip(SCHEMES, (NearestSTDP, _Restricted, _PreCentred), strict=True))


def _again(kind: type[NearestSTDP], given: dict[str, Any]) -> NearestSTDP:
    return kind(**given)
