"""Save and load systems of several models."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from spikecuda.common.arguments import as_flag
from spikecuda.common.exclusive_use import ExclusiveUse
from spikecuda.common.npz import FormatError
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.devices.base import Device
from spikecuda.models.base import Model
from spikecuda.pool.result import SystemResult
from spikecuda.pool.savable import SAVING, SavableNeurons
from spikecuda.pool.saved import (
    drives_tree,
    populations_tree,
    put_states,
    read_drives,
    result_of,
    result_tree,
)
from spikecuda.runtime.loop import Pieces
from spikecuda.runtime.population import Population
from spikecuda.saving.codec import Decoder, Encoder
from spikecuda.saving.neurons import neurons_of, seeds_of, seeds_tree
from spikecuda.saving.save_file import read_save, using, write_save


class SavableSystem(SavableNeurons):
    """The part of a system that is about files."""

    populations: Mapping[str, Population]
    counts: Mapping[str, int]
    first: Mapping[str, int]
    dt: float
    _turn: ExclusiveUse
    _result: SystemResult | None
    _pieces: Pieces[SystemResult] | None = None

    @out_of_memory("saving", SAVING)
    def save(self, path: str | os.PathLike[str], *, result: bool = True) -> Path:
        """Save all that a run needs to a file, as ``GPUNeuronPool.save`` does.

        Args:
            path, result: see there.
        """
        kept = as_flag("result", result)
        with self._turn.change():
            for population in self.populations.values():
                population.require_ready()
            one, state = next(iter(self.populations.values())), dict[str, np.ndarray]()
            encoder = Encoder(self.dt)
            found = self._result if self._pieces is None else self._pieces.result
            parts = found.parts if kept and found is not None else {}
            description = {
                **seeds_tree(self._seeds.wiring, self._seeds),
                "dt": self.dt,
                "precision": one.neuron_spec.precision.name,
                "types": populations_tree(self.populations, encoder, state),
                "steps": one.steps,
                "drives": drives_tree(self._drives.given, encoder),
                "result": {name: result_tree(name, part, state) for name, part in parts.items()},
            }
            return write_save(path, "system", description, encoder.values, state)

    @classmethod
    @out_of_memory("a system", "use another machine")
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        models: Iterable[type[Model]] = (),
        devices: str | Sequence[str | Device] = "auto",
        neurons_per_gpu: int = 100_000,
        batch_size: int | None = None,
    ) -> Self:
        """Return the system that a file holds; it goes on with the same bits on any devices.

        Args:
            path: the file.
            models: the user's own models, unless their classes exist here already.
            devices, neurons_per_gpu, batch_size: where it runs, as for ``MultiGPUNeuronSystem``.

        Raises:
            SpikecudaError: as for ``GPUNeuronPool.load``.
        """
        saved = read_save(path, "system")
        about, decoder = saved.description, Decoder(saved.arrays, (), models)
        with using(saved):
            seeds, dt, types = seeds_of(about), about["dt"], about["types"]
            precision = about["precision"]
            made = {
                name: neurons_of(tree["neurons"], decoder, dt, precision)
                for name, tree in types.items()
            }
            now = {n: decoder.value(tree["neurons"]["params"]) for n, tree in types.items()}
            drives = read_drives(about["drives"], decoder)
            counts = {name: one["count"] for name, one in made.items()}
            parts = {
                name: result_of(name, tree, saved, dt, counts[name])
                for name, tree in about["result"].items()
            }
        system = cls(
            sum(counts.values()), neurons_per_gpu, [one["model"] for one in made.values()],
            devices=devices, precision=precision, dt=dt, batch_size=batch_size,
            params={name: one["params"] for name, one in made.items()},
            initial={name: one["initial"] for name, one in made.items()}, shares=counts, **seeds,
        )  # type: ignore[call-arg]  # fmt: skip
        try:
            with using(saved, building=True):
                if dict(system.counts) != counts:
                    raise FormatError(f"it has {counts}, which make {dict(system.counts)}")
                for name, tree in types.items():
                    if tree["neurons"]["refractory"]:
                        system.populations[name].adjust({"t_ref": now[name]["t_ref"]})
                for name, inputs in drives:
                    system._drives.add(name, inputs)
                put_states(system.populations, types, saved, int(about["steps"]))
                system._result = SystemResult(parts, dict(system.first)) if parts else None
                system._saved_so_far = True
        except BaseException:
            system.close()
            raise
        return system
