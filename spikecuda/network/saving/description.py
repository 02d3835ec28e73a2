"""What a network was told, as a tree, and told again."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spikecuda.common.npz import FormatError
from spikecuda.inputs.drive import Drive
from spikecuda.network.model.coupling import Coupling, ReadFunction
from spikecuda.network.model.population import Population, View
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.receptor import Receptor
from spikecuda.network.model.rule import Rule
from spikecuda.network.model.spike_train import SpikeTrain
from spikecuda.network.model.synapse_recorders import SynapseRecord
from spikecuda.network.model.trains import Given
from spikecuda.network.model.upkeep import Normalisation, RateScaling, Rewiring, Sharing
from spikecuda.network.model.values import Values
from spikecuda.network.upkeep import chore_of
from spikecuda.saving.codec import Decoder, Encoder, ours
from spikecuda.saving.neurons import as_they_were, neurons_of, neurons_tree
from spikecuda.space.masks import Mask
from spikecuda.space.positions import Arrangement
from spikecuda.space.profiles import Profile

CLASSES = (
    *ours(Receptor), *ours(Rule), SpikeTrain, Normalisation, RateScaling, Rewiring, Sharing,
    ReadFunction, *ours(Arrangement), *ours(Mask), *ours(Profile),
)  # fmt: skip


class Teller:
    """Makes the tree of a network's description.

    Args:
        net: the network, built.
        encoder: of the file.
    """

    def __init__(self, net: Any, encoder: Encoder) -> None:
        self._net, self._encode = net, encoder.tree
        self._encoder = encoder

    def tree(self) -> dict[str, Any]:
        """Return it."""
        net, given = self._net, self._net._trains.given
        projections = {p: ["projection", i] for i, p in enumerate(net._projections)}
        trains = {g.projection: ["train", i] for i, g in enumerate(given) if g.projection}
        return {
            "populations": {name: self._population(p) for name, p in net._named.items()},
            "trains": [self._train(g) for g in given],
            "projections": [self._projection(p) for p in net._projections],
            "couplings": [self._coupling(c) for c in net._couplings],
            "wired": [projections.get(p) or trains[p] for p in net._wired],
            "drives": [self._drive(drive) for drive in net.drives],
            "spikes": {
                name: self._view(view) for name, view in net._recorders.spikes.items()
            },
            "variables": [
                [name, variable, self._view(view), every]
                for (name, variable), (view, every) in net._recorders.variables.items()
            ],
            "records": [
                [net._projections.index(r.projection), list(r.names), r.every,
                 self._encode("only", r.which)]
                for r in net._synapse_recorders.records
            ],
            "upkeep": [
                [net._projections.index(p), kind, self._encode(kind, chore.what), chore.every]
                for (p, kind), chore in net._upkeep.items()
            ],
        }  # fmt: skip

    def _population(self, p: Population) -> dict[str, Any]:
        if p.neuron_spec is None:
            return {"source": p.size, "at_once": p.at_once, "positions": self._positions(p)}
        receptors = self._encode(f"receptors of {p.name}", dict(p.receptors))
        return {
            "neurons": neurons_tree(p.neuron_spec, self._encoder, p.name),
            "receptors": receptors,
            "positions": self._positions(p),
        }

    def _positions(self, p: Population) -> Any:
        arranged = None if p.space is None else p.space.arrangement
        return self._encode(f"positions of {p.name}", arranged)

    def _train(self, given: Given) -> dict[str, Any]:
        source, projection = given.source, given.projection
        step, before = given.since
        if step != self._net._clock:
            step, before = 0, None
        tree: dict[str, Any] = {
            "name": source.name, "at_once": given.at_once, "most": source.at_once,
            "train": self._encode(f"the train of {source.name or 'a drive'}", given.train),
            "since": [step, self._encode("a train", before)],
        }  # fmt: skip
        if projection is not None:
            tree |= {
                "size": source.size, "target": self._view(projection.target),
                "receptor": projection.receptor, "weight": projection.weight.a,
                "max_weight": given.max_weight, "live": given.drive is not None,
            }  # fmt: skip
        return tree

    def _projection(self, p: Projection) -> dict[str, Any]:
        weight, delay = p.drawn_from
        encode, name = self._encode, p.name
        return {
            "source": self._view(p.source),
            "target": self._view(p.target),
            "rule": encode(f"the rule of {name}", p.rule),
            "weight": encode(f"the weight of {name}", weight or _given(p.weight)),
            "delay": encode(f"the delay of {name}", delay or _given(p.delay)),
            "receptor": p.receptor,
            "autapses": p.autapses,
            "multapses": p.multapses,
            "procedural": p.procedural,
            "weight_bits": p.weight_bits,
            "plasticity": encode(f"the plasticity of {name}", p.first_rule),
            "rule_now": encode(f"the plasticity of {name}", p.plasticity),
            "dendritic": None if p.dendritic is None else p.dendritic * p.dt,
            "max_weight": None if p.max_weight == p.weight.largest else p.max_weight,
            "max_indegree": p.max_indegree or None,
            "modulator": None if p.modulator is None else self._view(p.modulator),
            "modulator_delay": p.modulator_delay * p.dt if p.modulator is not None else None,
            "plastic": p.plastic,
            "order": p.order,
        }

    def _coupling(self, c: Coupling) -> dict[str, Any]:
        value = c.value.given if c.value.source is None else ReadFunction(c.value.given)
        return {
            "source": self._view(c.source),
            "target": self._view(c.target),
            "rule": self._encode(f"the rule of {c.name}", c.rule),
            "weight": self._encode(f"the weight of {c.name}", c.weight),
            "value": self._encode(f"the value of {c.name}", value),
            "receptor": c.receptor,
            "difference": c.difference,
            "symmetric": c.symmetric,
            "iterated": c.iterated,
            "strength": c.strength,
            "autapses": c.pairs.autapses,
            "multapses": c.pairs.multapses,
        }

    def _drive(self, drive: Drive) -> list[Any]:
        net = self._net
        if drive not in net._drives:
            return ["train", net._trains.given.index(net._trains.of_drive(drive))]
        entry = net._drives.entry(drive)
        inputs = self._encode(f"a drive of {entry.view.population.name}", list(entry.inputs))
        return ["input", self._view(entry.view), entry.receptor, inputs]

    def _view(self, view: View | None) -> Any:
        if view is None:
            return None
        ids = None if view.whole else self._encode("a view", view.ids)
        return [view.population.name, ids]


class Told:
    """Tells a new network what a tree says.

    Args:
        net: the network, empty.
        tree: of ``Teller``.
        decoder: of the file.
    """

    def __init__(self, net: Any, tree: dict[str, Any], decoder: Decoder) -> None:
        self._net, self._tree, self._decoder = net, tree, decoder
        self._value = decoder.value

    def tell(self) -> None:
        """Tell populations, projections, input, and what is recorded."""
        net, tree = self._net, self._tree
        trains = {t["name"]: t for t in tree["trains"] if t["name"]}
        for name, about in tree["populations"].items():
            if "source" in about:
                source = trains[name]
                net.source(
                    name, about["source"], self._value(source["train"]), at_once=source["most"],
                    positions=self._value(about["positions"]),
                )  # fmt: skip
            else:
                self._population(name, about)
        for about in tree["projections"]:
            self._connect(about)
        for about in tree.get("couplings", ()):
            self._couple(about)
        named = {g.source.name: g for g in net._trains.given}
        given = [
            self._source(named[t["name"]], t) if t["name"] else self._train(t)
            for t in tree["trains"]
        ]
        net._trains.order(given)
        wired = []
        for kind, i in tree["wired"]:
            wired.append(net._projections[i] if kind == "projection" else given[i].projection)
        if None in wired or {*net._projections} - {*wired}:
            raise FormatError("its projections are not those that are wired")
        net._wired[:] = wired
        for kind, *about in tree["drives"]:
            self._drive(kind, about, given)

    def record(self) -> None:
        """Tell what is recorded, and what is done at intervals, now that synapses exist."""
        net, tree = self._net, self._tree
        net._recorders.restore(
            {name: self._view(view) for name, view in tree["spikes"].items()},
            {(name, variable): (self._view(view), int(every))
             for name, variable, view, every in tree["variables"]},
        )  # fmt: skip
        net._synapse_recorders.restore([
            SynapseRecord(net._projections[i], tuple(names), int(every), self._value(which))
            for i, names, every, which in tree["records"]
        ])  # fmt: skip
        for i, kind, what, every in tree["upkeep"]:
            projection = net._projections[i]
            net._upkeep[projection, kind] = chore_of(projection, self._value(what), int(every))

    def _population(self, name: str, about: Any) -> None:
        net, decoder = self._net, self._decoder
        made = neurons_of(about["neurons"], decoder, net.dt, net.precision)
        receptors = self._value(about["receptors"])
        population = net.population(
            name, made.pop("count"), made.pop("model"), made.pop("params"), made.pop("initial"),
            receptors=receptors, positions=self._value(about["positions"]), **made,
        )  # fmt: skip
        spec = as_they_were(population.neurons, about["neurons"], decoder)
        population.settle(spec, dict(population.receptors))

    def _connect(self, about: Any) -> None:
        p = self._net.connect(
            self._view(about["source"]), self._view(about["target"]),
            *(self._value(about[name]) for name in ("rule", "weight", "delay")),
            about["receptor"],
            plasticity=self._value(about["plasticity"]), modulator=self._view(about["modulator"]),
            order=about.get("order", "nest"),
            **{name: about[name] for name in (
                "autapses", "multapses", "procedural", "weight_bits", "dendritic", "max_weight",
                "max_indegree", "modulator_delay",
            )},
        )  # fmt: skip
        p._plastic = bool(about["plastic"])
        p.restore_rule(self._value(about["rule_now"]))

    def _couple(self, about: Any) -> None:
        views = (self._view(about[name]) for name in ("source", "target"))
        values = (self._value(about[name]) for name in ("rule", "weight"))
        value = self._value(about["value"])
        value = value.function if isinstance(value, ReadFunction) else value
        made = self._net.couple(
            *views, *values, value, about["receptor"],
            **{name: about[name] for name in (
                "difference", "symmetric", "iterated", "autapses", "multapses",
            )},
        )  # fmt: skip
        made.strength = about.get("strength", 1.0)

    def _source(self, given: Given, about: Any) -> Given:
        step, before = about["since"]
        given.at_once, given.since = about["at_once"], (int(step), self._value(before))
        return given

    def _train(self, about: Any) -> Given:
        """Return the source of a drive; its projection is what it was when it was added."""
        net, train, view = self._net, self._value(about["train"]), self._view(about["target"])
        source = Population(net, -1, "", int(about["size"]), at_once=int(about["most"]))
        first = replace(train, weight=about["weight"])
        projection = net._row(source, view, first, about["receptor"], about["max_weight"])
        drive = None
        if about["live"]:
            drive = Drive(net, view.population.name, ())
            drive.settle([train])
        step, before = about["since"]
        since = int(step), self._value(before)
        return Given(
            source, train, 1, projection, drive, about["at_once"], about["max_weight"], since
        )

    def _drive(self, kind: str, about: Sequence[Any], given: Sequence[Given]) -> None:
        if kind == "train":
            self._net._handles.append(given[about[0]].drive)
            return
        view, receptor, inputs = about
        self._net.drive(self._view(view), self._value(inputs), receptor)

    def _view(self, tree: Any) -> Any:
        """Return a view, None for None."""
        if tree is None:
            return None
        name, ids = tree
        population = self._net[name]
        return View(population) if ids is None else View(population, self._value(ids))


def _given(values: Values) -> float | np.ndarray:
    """Return a number, or one for each pair."""
    return values.a if values.given is None else values.given


def chores_tree(chores: Iterable[Any], state: dict[str, np.ndarray]) -> None:
    """Put what is remembered between the times that weights are changed into ``state``."""
    for i, chore in enumerate(chores):
        for name, values in chore.remembered().items():
            state[f"upkeep/{i}/{name}"] = values
