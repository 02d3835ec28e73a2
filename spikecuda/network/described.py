"""The description of a network: populations, connections, sources, input and recording."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from spikecuda.common.arguments import as_count, as_positive
from spikecuda.common.exclusive_use import Unique, changes, restarts
from spikecuda.common.fixed import Fixed
from spikecuda.common.named import ReadOnly
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.precision import as_precision
from spikecuda.common.seed import Seeds, as_seed
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.inputs.drive import Drive
from spikecuda.models.base import Model
from spikecuda.network.model.coupling import Coupling
from spikecuda.network.model.description import Description
from spikecuda.network.model.drives import Drives
from spikecuda.network.model.handle import Handle
from spikecuda.network.model.population import Population, View, as_view, find_population
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.receptor import Receptor
from spikecuda.network.model.receptor_fit import as_receptors
from spikecuda.network.model.recorders import Recorders
from spikecuda.network.model.rules import as_rule
from spikecuda.network.model.spike_train import SpikeTrain
from spikecuda.network.model.synapse_recorders import SynapseRecorders
from spikecuda.network.model.trains import Trains
from spikecuda.network.model.upkeep import require_alone
from spikecuda.plasticity.base import SynapseRule
from spikecuda.runtime.neuron_spec import MAX_NEURONS, resolve_neurons
from spikecuda.space.positions import Placed, as_arrangement

# The projections of trains that drive neurons directly draw nothing; the others count up to here.
HIDDEN = 65535

# Neurons of all populations are told apart by 32 bits of the generator's counter.
MOST_IDENTITIES = 2**32


class Described(Unique, Fixed, Handle):
    """The part of a network that knows no engine: what was added to it so far.

    Args:
        dt: length of a step in ms.
        seed: integer in [0, 2^64).
        precision: "float16", "float32" or "float64".
        seeds: of wiring, start values and noise.
    """

    def __init__(self, dt: float, seed: int, precision: str, seeds: Seeds) -> None:
        self.dt = as_positive("dt", dt, "ms")
        self.seed, self.precision = as_seed(seed), as_precision(precision).name
        self._seeds = seeds
        self._named: dict[str, Population] = {}
        self._projections: list[Projection] = []
        self._wired: list[Projection] = []
        self._couplings: list[Coupling] = []
        self._trains = Trains(self.dt)
        self._drives = Drives(self.dt)
        self._handles: list[Drive] = []
        self._recorders = Recorders(self.dt)
        self._synapse_recorders = SynapseRecorders(self.dt)
        self._identity = 0

    @abstractmethod
    def _require_open(self) -> None:
        """Raise if the network is closed."""

    @abstractmethod
    def _require_unbuilt(self, what: str) -> None:
        """Raise if the network is built, which says that it cannot do ``what`` any more."""

    @property
    def populations(self) -> Mapping[str, Population]:
        """The populations by name, sources included."""
        return ReadOnly(self._named, "net.population(...) adds a population")

    @property
    def projections(self) -> tuple[Projection, ...]:
        """The projections, in the order of ``connect``."""
        return tuple(self._projections)

    @property
    def wired(self) -> tuple[Projection, ...]:
        """The projections, including those of trains that drive neurons."""
        return tuple(self._wired)

    def __getitem__(self, name: str) -> Population:
        return find_population(self._named, name)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._named)

    @changes
    def population(
        self,
        name: str,
        n: int,
        model: str | type[Model] = "lif",
        params: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        *,
        receptors: Mapping[str, Receptor] | None = None,
        scheme: str | None = None,
        substeps: int = 1,
        positions: Any = None,
    ) -> Population:
        """Add a population.

        Args:
            name: an identifier that no other population of the network has.
            n: number of neurons, at least 1.
            model, params, initial, scheme, substeps: as for ``GPUNeuronPool``.
            receptors: where spikes can arrive, by name, such as {"exc": ExpCurrent(tau=5.0)}.
            positions: where the neurons are, for rules that go by distances: ``Grid``,
                ``Scattered``, ``Layered`` or ``At`` of ``spikecuda.space``, or an array (n, axes).

        Returns:
            The population, also available as ``net[name]``.

        Raises:
            SpikecudaError: the network is built or closed.
            SpikecudaValueError, SpikecudaTypeError: an argument cannot be used, or the model cannot
                have such a receptor.
        """
        self._require_unbuilt("add populations")
        self._new_name(name)
        size = as_count("n", n, 1, MAX_NEURONS)
        if self._identity + size > MOST_IDENTITIES:
            raise SpikecudaValueError(
                f"a network may have {MOST_IDENTITIES:,} neurons, which are as many as have random "
                f"numbers of their own (got {self._identity + size:,} with {name!r}); use fewer"
            )
        neuron_spec = resolve_neurons(
            size, model, self.precision, self.dt, self._seeds, params=params, initial=initial,
            scheme=scheme, substeps=substeps, identity=self._identity,
        )  # fmt: skip
        ports = as_receptors(receptors, neuron_spec.model, neuron_spec.scheme, size)
        for port, receptor in ports.items():
            # Before anything is built: constants that cannot be worked out are an error now.
            receptor.cast_constants(
                port, neuron_spec.model, neuron_spec.params, neuron_spec.dt,
                neuron_spec.precision.real,
            )  # fmt: skip
        population = Population(
            self, len(self._populations()), name, neuron_spec.count, neuron_spec, ports,
            space=self._place(positions, size, self._identity),
        )  # fmt: skip
        # Four neurons share a block of random words.
        self._identity += -(-neuron_spec.count // 32) * 32
        self._named[name] = population
        return population

    def _place(self, positions: object, size: int, identity: int) -> Placed | None:
        """Return where neurons or trains are; None without positions.

        Args:
            positions: what the user gave.
            size: how many there are.
            identity: what tells them from those of other populations.
        """
        if positions is None:
            return None
        return as_arrangement(positions).place(size, identity)

    @changes
    @out_of_memory("what a connection is made of", "use fewer synapses, or a rule other than Pairs")
    def connect(
        self,
        source: Population | View | str,
        target: Population | View | str,
        rule: Any,
        weight: Any,
        delay: Any,
        receptor: str | None = None,
        *,
        autapses: bool = True,
        multapses: bool = True,
        procedural: bool = False,
        weight_bits: int | None = None,
        plasticity: SynapseRule | None = None,
        dendritic: float | None = None,
        max_weight: float | None = None,
        max_indegree: int | None = None,
        modulator: Population | View | str | None = None,
        modulator_delay: float | None = None,
        order: str | None = None,
    ) -> Projection:
        """Connect two populations, or views of them.

        Args:
            source, target: populations, views such as ``net["E"][:100]``, or names.
            rule: which pairs are connected: a rule from ``spikecuda.network``, "all_to_all" or
                "one_to_one".
            weight: in the receptor's unit: a number, ``Normal``, ``LogNormal`` or ``Uniform``, a
                profile of the distance such as ``Gaussian`` of ``spikecuda.space``, or with
                ``Pairs`` an array with one number for each pair.
            delay: in ms, likewise; rounded to whole steps, at most 32,767.  At least one step, or
                0: the spikes of a step arrive before the next one.
            receptor: name of the target's receptor; None if it has only one.
            autapses: whether a neuron may connect to itself.
            multapses: whether a pair may have several synapses.
            procedural: draw rows from the seed whenever they are needed instead of storing them.
            weight_bits: 16 or 32, for weights that differ between synapses.  None uses 16 if all
                weights of the receptor are then stored exactly enough, otherwise 32.
            plasticity: the rule that the synapses learn by, such as ``STDP(w_max=1.0)``; None:
                weights stay as they are.
            dendritic: ms, how much of the delays of synapses that learn lies behind the synapse; 0
                to the shortest delay, a multiple of dt.  The rest lies before it, in the axon.
                None: all, as in NEST.
            max_weight: the largest size of weights that are assigned later, > 0, so that the
                fixed-point scale has room for them; None: that of ``weight``.
            max_indegree: the most synapses that ``rewire`` gives a target later, so that the scale
                has room for them; None: as many as ``rule`` may.
            modulator: population, view, source or name whose spikes are the third factor of a rule
                that has one, such as ``DopamineSTDP``.
            modulator_delay: ms from a spike of the modulator to its effect, a multiple of dt; None:
                one step.
            order: when spikes arrive.  "nest": at the end of a step, where jumps come before the
                threshold; "brian": between two steps, as in Brian2 and GeNN, with delays from 0 on.
                None: "brian" if a delay that is given is 0, else "nest".

        Returns:
            The projection.

        Raises:
            SpikecudaError: the network is built or closed.
            SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
        """
        self._require_unbuilt("connect")
        if len(self._projections) + len(self._couplings) >= HIDDEN:
            raise SpikecudaError(
                f"a network has at most {HIDDEN:,} projections and couplings (got one more)"
            )
        projection = Projection(
            self, self.dt, self._seeds.wiring, len(self._projections),
            as_view("source", source, self._named),
            as_view("target", target, self._named), as_rule(rule), weight, delay, receptor,
            autapses=autapses, multapses=multapses, procedural=procedural, weight_bits=weight_bits,
            plasticity=plasticity, dendritic=dendritic, max_weight=max_weight,
            max_indegree=max_indegree,
            modulator=None if modulator is None else as_view("modulator", modulator, self._named),
            modulator_delay=modulator_delay, order=order,
        )  # fmt: skip
        self._projections.append(projection)
        self._wired.append(projection)
        return projection

    @restarts
    def record(
        self,
        target: Population | View | Projection | str,
        what: str | Iterable[str] | None = "spikes",
        *,
        every: float | None = None,
        only: object = None,
    ) -> None:
        """Record spikes or state variables of a population in later runs, or weights.

        By default the spikes of all populations are recorded.  Once ``record`` has named "spikes"
        for some populations, only theirs are.  Spikes of several views of a population add up.
        ``record`` can be called at any time and acts from the next run on.  Recording changes no
        result.

        Args:
            target: population, view or name; or a projection whose synapses learn.
            what: "spikes", names of state variables (``v``, ``i_exc``, ...), or several; None: no
                spikes of this population.  Of a projection "weight", and variables of its rule;
                they are in the result's ``synapses``.  None: nothing of it.
            every: ms between samples of variables, a multiple of dt; None: every step.  Spikes are
                always all recorded.  For a projection it must be given.
            only: which neurons: a slice, numbers or a mask, within the target.  Of a projection
                which synapses, in the order of its ``connections``.  At least one.

        Raises:
            SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
            SpikecudaError: a projection's synapses do not learn, or are rewired at intervals.
            ClosedError: the network is closed.
        """
        self._require_open()
        if not isinstance(what, Iterable | None):
            raise SpikecudaTypeError(f"what must be a name, several, or None (got {shown(what)})")
        if isinstance(target, Projection):
            self._require_own(target)
            if what is not None:
                self._require_lasting(target)
            self._synapse_recorders.add(target, what, every, only)
            return
        view = as_view("target", target, self._named)
        if what is None:
            require_alone("what", every=(every, None), only=(only, None))
        if only is not None:
            inner = View(view.population, only) if view.whole else None
            if inner is None:
                raise SpikecudaValueError(
                    "only is for a population (got a view, which says which neurons); give one"
                )
            view = inner
        names = () if what is None else (what,) if isinstance(what, str) else tuple(what)
        if what is not None and not names:
            raise SpikecudaValueError("what must name something (got nothing); None: no spikes")
        self._recorders.add(view, names, every)

    @property
    def trains(self) -> list[Population]:
        """The sources, including those of trains that drive neurons."""
        return [given.source for given in self._trains.given]

    @property
    def _sources(self) -> list[tuple[Population, SpikeTrain, int]]:
        """The sources, their spikes, and how many steps before their times they are sent."""
        return [(given.source, given.train, given.early) for given in self._trains.given]

    # Parts of it.

    def _describe(self) -> Description:
        """Return what the network was told; sources are numbered after the populations."""
        populations = self._populations()
        for i, source in enumerate(self.trains):
            source.place(len(populations) + i)
        return Description(
            self.dt, self._seeds.wiring, populations, self.trains, self._projections, self._wired,
            self._couplings,
        )  # fmt: skip

    def _populations(self) -> list[Population]:
        """Return the populations that have neurons."""
        return [
            population
            for population in list(self._named.values())
            if population.neuron_spec is not None
        ]

    @abstractmethod
    def _require_lasting(self, projection: Projection) -> None:
        """Raise SpikecudaError if a projection's synapses are rewired at intervals."""

    def _require_own(self, projection: Projection) -> None:
        """Raise unless a projection is of this network."""
        if projection not in self._projections:
            raise SpikecudaValueError(f"target belongs to another network (got {projection!r})")

    def _new_name(self, name: object) -> str:
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            raise SpikecudaValueError(f"name must be an identifier (got {name!r})")
        if name in self._named:
            raise SpikecudaValueError(f"name must be new (got {name!r} twice)")
        return name

    def __repr__(self) -> str:
        populations = self._populations()
        neurons = sum(population.size for population in populations)
        return (
            f"<Network: {neurons:,} neurons in {len(populations)} populations, "
            f"{len(self._projections)} projections, {self.precision}, dt {self.dt:g} ms>"
        )
