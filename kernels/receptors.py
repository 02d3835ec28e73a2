"""What each kind of receptor does in a step: lines of kernel source around a model's own step.

A receptor keeps states of its own.  At the start of a step ``gather`` adds its current, or its
conductance's mean over the step, to the membrane's input; at the end ``settle`` lets the
states decay and adds what arrives, so that a spike with delay d acts from d after its time on, as
in NEST.  Every propagator is exact for a membrane that is not coupled back.

What arrives *between* steps, as in Brian2 and GeNN, has cells of its own and takes effect at the
start of the next step: on the states of its receptor, or for a jump on the membrane.  A jump is
lost if the neuron was refractory in the step that has ended, or if the reset has set the state.

In the source, ``{x}`` stands for the receptor's prefix, and in ``take`` ``{a}`` for what arrives.
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
        take: source lines before all others, with ``{a}`` what arrives between two steps.
    """

    couples: str
    states: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    gather: tuple[str, ...] = ()
    settle: tuple[str, ...] = ()
    take: tuple[str, ...] = ()


def _both(*states: str) -> tuple[str, ...]:
    """Return lines that add what arrives to both parts of a difference of exponentials."""
    return tuple(f"{{x}}{s} = {{m}}fma({{x}}peak, {{a}}, {{x}}{s})" for s in states)


KINDS = {
    "delta": ReceptorKind(JUMP),
    "exp_current": ReceptorKind(
        CURRENT,
        ("i",),
        ("keep", "to_i"),
        ("current = {m}fma({x}i, {x}to_i, current)",),
        ("{x}i = {m}fma({x}keep, {x}i, {x}arrival)",),
        ("{x}i = {x}i + {a}",),
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
        ("{x}di = {m}fma({x}rise, {a}, {x}di)",),
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
        _both("i_decay", "i_rise"),
    ),
    "exp_conductance": ReceptorKind(
        CONDUCTANCE,
        ("g",),
        ("keep", "mean", "e_rev"),
        ("{x}now = {m}mul({x}mean, {x}g)",),
        ("{x}g = {m}fma({x}keep, {x}g, {x}arrival)",),
        ("{x}g = {x}g + {a}",),
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
        ("{x}dg = {m}fma({x}rise, {a}, {x}dg)",),
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
        _both("g_decay", "g_rise"),
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
        _both("g_decay", "g_rise"),
    ),
}


# Cells for what arrives between steps: no states, which are those of the receptor that it is for.
CELLS = ReceptorKind("between")
# Of jumps that can be lost: whether those that arrive after the last step are, 1 or 0.
DEAF = ReceptorKind("between", ("deaf",))


@dataclass(frozen=True)
class ReceptorSpec:
    """One receptor of a kernel, or the cells of what arrives at one between steps.

    Attributes:
        name: what the user calls it; of such cells one that no user can choose.
        kind: one of ``KINDS``.
        of: of such cells the receptor's name; else empty.
        lost: of such cells whether there are times at which what arrives is lost.
    """

    name: str
    kind: str
    of: str = ""
    lost: bool = False

    @property
    def rules(self) -> ReceptorKind:
        """What the kind does."""
        if self.of:
            return DEAF if self.lost else CELLS
        return KINDS[self.kind]

    @property
    def prefix(self) -> str:
        """What its names in a kernel begin with."""
        return f"_x_{self.name}_"

    @property
    def pushes(self) -> bool:
        """Whether what arrives between steps moves a state of the model."""
        return bool(self.of) and jumps(self.kind)

    def lines(self, which: str, m: str, exp: str) -> list[str]:
        """Return source lines: ``which`` is "gather" or "settle"; ``m`` prefixes the numerics."""
        return [line.format(x=self.prefix, m=m, exp=exp) for line in getattr(self.rules, which)]

    def take(self, m: str) -> list[str]:
        """Return source lines that let what has arrived between steps take effect."""
        owner, arrival = f"_x_{self.of}_", f"{self.prefix}arrival"
        return [line.format(x=owner, a=arrival, m=m) for line in KINDS[self.kind].take]


def jumps(kind: str) -> bool:
    """Tell whether what arrives at a kind of receptor makes a state of the model jump."""
    return KINDS[kind].couples == JUMP


def between(receptor: ReceptorSpec, lost: bool = False) -> ReceptorSpec:
    """Return the cells of what arrives at a receptor between steps."""
    # No identifier begins with a digit.
    return ReceptorSpec(f"0{receptor.name}", receptor.kind, receptor.name, lost)
