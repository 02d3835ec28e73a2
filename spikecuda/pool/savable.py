"""Save pools to files and load them, and what systems have in common with them there."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np

from spikecuda.common.arguments import as_flag
from spikecuda.common.closing import Closing
from spikecuda.common.exclusive_use import Unique
from spikecuda.common.fixed import Fixed
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.seed import Seeds
from spikecuda.devices.base import Device
from spikecuda.inputs.drive import Drive
from spikecuda.models.base import Model
from spikecuda.pool.driven import PoolDrives
from spikecuda.pool.saved import (
    drives_tree,
    populations_tree,
    put_states,
    read_drives,
    result_of,
    result_tree,
)
from spikecuda.runtime.loop import Pieces
from spikecuda.runtime.neuron_spec import NeuronSpec
from spikecuda.runtime.population import Population
from spikecuda.runtime.result import RunResult
from spikecuda.saving.codec import Decoder, Encoder
from spikecuda.saving.neurons import neurons_of, seeds_of, seeds_tree
from spikecuda.saving.save_file import read_save, using, write_save

SAVING = "save without the result: result=False"


class SavableNeurons(Unique, Fixed, Closing):
    """The part of pools and systems that files need."""

    _drives: PoolDrives
    _seeds: Seeds
    # Whether a file has the result: runs that save themselves go on with it.
    _saved_so_far: bool = False

    @property
    def drives(self) -> tuple[Drive, ...]:
        """The handles of input that stays, in the order of ``drive``."""
        return self._drives.handles


class SavablePool(SavableNeurons):
    """The part of a pool that is about files."""

    population: Population
    _seed: int
    _result: RunResult | None
    _pieces: Pieces[RunResult] | None = None

    @property
    def neuron_spec(self) -> NeuronSpec:
        """The neurons as they are now."""
        return self.population.neuron_spec

    @out_of_memory("saving", SAVING)
    def save(self, path: str | os.PathLike[str], *, result: bool = True) -> Path:
        """Save all that a run needs to a file, from which ``load`` goes on with the same bits.

        The file is written completely, or the old one stays.  See ``docs/saving.md``.

        Args:
            path: the file; the name is taken as it is.
            result: whether ``pool.result`` is kept, within ``run(call=...)`` that of the run so
                far.

        Returns:
            The path.

        Raises:
            SpikecudaTypeError: input or start values that a file cannot hold.
            SpikecudaError: the pool is running, closed, or needs ``reset()`` after a failure.
            SpikecudaValueError: the path is no name of a file in a folder that exists.
            OSError: the file cannot be written, for example as the disk is full.
        """
        population, kept = self.population, as_flag("result", result)
        with population.turn.change():
            population.require_ready()
            spec, state = population.neuron_spec, dict[str, np.ndarray]()
            encoder = Encoder(spec.dt)
            found = self._result if self._pieces is None else self._pieces.result
            name = spec.model.name
            description = {
                **seeds_tree(self._seed, self._seeds),
                "dt": spec.dt,
                "precision": spec.precision.name,
                "types": populations_tree({name: population}, encoder, state),
                "steps": population.steps,
                "drives": drives_tree(self._drives.given, encoder),
                "result": result_tree(name, found, state) if kept and found else None,
            }
            return write_save(path, "pool", description, encoder.values, state)

    @classmethod
    @out_of_memory("a pool", "use another machine")
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        models: Iterable[type[Model]] = (),
        use_gpu: bool | None = None,
        batch_size: int | None = None,
        device: str | Device | None = None,
        threads: int | None = None,
        window: int | None = None,
        out_of_core: bool | None = None,
    ) -> Self:
        """Return the pool that a file holds; it goes on with the same bits on any device.

        Args:
            path: the file.
            models: the user's own model, unless its class exists here already.
            use_gpu, batch_size, device, threads, window, out_of_core: where it runs, as for
                ``GPUNeuronPool``; they are not in the file.

        Raises:
            SpikecudaValueError: the file is something else, damaged or of another format, or the
                model has another source now; raised before anything is built.
            OutOfMemoryError, DeviceError: it cannot run here.
            OSError: the file cannot be opened.
        """
        saved = read_save(path, "pool")
        about, decoder = saved.description, Decoder(saved.arrays, (), models)
        with using(saved):
            seeds, dt, precision = seeds_of(about), about["dt"], about["precision"]
            ((name, tree),) = about["types"].items()
            made = neurons_of(tree["neurons"], decoder, dt, precision)
            now = decoder.value(tree["neurons"]["params"])
            drives = read_drives(about["drives"], decoder)
            found = about["result"]
            if found is not None:
                found = result_of(name, found, saved, dt, made["count"])
        options: dict[str, Any] = {
            "device": device, "threads": threads, "window": window, "out_of_core": out_of_core,
        }  # fmt: skip
        pool = cls(
            made.pop("count"), made.pop("model"), use_gpu, batch_size, precision, dt=dt,
            **made, **seeds, **options,
        )  # type: ignore[call-arg]  # fmt: skip
        try:
            with using(saved, building=True):
                if tree["neurons"]["refractory"]:
                    pool.population.adjust({"t_ref": now["t_ref"]})
                for _, inputs in drives:
                    pool._drives.add(name, inputs)
                put_states({name: pool.population}, about["types"], saved, int(about["steps"]))
                pool._result, pool._saved_so_far = found, True
        except BaseException:
            pool.close()
            raise
        return pool
