"""MultiGPUNeuronSystem: populations of several models, spread over devices."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from spikecuda.common.arguments import as_count
from spikecuda.common.device_threads import DeviceThreads
from spikecuda.common.exclusive_use import RUNNING, ExclusiveUse
from spikecuda.common.named import ReadOnly
from spikecuda.common.notebook import Figures, table_html
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.seed import as_seeds, as_trial
from spikecuda.common.time_grid import run_steps
from spikecuda.devices.base import Device
from spikecuda.devices.memory import MemoryFigures
from spikecuda.devices.open import open_devices
from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.drive import Drive
from spikecuda.models.base import Model
from spikecuda.observe.progress import Progress, reporter
from spikecuda.observe.snapshot import take_snapshot
from spikecuda.placement.apportion import shares_of
from spikecuda.placement.place import place
from spikecuda.pool.by_type import as_models, by_type, figures_row, require_type
from spikecuda.pool.driven import PoolDrives
from spikecuda.pool.recorded import as_recorded
from spikecuda.pool.result import SystemResult, join_systems
from spikecuda.pool.savable_system import SavableSystem
from spikecuda.pool.viewed import ViewedSystem, run_seen
from spikecuda.runtime.loop import Loop, Pieces, as_loop, carried, require_result, run_pieces
from spikecuda.runtime.neuron_spec import MAX_NEURONS, resolve_neurons
from spikecuda.runtime.parameters import Parameters
from spikecuda.runtime.population import Population
from spikecuda.runtime.run import Request
from spikecuda.runtime.state import States, StateView
from spikecuda.view.feed import Feed

FIXED = "a system stays as it was made; make a new MultiGPUNeuronSystem"


class MultiGPUNeuronSystem(SavableSystem, ViewedSystem):
    """Neurons of several models on several devices, which run like one pool.

    Neuron numbers are global, and a neuron's noise and spikes depend only on its number.  So
    results do not depend on the devices or on how neurons are divided.  All types advance together,
    window by window; also after Ctrl-C, all neurons are at the same step.

    If state does not fit into the memory of a device, it streams through it from host memory, see
    ``out_of_core`` of ``GPUNeuronPool``.  Like a pool, a system is used by one thread at a time.

    Args:
        total_neurons: neurons of all types together.
        neurons_per_gpu: the most neurons of one partition on a GPU.  A GPU with more neurons has
            several partitions of a type; a CPU device has one.
        neuron_types: models by name or class, each once; their neurons are numbered in this order.
        devices: "auto" (all GPUs, or the CPU if there is none) or names such as ["cuda:0",
            "cuda:1"], ["cpu:0", "cpu:1"] (the cores are divided between them) or ["cuda-emu:0",
            "cpu"].  The same device may appear twice.  An open ``Device`` is not closed.
        precision, dt, seed, batch_size, wiring_seed, start_seed, noise_seed, trial: as for
            ``GPUNeuronPool``.
        params: parameters by type and name, {"lif": {"tau_m": 15.0}}.
        initial: start values likewise.
        shares: weight of each type; default: equal.

    Attributes:
        devices: the open devices.
        counts: neurons of each type.
        first: number of each type's first neuron.
        state: state variables by type and name: ``system.state["lif"]["v"]``.
        params: parameters likewise, to read and to change between runs: see ``Parameters``.

    Raises:
        SpikecudaValueError, SpikecudaTypeError, DeviceError, OutOfMemoryError: as for
            ``GPUNeuronPool``; everything opened or allocated is closed or freed again.
    """

    @out_of_memory("a system", "use fewer neurons, or one number for all of them")
    def __init__(
        self,
        total_neurons: int = 1_000_000,
        neurons_per_gpu: int = 100_000,
        neuron_types: Sequence[str | type[Model]] = ("adex", "lif", "izhikevich"),
        *,
        devices: str | Sequence[str | Device] = "auto",
        precision: str = "float32",
        dt: float = 0.1,
        seed: int = 0,
        params: Mapping[str, Mapping[str, Any]] | None = None,
        initial: Mapping[str, Mapping[str, Any]] | None = None,
        shares: Mapping[str, float] | None = None,
        batch_size: int | None = None,
        wiring_seed: int | None = None,
        start_seed: int | None = None,
        noise_seed: int | None = None,
        trial: int = 0,
    ) -> None:
        self._seeds = as_seeds(seed, wiring_seed, start_seed, noise_seed, trial)
        total = as_count("total_neurons", total_neurons, 1, MAX_NEURONS)
        most = as_count("neurons_per_gpu", neurons_per_gpu, 1, MAX_NEURONS)
        most_batch = (
            None if batch_size is None else as_count("batch_size", batch_size, 1, MAX_NEURONS)
        )
        models = as_models(neuron_types)
        given, start = by_type("params", params, models), by_type("initial", initial, models)
        weights = by_type("shares", shares, models)
        sizes = shares_of(total, [weights.get(name, 1.0 if not shares else 0.0) for name in models])
        if not shares and total < len(models):
            raise SpikecudaValueError(
                f"total_neurons must be at least one a type (got {total} for {len(models)} types)"
            )
        self.counts: Mapping[str, int] = {
            name: n for name, n in zip(models, sizes, strict=True) if n
        }
        first: dict[str, int] = {}
        self.first: Mapping[str, int] = first
        number = 0
        neuron_specs = {}
        for name, n in self.counts.items():
            first[name] = number
            neuron_specs[name] = resolve_neurons(
                n, models[name], precision, dt, self._seeds, params=given.get(name),
                initial=start.get(name), identity=number,
            )  # fmt: skip
            number += n
        self.total_neurons, self.dt = total, next(iter(neuron_specs.values())).dt
        populations: dict[str, Population] = {}
        self.populations: Mapping[str, Population] = populations
        self._turn = ExclusiveUse("system")
        self._opened: list[Device] = []
        self.devices = tuple(open_devices(devices, self._opened))
        self._turn.parts = tuple(device.turn for device in self.devices)
        self._device_threads = DeviceThreads(len(self.devices))
        try:
            placement = place(neuron_specs, self.devices, most)
            for name, places in placement.places.items():
                neuron_spec = neuron_specs[name]
                size = None if most_batch is None else min(most_batch, neuron_spec.count)
                populations[name] = Population(
                    neuron_spec, places, size, turn=self._turn, streaming=placement.streaming
                )
        except BaseException:
            self.close()
            raise
        self.populations = ReadOnly(self.populations, FIXED)
        self.counts, self.first = ReadOnly(self.counts, FIXED), ReadOnly(self.first, FIXED)
        self.state = States({name: StateView(p) for name, p in self.populations.items()})
        self.params = ReadOnly(
            {name: Parameters(p) for name, p in self.populations.items()},
            'use system.params["type"]["tau_m"] = value',
        )
        self._drives = PoolDrives(self._turn, self.populations)
        self._result: SystemResult | None = None
        self._fix()

    @property
    def trial(self) -> int:
        """Number of the trial, see ``reset``."""
        return self._seeds.trial

    @property
    def steps(self) -> int:
        """Steps done since the last reset."""
        return next(iter(self.populations.values())).steps

    def reset(self, trial: int | None = None) -> None:
        """Return to step 0, as ``GPUNeuronPool.reset``.

        Args:
            trial: number of the trial to begin; None: the same trial.
        """
        with self._turn.restart():
            seeds = None if trial is None else replace(self._seeds, trial=as_trial(trial))
            for population in self.populations.values():
                population.reset(seeds)
            self._seeds = seeds or self._seeds

    @out_of_memory("a run", "record less, or run in parts")
    def run(
        self,
        duration: float | None = None,
        *,
        steps: int | None = None,
        input: object = None,
        record: str | Iterable[str] | None = "spikes",
        spikes: bool = True,
        progress: Progress = False,
        every: float | None = None,
        call: Callable[[Any, SystemResult], object] | None = None,
        until: Callable[[Any, SystemResult], object] | None = None,
        save_every: float | None = None,
        save_to: str | os.PathLike[str] | None = None,
        realtime: bool = False,
    ) -> SystemResult:
        """Advance all neurons.

        Args:
            duration: length in ms, a multiple of dt; or
            steps: number of steps.
            input: one input for all types, or a dict of inputs by type; see ``GPUNeuronPool.run``.
            record: names of states that every type has, beside the spikes; None: nothing.
            spikes: False records no spikes.
            progress, every, call, until, save_every, save_to, realtime: as for
                ``GPUNeuronPool.run``.

        Returns:
            A ``SystemResult``, of all pieces; see also ``system.result``.

        Raises:
            SpikecudaError: as for ``GPUNeuronPool.run``.
        """
        total = run_steps(duration, steps, self.dt)
        inputs = input if isinstance(input, Mapping) else dict.fromkeys(self.populations, input)
        for name in inputs:
            require_type("input", name, self.populations)
        kept = {
            name: as_recorded(record, spikes, population.neuron_spec.model)
            for name, population in self.populations.items()
        }
        loop = as_loop(every, call, until, self.dt, save_every, save_to, realtime)

        def advance(
            first: int, steps: int, tell: Callable[[int], None], feed: Feed | None = None
        ) -> SystemResult:
            requests = []
            for name, population in self.populations.items():
                population.partial = None
                population.require_ready()
                drive = self._drives.resolve(name, inputs.get(name), total, first, steps)
                requests.append(Request(population, drive, *kept[name]))
            results = run_seen(
                requests, steps, self._device_threads, lambda done: tell(first + done), feed
            )
            return SystemResult(dict(zip(self.populations, results, strict=True)), dict(self.first))

        with self._turn.loop():
            with self._turn.occupied(RUNNING):
                for population in self.populations.values():
                    population.require_ready()
                before = self._result if self._saved_so_far else None
                adjoins = before is not None and all(
                    part.start + part.steps == self.populations[name].steps
                    for name, part in before.parts.items()
                )
                pieces = Pieces(join_systems, carried(
                    loop, before, adjoins, lambda: advance(0, 0, lambda _: None), join_systems
                ), None if loop is None else loop.pace)  # fmt: skip
            seen = functools.partial(take_snapshot, self.populations)
            with (
                reporter(progress, total, repr(self), seen) as report,
                self._fed(self._feed, total, self.steps) as feed,
            ):
                self._result, self._pieces = None, pieces
                self._pace = None if loop is None else loop.pace
                self._saved_so_far = loop is not None and loop.saves is not None
                try:
                    run_pieces(
                        loop or Loop(max(total, 1), None, None), self._turn, total,
                        lambda first, steps: advance(first, steps, report, feed),
                        self._partial, self, pieces, feed,
                    )  # fmt: skip
                finally:
                    self._result, self._pieces = pieces.result, None
        return require_result("system", pieces.own)

    def _partial(self) -> SystemResult | None:
        """Return what a run that broke off recorded of all types."""
        parts = {name: p.partial for name, p in self.populations.items() if p.partial is not None}
        return SystemResult(parts, dict(self.first)) if len(parts) == len(self.first) else None

    @property
    def result(self) -> SystemResult:
        """What the last run recorded, or what it had recorded when it broke off.

        Raises:
            SpikecudaError: there was no run, or a device failed in it.
        """
        return require_result("system", self._result)

    def drive(self, name: str, input: object) -> Drive:
        """Add input of a type that stays from run to run; it adds to the ``input`` of each run.

        Args:
            name: the type.
            input: as for ``GPUNeuronPool.run``.

        Returns:
            A ``Drive``, whose attributes are the input's numbers, to read and to change.
        """
        require_type("drive", name, self.populations)
        return self._drives.add(name, input)

    def metrics(self) -> dict[str, dict[str, float]]:
        """Return figures by type, and of the whole system under "total".

        Each has neurons, updates, spikes, mean_rate (Hz), run_seconds, updates_per_second, bytes
        (on all devices), windows (of all partitions), launches, host_seconds, launches_per_window
        and host_microseconds (per window).
        """
        rows = {}
        for name, p in self.populations.items():
            rows[name] = figures_row(
                p.neuron_spec.count, p.neuron_spec.count * p.steps, p.spikes, p.run_seconds,
                sum(p.held().values()), p.steps * p.neuron_spec.dt / 1000.0, p.windows, p.launches,
                p.host_seconds,
            )  # fmt: skip
        columns = {key: sum(row[key] for row in rows.values()) for key in next(iter(rows.values()))}
        rows["total"] = figures_row(
            int(columns["neurons"]), int(columns["updates"]), int(columns["spikes"]),
            columns["run_seconds"], int(columns["bytes"]), self.steps * self.dt / 1000.0,
            int(columns["windows"]), int(columns["launches"]), columns["host_seconds"],
        )  # fmt: skip
        return Figures(rows)

    def partitions(self) -> list[tuple[str, str, int, int]]:
        """Return (type, device, number of the first neuron, neurons) of each partition.

        Numbers are those of the system, and partitions are in their order.
        """
        return [
            (name, part.device.name, self.first[name] + part.first, part.count)
            for name, population in self.populations.items()
            for part in population.partitions
        ]

    def memory(self) -> list[tuple[str, MemoryFigures]]:
        """Return the figures of each device's memory pool, with the device's name."""
        return [(device.name, device.memory()) for device in self.devices]

    def close(self) -> None:
        """Free all memory, end threads and close opened devices; closing twice does nothing."""
        if self._turn.lost:  # they belong to the process that this one was forked from
            for population in self.populations.values():
                population.closed = True
            return
        with self._turn.restart(), contextlib.ExitStack() as stack:
            self._close_view()
            stack.callback(self._device_threads.close)
            for device in self._opened:
                stack.callback(device.close)
            for population in self.populations.values():
                stack.callback(population.close)

    def _require_open(self) -> None:
        for population in self.populations.values():
            population.require_open()

    def _repr_html_(self) -> str:
        return table_html("MultiGPUNeuronSystem", ("type", "neurons", "devices"), [
            (name, f"{n:,}", ", ".join(device.name for device in self.populations[name].devices))
            for name, n in self.counts.items()
        ])  # fmt: skip

    def _remedy(self, name: str) -> str:
        if any(
            name in population.neuron_spec.model.states for population in self.populations.values()
        ):
            return f'; use system.state["type"]["{name}"] = value'
        return "; " + FIXED

    def __repr__(self) -> str:
        types = ", ".join(f"{n:,} {name}" for name, n in self.counts.items())
        where = ", ".join(device.name for device in self.devices)
        notes = [
            f"; {name} {part.note} on {part.device.name}"
            for name, population in self.populations.items()
            for part in population.partitions
            if part.note
        ]
        return f"<MultiGPUNeuronSystem: {types}; on {where}{''.join(notes)}>"
