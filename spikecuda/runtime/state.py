"""A population's state by name: read and written in physical units."""

import contextlib
from collections.abc import Iterator, Mapping

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.common.fixed import Fixed
from spikecuda.common.given_copy import give_copy
from spikecuda.common.named import Named, ReadOnly
from spikecuda.common.notebook import facts_html
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.devices.array_interop import StateArray, lies_on_gpu
from spikecuda.errors import DeviceError, SpikecudaKeyError, SpikecudaValueError, nearest
from spikecuda.runtime.pool_partition import PoolPartition
from spikecuda.runtime.population import AFTER_FAILURE, Population, report_failures


class States(ReadOnly["StateView"], Fixed):
    """The states of a system's types, by type."""

    def __init__(self, states: Mapping[str, "StateView"]) -> None:
        super().__init__(states, 'use system.state["type"]["v"] = value')
        self._fix()

    def __getitem__(self, name: str) -> "StateView":
        if not is_name(name, self._values):
            raise SpikecudaKeyError(
                f"state has the types {', '.join(self)} (got {name!r})"
                f'{nearest(str(name), list(self))}; system.state["type"]["v"] is a state'
            )
        return super().__getitem__(name)


class StateView(Named[np.ndarray], Fixed):
    """The state variables of a population, by name, in the model's units.

    ``pool.state["v"]`` is a read-only copy, float32 (float64 for float64 pools), shape
    (num_neurons,).  ``pool.state["v"] = value`` sets one number, one per neuron, or a distribution.
    ``refrac`` is the number of refractory steps left, int32.
    """

    def __init__(self, population: Population) -> None:
        self._population = population
        self._fix()

    def _what(self) -> str:
        return "state"

    def _remedy(self, name: str) -> str:
        return f'; use state["{name}"] = value' if name in list(self) else ""

    def __repr__(self) -> str:
        neuron_spec = self._population.neuron_spec
        names = ", ".join(self)
        return f"<state of {neuron_spec.count:,} {neuron_spec.model.name} neurons: {names}>"

    def _repr_html_(self) -> str:
        neuron_spec = self._population.neuron_spec
        shape = f"{neuron_spec.count:,} values"
        title = f"state of {neuron_spec.model.name}"
        return facts_html(title, [(name, shape) for name in self])

    def __iter__(self) -> Iterator[str]:
        return iter(self._population.partitions[0].state)

    def __len__(self) -> int:
        return len(self._population.partitions[0].state)

    @out_of_memory("the state of all neurons", "read it by device")
    def __getitem__(self, name: str) -> np.ndarray:
        with self._population.turn.use():
            self._known(name)
            values = [self._read(part, name) for part in self._population.partitions]
        result = values[0] if len(values) == 1 else np.concatenate(values)
        return give_copy(result)

    def by_device(self, name: str) -> list[tuple[str, int, np.ndarray]]:
        """Return the parts of a state that can still be read after a device failed.

        Returns:
            (device, first neuron, values) of each partition, without those whose device fails.
        """
        found = []
        with self._population.turn.use():
            self._known(name)
            for part in self._population.partitions:
                with contextlib.suppress(DeviceError):
                    found.append((part.device.name, part.first, self._read(part, name)))
        return found

    @out_of_memory("the state of all neurons", "give one number for all")
    def __setitem__(self, name: str, value: object) -> None:
        with self._population.turn.change():
            self._known(name)
            if lies_on_gpu(value):
                self._population.take_over(name, value)
            else:
                self._population.write(name, self._population.neuron_spec.values(name, value))

    def share(self, name: str) -> StateArray:
        """Return a state in place, without a copy, for other libraries to read and write.

        Writing must be complete before the next run; reading begins after a run.  The memory exists
        until the population is closed and nobody uses it any more.

        Raises:
            SpikecudaValueError: the state is in several pieces, or stored in another form.
        """
        with self._population.turn.use():
            self._known(name)
            if name in self._population.neuron_spec.codecs:
                raise SpikecudaValueError(
                    f"{name} is stored scaled in float16 (got share({name!r})); read "
                    f'state["{name}"], or use float32'
                )
            if len(self._population.partitions) > 1:
                raise SpikecudaValueError(
                    f"{name} is in {len(self._population.partitions)} partitions (got "
                    f'share({name!r})); read state["{name}"]'
                )
            return self._population.partitions[0].share(name)

    def _read(self, part: PoolPartition, name: str) -> np.ndarray:
        with report_failures(part.device, self._population.steps, AFTER_FAILURE):
            return part.read(name)

    def _known(self, name: str) -> None:
        self._population.require_open()
        if not is_name(name, self._population.partitions[0].state):
            raise SpikecudaKeyError(
                f"{self._population.neuron_spec.model.name} has no state {name!r}"
                f"{nearest(str(name), list(self))}; it has {', '.join(self)}"
            )
