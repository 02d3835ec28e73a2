"""What an example consists of: a network, and what to expect of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.examples.setting import Setting
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult

# From a NetworkResult, or what an example with data returns, and ms.
Measure = Callable[[Any, float], float | str]


@dataclass(frozen=True)
class Expected:
    """A result that others found, a number or a word, and how to compute it from a run.

    Attributes:
        what: such as "rate of L4E".
        unit: such as "Hz"; may be empty.
        low, high: what they found, twice, or its range over seeds and simulators.
        measure: computes it from a result and the time in ms from which on to look.
        source: who found it.
    """

    what: str
    unit: str
    low: float | str
    high: float | str
    measure: Measure
    source: str

    @property
    def text(self) -> str:
        """What they found."""
        if isinstance(self.low, str) or self.low == self.high:
            return show(self.low)
        return f"{show(self.low)} to {show(self.high)}"

    def verdict(self, value: float | str) -> str:
        """Return whether a value is the expected one, or by how much it is beyond."""
        if isinstance(value, str) or isinstance(self.low, str) or isinstance(self.high, str):
            return "as expected" if value == self.low else "differs"
        bound = min(max(value, self.low), self.high)
        if value == bound:
            return "as expected"
        return f"{100.0 * (value / bound - 1.0):+.1f} %" if bound else "differs"


def show(value: float | str) -> str:
    """Return a number with three digits, or a word as it is."""
    return value if isinstance(value, str) else f"{value:.3g}"


@dataclass(frozen=True)
class Example:
    """A published network.

    Attributes:
        name: its name for ``spikecuda run``.
        about: one sentence.
        source: the publication.
        network: returns the network; accepts ``variant`` and ``scale`` if the example has them, and
            options of ``Network``.
        expected: returns what to expect; accepts ``variant`` and ``scale`` likewise.
        duration: ms that are evaluated by default.
        settle: ms before these.
        variants: the choices of ``variant``, the default first.
        scales: whether the network can be made smaller.
        plastic: whether its synapses can learn, and what of them then.
        raster: ms at the end that the raster shows; None: all that is evaluated.
        pictured: populations that pictures show; empty: all.
        settings: the published numbers that can be set, by name.
        data: what the folder of ``--data`` must hold; empty: the example needs none.
        folder: what it may be, for examples that can do without; empty: they read none.
    """

    name: str
    about: str
    source: str
    network: Callable[..., Network]
    expected: Callable[..., Sequence[Expected]]
    duration: float
    settle: float = 0.0
    variants: tuple[str, ...] = ()
    scales: bool = False
    plastic: str = ""
    raster: float | None = 500.0
    pictured: tuple[str, ...] = ()
    settings: Mapping[str, Setting] = field(default_factory=dict)
    data: str = ""
    folder: str = ""

    def changed(self, given: Mapping[str, object]) -> dict[str, float]:
        """Return checked settings for ``network``.

        Raises:
            SpikecudaValueError: the example has no such setting, or the number is out of range.
        """
        for name in given:
            if name not in self.settings:
                raise SpikecudaValueError(
                    f"{self.name} has no parameter {name!r}{nearest(name, list(self.settings))}; "
                    f"it has {', '.join(self.settings)}"
                )
        return {name: self.settings[name].check(name, value) for name, value in given.items()}

    def options(
        self, variant: str | None = None, scale: float | None = None, plastic: bool = False
    ) -> dict[str, Any]:
        """Return checked options for ``network`` and ``expected``.

        Raises:
            SpikecudaValueError: the example has no such variant, no variants, only one size, or
                nothing that could be made to learn.
        """
        options: dict[str, Any] = {}
        if variant is not None:
            options["variant"] = as_variant(variant, self.variants)
        if scale is not None:
            if not self.scales:
                raise SpikecudaValueError(
                    f"{self.name} has one size (got scale {scale:g}); leave scale out"
                )
            options["scale"] = scale
        if plastic:
            if not self.plastic:
                raise SpikecudaValueError(
                    f"{self.name} has no synapses that can be made to learn (got plastic); leave "
                    "plastic out"
                )
            options["plastic"] = True
        return options


def as_variant(variant: str, known: Sequence[str]) -> str:
    """Return the name of a variant; raise SpikecudaValueError if it is none of the known ones."""
    if variant not in known:
        there_are = f"one of {', '.join(known)}" if known else "left out: there is only one"
        raise SpikecudaValueError(
            f"variant must be {there_are} (got {variant!r}){nearest(str(variant), list(known))}"
        )
    return variant


def rate_of(population: str) -> Measure:
    """Return a measure: the mean rate of a population, Hz."""
    return lambda result, start: result.rates(start=start)[population]


def sustained(result: NetworkResult, start: float) -> str:
    """Measure whether there are spikes in the last 10 ms: "sustained" or "dies out"."""
    last = max(spikes.time[-1] if len(spikes) else 0.0 for spikes in result.spikes.values())
    return "sustained" if last > result.stop - 10.0 else "dies out"
