"""The network that runs: made of PyNN's objects when a run begins, and changed with them."""

import contextlib
import re
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.network import Coupled, Network, SpikeTrain
from spikecuda.pynn.cells_of import on_grid
from spikecuda.pynn.currents import Currents
from spikecuda.pynn.ports import share_ports
from spikecuda.pynn.standardmodels.base import NotAvailableError
from spikecuda.pynn.trains import Drawn, Trains
from spikecuda.pynn.wires import Wire, wires_of

# Spikes of sources that are drawn and sent in a piece of a run, about.
MOST_SPIKES = 4_000_000.0


class BuiltNetwork:
    """A network made of populations, projections and current sources.

    Args:
        state: of the simulation.

    Attributes:
        net: the network.
    """

    def __init__(self, state: Any) -> None:
        self._state, self._dt = state, state.dt
        self.net = Network(state.dt, **state.options)
        self._names: dict[int, str] = {}
        self._trains: dict[int, Trains] = {}
        self._currents: dict[int, Currents] = {}
        self._recorded: dict[int, Any] = {}
        self._wires = [(p, list(wires_of(p))) for p in state.projections]
        # Sources whose synapses have a rule: several spikes in a step are one to them.
        self._merged = {
            id(w.source)
            for p, wires in self._wires
            if p.synapse_type.rule_attributes
            for w in wires
        }
        # Populations with gap junctions.
        self._joined = {
            id(end)
            for p, wires in self._wires if p.synapse_type.electric
            for wire in wires for end in (wire.source, wire.target)
        }  # fmt: skip
        at_once = {
            id(p): 1 if id(p) in self._merged else p.new_trains().most_at_once()
            for p in state.populations if p.drawn
        }  # fmt: skip
        pairs = [(p, wire) for p, wires in self._wires for wire in wires]
        self._copies = share_ports(pairs, at_once)
        try:
            for population in state.populations:
                self._add(population, at_once.get(id(population), 1))
            for projection, wires in self._wires:
                for wire in wires:
                    wire.connect(self.net, self._names, projection, self._dt)
            for currents in self._currents.values():
                currents.refresh(0, 1)
            if self._currents:
                self.net.build()
            self._start()
        except BaseException:
            self.net.close()
            raise

    def run(self, target: int) -> None:
        """Advance to a step."""
        state = self._state
        self._settle_recording()
        self._sample()
        while state.step < target:
            self._piece(self._limit(target))

    def restart(self) -> bool:
        """Return to time 0 with what was set; False: a new network has to be made for that."""
        if any(getattr(p.synapse_type, "learns", False) for p, _ in self._wires):
            for projection, _ in self._wires:
                projection.restore()
            return False
        if self._currents:
            self.net.reset(trial=self._state.trial)
        for population in self._state.populations:
            if population.drawn:
                self._trains[id(population)] = population.new_trains()
        self._start()
        return True

    def close(self) -> None:
        """Free the network."""
        self.net.close()

    def change(self, population: Any) -> None:
        """Let a population have the parameters that it has now."""
        if population.drawn:
            self._trains[id(population)].take(population.parameters, self._state.step)
            return
        now = self._native(population)
        found = self.net[self._names[id(population)]].params
        changed = {k: v for k, v in now.items() if not np.array_equal(found[k], v)}
        if changed:
            found.update(changed)

    def change_synapses(self, projection: Any, names: list[str]) -> None:
        """Let the synapses of a projection have the attributes that it has now."""
        if "delay" in names:
            raise SpikecudaError(
                f"delays cannot change after run() (got those of {projection.label} at "
                f"{self._state.t:g} ms); set them before, or after reset()"
            )
        for wire in self._wires_of(projection):
            if set(names) & set(wire.rule):
                wire.change_rule(projection)
            if "weight" in names and projection.synapse_type.electric:
                raise SpikecudaError(
                    f"gap junctions cannot change after run() (got those of {projection.label}); "
                    "set them before, or after reset()"
                )
        if "weight" in names:
            self._assign(projection)

    def _assign(self, projection: Any) -> None:
        """Let all wires of a projection have its weights, or none."""
        before = []
        try:
            for wire in self._wires_of(projection):
                before.append((wire.made, np.array(wire.made.weights)))
                wire.assign(projection.attributes["weight"])
        except BaseException:
            for made, weights in before:
                made.weights = weights
            raise

    def weights(self, projection: Any, before: Any) -> np.ndarray:
        """Return the weights of all connections now, in PyNN's unit."""
        weights = np.array(np.broadcast_to(before, (len(projection),)))
        for wire in self._wires_of(projection):
            wire.read(weights)
        return weights

    def set_state(
        self, population: Any, variable: str, ids: np.ndarray, values: np.ndarray
    ) -> None:
        """Let some neurons have another state now."""
        name, scale = state_of(population, variable, values)
        if name is not None:
            state = self.net[self._names[id(population)]].state
            whole = np.array(state[name], np.float64)
            whole[ids] = values / scale
            state[name] = whole

    # Parts of it.

    def _wires_of(self, projection: Any) -> list[Wire]:
        return next((wires for p, wires in self._wires if p is projection), [])

    def _add(self, population: Any, at_once: int) -> None:
        """Add a population or source to the network."""
        name = self._new_name(population.label)
        self._names[id(population)] = name
        if population.drawn:
            self._trains[id(population)] = population.new_trains()
            self.net.source(name, population.size, _train([], [], self._dt), at_once=at_once)
            return
        celltype, values = population.celltype, population.values
        try:
            self.net.population(
                name, population.size, celltype.model, celltype.native(values),
                receptors=self._receptors(population), scheme=celltype.scheme,
            )  # fmt: skip
        except SpikecudaValueError as error:
            raise SpikecudaValueError(
                f"{population.label}, {type(celltype).__name__}: {error}; these are parameters of "
                "the model here, see docs/pynn.md"
            ) from error
        self._currents[id(population)] = Currents(
            self.net, name, population, self._state.currents, self._dt
        )

    def _native(self, population: Any) -> dict[str, Any]:
        """Return parameters of the model and of the receptors as the network has them."""
        values = population.values
        found = population.celltype.native(values)
        for port, receptor in self._receptors(population).items():
            found.update({f"{k}_{port}": getattr(receptor, k) for k in receptor.fields()})
        return found

    def _receptors(self, population: Any) -> dict[str, Any]:
        """Return the receptors of a population, copies included."""
        found = population.celltype.receptors(population.values)
        if id(population) in self._joined:
            found["gap"] = Coupled()
        for port, names in self._copies.get(id(population), {}).items():
            found.update({name: found[port] for name in names})
        return found

    def _states(self, population: Any, variable: str) -> tuple[list[str], float]:
        """Return the states that add up to a variable, and the factor to PyNN's unit."""
        states, scale = population.celltype.variables[variable]
        copies = self._copies.get(id(population), {})
        more = [
            state[:2] + name
            for state in states
            for name in copies.get(state[2:], [])[1:]
            if state.startswith(("g_", "i_"))
        ]
        return [*states, *more], scale

    def _new_name(self, label: str) -> str:
        """Return a name for a population that is an identifier, and new."""
        name = re.sub(r"\W", "_", str(label)).lstrip("_") or "population"
        name = f"p{name}" if name[0].isdigit() else name
        taken = set(self._names.values())
        return name if name not in taken else f"{name}_{len(taken)}"

    def _start(self) -> None:
        """Let all neurons have their start values."""
        for population in self._state.populations:
            for variable, values in population.start_values.items():
                name, scale = state_of(population, variable, values)
                # Receptors are at 0 after a build and a reset.
                if name is not None and (np.any(values) or not name.startswith(("g_", "i_"))):
                    self.net[self._names[id(population)]].state[name] = values / scale

    def _limit(self, target: int) -> int:
        """Return the step at which the next piece ends."""
        step = self._state.step
        for currents in self._currents.values():
            target = currents.limit(step, target)
        expected = sum(
            float(t.per_step().sum()) for t in self._trains.values() if isinstance(t, Drawn)
        )
        return min(target, step + max(1, int(MOST_SPIKES / max(expected, 1e-9))))

    def _piece(self, stop: int) -> None:
        """Advance to a step with currents and spikes that are settled."""
        state, first = self._state, self._state.step
        for currents in self._currents.values():
            currents.refresh(first, stop)
        sent = [(p, *self._send(p, first, stop)) for p in state.populations if p.drawn]
        if not self._currents:  # spike sources alone, which need no network
            self._advance(stop, sent)
            return
        try:
            result = self.net.run((stop - first) * self._dt)
        except BaseException:
            with contextlib.suppress(SpikecudaError):
                self._store(self.net.result, sent)
            raise
        self._store(result, sent)

    def _send(self, population: Any, first: int, stop: int) -> tuple[Any, Any, Any]:
        """Let the network have the spikes of a source; return points, times and sources."""
        trains = self._trains[id(population)]
        points, sources = trains.read(first, stop)
        exact = trains.exact(points, sources) if self._state.off_grid else None
        times = on_grid(points, self._dt) if exact is None else exact
        if id(population) in self._merged and points.size:
            new = np.append(True, (np.diff(points) > 0) | (np.diff(sources) > 0))
            points, times, sources = points[new], times[new], sources[new]
        source = self.net[self._names[id(population)]]
        if points.size or source.train.times.size:
            try:
                source.train = _train(points, sources, self._dt)
            except SpikecudaValueError as error:
                raise SpikecudaError(
                    f"{population.label} spikes more often in a step than weights have room for "
                    f"({error.args[0]}); give it the highest rate before run() or after reset(), "
                    "or take a smaller timestep"
                ) from error
        return points, times, sources

    def _store(self, result: Any, sent: Any) -> None:
        """Give recorders and current sources what a piece has recorded."""
        self._advance(round(result.stop / self._dt), sent)
        for population in self._state.populations:
            if population.drawn:
                continue
            name, recorder = self._names[id(population)], population.recorder
            if name in result.spikes:
                spikes = result.spikes[name]
                recorder.add_spikes(on_grid(spikes.step + 1, self._dt), spikes.neuron)
            if name in result.traces:
                steps = np.rint(result.trace_times[name] / self._dt).astype(np.int64)
                ids = result.trace_ids.get(name)
                ids = np.arange(population.size) if ids is None else ids
                for variable in recorder.traced:
                    states, scale = self._states(population, variable)
                    values = sum(np.asarray(result.traces[name][s], np.float64) for s in states)
                    recorder.add_samples(variable, steps, ids, scale * values)

    def _advance(self, stop: int, sent: Any) -> None:
        """Have run to a step, with spikes of sources until then."""
        state, first = self._state, self._state.step
        state.step = stop
        for current in state.currents:
            current.keep(first, stop)
        for population, points, times, sources in sent:
            done = points <= stop
            population.recorder.add_spikes(np.minimum(times[done], state.t), sources[done])

    def _settle_recording(self) -> None:
        """Let the network record what is wanted now."""
        for population in self._state.populations:
            if population.drawn:
                continue
            recorder, name = population.recorder, self._names[id(population)]
            traced = recorder.traced
            ids = [recorder.wanted(variable) for variable in traced]
            which = np.unique(np.concatenate(ids)) if ids else np.empty(0, np.int64)
            now = (bool(recorder.wanted("spikes").size), traced, which.tobytes(), recorder.every)
            if self._recorded.get(id(population)) == now:
                continue
            self.net.record(name, "spikes" if now[0] else None)
            if traced:
                before = self._recorded.get(id(population), (0, ()))[1]
                states = {s for v in [*traced, *before] for s in self._states(population, v)[0]}
                every = recorder.every * self._dt
                self.net.record(name, sorted(states), every=every, only=which)
            self._recorded[id(population)] = now

    def _sample(self) -> None:
        """Record the state of now where a recording begins."""
        step = self._state.step
        for population in self._state.populations:
            recorder = population.recorder
            if population.drawn or step % recorder.every:
                continue
            for variable in recorder.traced:
                if recorder.lacks(variable, step):
                    ids = recorder.wanted(variable)
                    states, scale = self._states(population, variable)
                    state = self.net[self._names[id(population)]].state
                    values = sum(np.asarray(state[s], np.float64)[ids] for s in states)
                    recorder.add_samples(variable, np.array([step]), ids, scale * values[None])


def state_of(population: Any, variable: str, values: np.ndarray) -> tuple[str | None, float]:
    """Return the state that a variable of PyNN is, and the factor to its unit; None: no state.

    Raises:
        NotAvailableError: it cannot be set to these values.
    """
    variables = population.celltype.variables
    states, scale = variables.get(variable, ((), 1.0))
    default = population.celltype.default_initial_values.get(variable)
    derived = getattr(population.celltype, "derived", {})
    if len(states) == 1 and variable not in derived:
        return states[0], scale
    usual = [default, population.parameters.get(derived.get(variable, ""))]
    if any(value is not None and np.all(values == value) for value in usual):
        return None, 1.0
    known = ", ".join(v for v, (s, _) in variables.items() if len(s) == 1 and v not in derived)
    raise NotAvailableError(
        f"{variable} of {population.label} has no start value (got {np.ravel(values)[0]:g}); "
        f"{known} have one"
    )


def _train(points: Any, sources: Any, dt: float) -> SpikeTrain:
    """Return spikes at some points of the grid."""
    return SpikeTrain(np.asarray(points, np.float64) * dt, np.asarray(sources, np.int64))
