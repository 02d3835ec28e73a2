"""What each kind of receptor does in a step: lines of kernel source around a model's own step.

A receptor keeps states of its own.  At the start of a step ``gather`` adds its current, or its
conductance's mean over the step, to the membrane's input; at the end ``settle`` lets the
states decay and adds what arrives, so that a spike with delay d acts from d after its time on, as
in NEST.  Every propagator is exact for a membrane that is not coupled back.

In the source, ``{x}`` stands for the receptor's prefix.
Sources: Rotter & Diesmann (1999) Biol Cybern 81:381 (currents); Roth & van Rossum (2009) in
Computational Modeling Methods for Neuroscientists, ch. 6 (conductances); Jahr & Stevens (1990) J
Neurosci 10:3178, equation 4 (magnesium block).
"""

from dataclasses import dataclass

CURRENT, CONDUCTANCE, JUMP = "current", "conductance", "jump"


@dataclass(frozen=True)
class ReceptorKind:
    """One kind of receptor.

    Attributes:
        couples: what it adds to: "current" (pA), "conductance" (nS) or "jump" (mV).
        states: names of its states.
        constants: names of its constants, computed by the host.
        gather: source lines before the model's step; those of a conductance leave it in ``{x}now``.
        settle: source lines after it, with ``{x}arrival`` what arrives, in the unit of weights.
    """

    couples: str
    states: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    gather: tuple[str, ...] = ()
    settle: tuple[str, ...] = ()


KINDS = {
    "delta": ReceptorKind(JUMP),
    "exp_current": ReceptorKind(
        CURRENT,
        ("i",),
        ("keep", "to_i"),
        ("current = {m}fma({x}i, {x}to_i, current)",),
        ("{x}i = {m}fma({x}keep, {x}i, {x}arrival)",),
    ),
    # What couplings sum from the states of other neurons, before each step; no spikes arrive.
    "coupled": ReceptorKind(CURRENT, ("i",), (), ("current = current + {x}i",)),
    "alpha_current": ReceptorKind(
        CURRENT,
        ("i", "di"),
        ("keep", "drift", "rise", "to_i", "to_di"),
        ("current = {m}fma({x}i, {x}to_i, {m}fma({x}di, {x}to_di, current))",),
        (
            "{x}i = {m}fma({x}keep, {x}i, {m}mul({x}drift, {x}di))",
            "{x}di = {m}fma({x}keep, {x}di, {m}mul({x}rise, {x}arrival))",
        ),
    ),
    "beta_current": ReceptorKind(
        CURRENT,
        ("i_decay", "i_rise"),
        ("keep_decay", "keep_rise", "to_decay", "to_rise", "peak"),
        ("current = {m}fma({x}i_decay, {x}to_decay, {m}fma(-{x}i_rise, {x}to_rise, current))",),
        (
            "{x}i_decay = {m}fma({x}keep_decay, {x}i_decay, {m}mul({x}peak, {x}arrival))",
            "{x}i_rise = {m}fma({x}keep_rise, {x}i_rise, {m}mul({x}peak, {x}arrival))",
        ),
    ),
    "exp_conductance": ReceptorKind(
        CONDUCTANCE,
        ("g",),
        ("keep", "mean", "e_rev"),
        ("{x}now = {m}mul({x}mean, {x}g)",),
        ("{x}g = {m}fma({x}keep, {x}g, {x}arrival)",),
    ),
    "alpha_conductance": ReceptorKind(
        CONDUCTANCE,
        ("g", "dg"),
        ("keep", "drift", "rise", "mean", "mean_drift", "e_rev"),
        ("{x}now = {m}fma({x}mean, {x}g, {m}mul({x}mean_drift, {x}dg))",),
        (
            "{x}g = {m}fma({x}keep, {x}g, {m}mul({x}drift, {x}dg))",
            "{x}dg = {m}fma({x}keep, {x}dg, {m}mul({x}rise, {x}arrival))",
        ),
    ),
    "beta_conductance": ReceptorKind(
        CONDUCTANCE,
        ("g_decay", "g_rise"),
        ("keep_decay", "keep_rise", "mean_decay", "mean_rise", "peak", "e_rev"),
        ("{x}now = {m}fma({x}mean_decay, {x}g_decay, -{m}mul({x}mean_rise, {x}g_rise))",),
        (
            "{x}g_decay = {m}fma({x}keep_decay, {x}g_decay, {m}mul({x}peak, {x}arrival))",
            "{x}g_rise = {m}fma({x}keep_rise, {x}g_rise, {m}mul({x}peak, {x}arrival))",
        ),
    ),
    "nmda": ReceptorKind(
        CONDUCTANCE,
        ("g_decay", "g_rise"),
        ("keep_decay", "keep_rise", "mean_decay", "mean_rise", "peak", "e_rev", "mg", "steep"),
        (
            "{x}block = {m}div(real(1.0), {m}fma({x}mg, {exp}({m}mul({x}steep, v)), real(1.0)))",
            "{x}now = {m}mul({m}fma({x}mean_decay, {x}g_decay, -{m}mul({x}mean_rise, {x}g_rise)),"
            " {x}block)",
        ),
        (
            "{x}g_decay = {m}fma({x}keep_decay, {x}g_decay, {m}mul({x}peak, {x}arrival))",
            "{x}g_rise = {m}fma({x}keep_rise, {x}g_rise, {m}mul({x}peak, {x}arrival))",
        ),
    ),
}


@dataclass(frozen=True)
class ReceptorSpec:
    """One receptor of a kernel.

    Attributes:
        name: what the user calls it.
        kind: one of ``KINDS``.
    """

    name: str
    kind: str

    @property
    def rules(self) -> ReceptorKind:
        """What the kind does."""
        return KINDS[self.kind]

    @property
    def prefix(self) -> str:
        """What its names in a kernel begin with."""
        return f"_x_{self.name}_"

    def lines(self, which: str, m: str, exp: str) -> list[str]:
        """Return source lines: ``which`` is "gather" or "settle"; ``m`` prefixes the numerics."""
        return [line.format(x=self.prefix, m=m, exp=exp) for line in getattr(self.rules, which)]
