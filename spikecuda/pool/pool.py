"""GPUNeuronPool: a population of neurons of one model on one device."""

import functools
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count
from spikecuda.common.device_threads import DeviceThreads
from spikecuda.common.exclusive_use import RUNNING
from spikecuda.common.notebook import facts_html
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.common.seed import as_seed, as_seeds, as_trial
from spikecuda.common.time_grid import run_steps
from spikecuda.devices.base import Device
from spikecuda.devices.kinds import CPU
from spikecuda.devices.open import choose, gpu_status, open_device
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.inputs.drive import Drive
from spikecuda.models.base import Model
from spikecuda.observe.metrics import Metrics
from spikecuda.observe.progress import Progress, reporter
from spikecuda.observe.snapshot import take_snapshot
from spikecuda.pool.driven import PoolDrives
from spikecuda.pool.pool_metrics import pool_metrics
from spikecuda.pool.recorded import as_recorded
from spikecuda.pool.savable import SavablePool
from spikecuda.pool.viewed import ViewedPool, run_seen
from spikecuda.runtime.loop import Loop, Pieces, as_loop, carried, require_result, run_pieces
from spikecuda.runtime.neuron_spec import resolve_neurons
from spikecuda.runtime.parameters import Parameters
from spikecuda.runtime.population import Population
from spikecuda.runtime.result import RunResult, join_runs
from spikecuda.runtime.run import Request
from spikecuda.runtime.state import StateView
from spikecuda.view.feed import Feed

__all__ = ["GPUNeuronPool", "RunResult"]

log = logging.getLogger("spikecuda")
ARGUMENTS = (
    "num_neurons", "batch_size", "precision", "dt", "seed", "params", "device", "scheme",
    "substeps",
)  # fmt: skip


class GPUNeuronPool(SavablePool, ViewedPool):
    """Neurons of one model without connections, on a GPU or on the CPU.

    The same arguments give the same spikes, bit for bit.  Results do not depend on the device,
    ``batch_size``, ``threads``, ``window``, or on how a run is split.

    A pool is used by one thread at a time: while it runs, every call from another thread except
    ``metrics()`` raises ``SpikecudaError``.  Ctrl-C ends a run at the end of a window, and the pool
    can continue; a second Ctrl-C ends it at once.

    Args:
        num_neurons: number of neurons, 1 to 2^31 - 32.
        neuron_type: a model's name ("lif", "adex", "hh_traub", ...) or a ``Model`` subclass.
        use_gpu: True requires a CUDA GPU, False uses the CPU; None uses a GPU if there is one.
        batch_size: neurons per launch, rounded up to a multiple of 32; None lets the device choose.
        precision: "float16", "float32" or "float64".
        dt: length of a step in ms, > 0.
        seed: integer in [0, 2^64), from which all random numbers are computed.
        wiring_seed, start_seed, noise_seed: the numbers that parameters, start values, and noise
            and pulses are drawn from; None: ``seed``.
        trial: number of the trial, see ``reset``.
        params: parameters by name, in the model's units: one number, one per neuron, or a
            distribution.
        initial: start values of state variables by name, likewise.
        device: "cpu", "cuda:0", "cuda-emu" (the compiled PTX, executed on the CPU), "cuda-sim", or
            an open ``Device``, which the pool does not close.
        threads: CPU threads; None uses all cores.
        scheme: one of the model's integration schemes; None uses its default.
        substeps: integration steps within one time step, 1 to 64.
        window: the most steps of one launch; None uses as many as fit.
        out_of_core: True keeps the state in host memory and streams it through the device, a batch
            of neurons at a time; False never does; None does so if the state does not fit on the
            device.

    Attributes:
        state: state variables by name, see ``StateView``.
        device: where the pool runs.
        params: parameters by name, to read and to change between runs: see ``Parameters``.
        steps: steps done since the last reset.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
        DeviceError: the device does not exist or is not usable.
        OutOfMemoryError: the pool does not fit; raised before anything is allocated.
    """

    @out_of_memory("a pool", "use fewer neurons, or one number for all of them")
    def __init__(
        self,
        num_neurons: int,
        neuron_type: str | type[Model] = "lif",
        use_gpu: bool | None = None,
        batch_size: int | None = None,
        precision: str = "float32",
        *,
        dt: float = 0.1,
        seed: int = 0,
        params: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        device: str | Device | None = None,
        threads: int | None = None,
        scheme: str | None = None,
        substeps: int = 1,
        window: int | None = None,
        out_of_core: bool | None = None,
        wiring_seed: int | None = None,
        start_seed: int | None = None,
        noise_seed: int | None = None,
        trial: int = 0,
    ) -> None:
        self._seeds = as_seeds(seed, wiring_seed, start_seed, noise_seed, trial)
        self._seed = as_seed(seed)
        neuron_spec = resolve_neurons(
            num_neurons, neuron_type, precision, dt, self._seeds, params=params, initial=initial,
            scheme=scheme, substeps=substeps,
        )  # fmt: skip
        n = self.num_neurons = neuron_spec.count
        self.batch_size = None if batch_size is None else as_count("batch_size", batch_size, 1, n)
        limit = None if window is None else as_count("window", window, 1, 2**20)
        if out_of_core is not None and not isinstance(out_of_core, bool):
            raise SpikecudaTypeError(
                f"out_of_core must be True, False or None (got {out_of_core!r})"
            )
        self._owns_device = not isinstance(device, Device)
        if isinstance(device, Device):
            if use_gpu is not None or threads is not None:
                raise SpikecudaValueError(
                    f"use_gpu and threads are settled by an open device (got use_gpu={use_gpu}, "
                    f"threads={threads}); leave them out"
                )
            self.device = device
        else:
            self.device = open_device(choose(use_gpu, device), threads)
        try:
            self.population = Population(
                neuron_spec,
                [(self.device, 0, n)],
                self.batch_size,
                limit,
                out_of_core=out_of_core,
            )
        except BaseException:
            if self._owns_device:
                self.device.close()
            raise
        # Attributes, not properties: IPython reads no property to complete the names in it.
        self.state = StateView(self.population)
        self.params = Parameters(self.population)
        models = {self.model.name: self.population}
        self._drives = PoolDrives(self.population.turn, models, self.device.adopt)
        self._result: RunResult | None = None
        self._fix()
        # A record that some handler keeps must not keep the pool.
        if log.isEnabledFor(logging.DEBUG):
            log.debug(repr(self))

    @property
    def model(self) -> type[Model]:
        """The neurons' model."""
        return self.neuron_spec.model

    @property
    def precision(self) -> str:
        """The name of the precision."""
        return self.neuron_spec.precision.name

    @property
    def scheme(self) -> str:
        """The name of the integration scheme."""
        return self.neuron_spec.scheme

    @property
    def substeps(self) -> int:
        """Integration steps within one time step."""
        return self.neuron_spec.substeps

    @property
    def dt(self) -> float:
        """Length of a step in ms."""
        return self.neuron_spec.dt

    @property
    def seed(self) -> int:
        """The number from which all random numbers are computed."""
        return self._seed

    @property
    def trial(self) -> int:
        """Number of the trial, see ``reset``."""
        return self._seeds.trial

    @property
    def refractory(self) -> bool:
        """Whether any neuron has a refractory period."""
        return self.neuron_spec.refractory

    @property
    def steps(self) -> int:
        """Steps done since the last reset."""
        return self.population.steps

    @property
    def time(self) -> float:
        """Model time since the last reset, in ms."""
        return self.steps * self.dt

    def reset(self, trial: int | None = None) -> None:
        """Return to step 0: states have their start values, and spikes and metrics are cleared.

        Start values follow from the parameters of now.  Parameters stay as they are.

        Args:
            trial: number of the trial to begin, in [0, 2^64): start values and noise are other
                ones, the same as those of a new pool with ``trial=``.  None: the same trial.
        """
        with self.population.turn.restart():
            seeds = None if trial is None else replace(self._seeds, trial=as_trial(trial))
            self.population.reset(seeds)
            self._seeds = seeds or self._seeds

    def step(self, input: object = None) -> np.ndarray:
        """Advance by one step.

        Args:
            input: as for ``run``.

        Returns:
            Numbers of the neurons that spiked, a sorted int32 array.

        Raises:
            SpikecudaError: as for ``run``.
        """
        return self.run(steps=1, input=input).spikes.neuron

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
        call: Callable[[Any, RunResult], object] | None = None,
        until: Callable[[Any, RunResult], object] | None = None,
        save_every: float | None = None,
        save_to: str | os.PathLike[str] | None = None,
        realtime: bool = False,
    ) -> RunResult:
        """Advance by many steps, from where the last run ended.

        Args:
            duration: length in ms, a multiple of dt; or
            steps: number of steps.
            input: a number, an array (num_neurons,) of constant currents, an array (steps,
                num_neurons), an ``Input`` from ``spikecuda.inputs``, or a list of inputs, which
                add up.  Arrays may belong to another library; those in the memory of the pool's
                GPU are read there.
            record: names of state variables, one or several, beside the spikes; None: nothing.
            spikes: False records no spikes.
            progress: True shows a progress bar, "live" also speed, rates, memory and devices; a
                function is called with (steps done, steps) after each window.
            every: length of a piece in ms, a multiple of dt; the last one may be shorter.
            call: function called after each piece with the pool and the piece's result, which may
                change parameters, state and drives; if it returns False, the run ends.
            until: function called likewise, after ``call``; once it returns True, the run ends.
            save_every, save_to: ms between two times, a multiple of dt and of ``every``, at which
                the pool is saved to a file, as ``save`` does, and again at the end.
            realtime: True keeps to the clock; see ``pool.lateness`` and ``docs/events.md``.

        Returns:
            A ``RunResult``, of all pieces.  After Ctrl-C and errors, also those of ``call``,
            ``pool.result`` is what the run recorded until then.

        Raises:
            SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
            OutOfMemoryError: the recording does not fit; raised before the run starts.
            NumericalError: a state became NaN or infinite.
            DeviceError: the device failed; the message says at which step.
        """
        population = self.population
        total = run_steps(duration, steps, self.dt)
        kept = as_recorded(record, spikes, self.model)
        loop = as_loop(every, call, until, self.dt, save_every, save_to, realtime)

        def advance(
            first: int, steps: int, tell: Callable[[int], None], feed: Feed | None = None
        ) -> RunResult:
            population.partial = None
            population.require_ready()
            drive = self._drives.resolve(self.model.name, input, total, first, steps)
            requests, threads = [Request(population, drive, *kept)], DeviceThreads(1)
            return run_seen(requests, steps, threads, lambda done: tell(first + done), feed)[0]

        with population.turn.loop():
            with population.turn.occupied(RUNNING):
                population.require_ready()
                before = self._result if self._saved_so_far else None
                adjoins = before is not None and before.start + before.steps == self.steps
                pieces = Pieces(join_runs, carried(
                    loop, before, adjoins, lambda: advance(0, 0, lambda _: None), join_runs
                ), None if loop is None else loop.pace)  # fmt: skip
            seen = functools.partial(take_snapshot, {self.model.name: population})
            with (
                reporter(progress, total, repr(self), seen) as report,
                self._fed(self._feed, total, population.steps) as feed,
            ):
                self._result, self._pieces = None, pieces
                self._pace = None if loop is None else loop.pace
                self._saved_so_far = loop is not None and loop.saves is not None
                try:
                    run_pieces(
                        loop or Loop(max(total, 1), None, None), population.turn, total,
                        lambda first, steps: advance(first, steps, report, feed),
                        lambda: population.partial, self, pieces, feed,
                    )  # fmt: skip
                finally:
                    self._result, self._pieces = pieces.result, None
        return require_result("pool", pieces.own)

    @property
    def result(self) -> RunResult:
        """What the last run recorded, or what it had recorded when it broke off.

        Raises:
            SpikecudaError: there was no run, or a device failed in it.
        """
        return require_result("pool", self._result)

    def drive(self, input: object) -> Drive:
        """Add input that stays from run to run; it adds to the ``input`` of each run.

        Args:
            input: as for ``run``.

        Returns:
            A ``Drive``, whose attributes are the input's numbers, to read and to change.
        """
        return self._drives.add(self.model.name, input)

    def metrics(self) -> Metrics:
        """Return what the pool has done since its last reset, and the memory it uses."""
        return pool_metrics(self.population, self.device)

    def close(self) -> None:
        """Free all memory and end all threads; closing twice does nothing."""
        if self.population.turn.lost:  # they belong to the process that this one was forked from
            self.population.closed = True
            return
        with self.population.turn.restart():
            if self.population.closed:
                return
            self._close_view()
            try:
                self.population.close()
            finally:
                if self._owns_device:
                    self.device.close()

    def _require_open(self) -> None:
        self.population.require_open()

    def _repr_html_(self) -> str:
        return facts_html("GPUNeuronPool", [
            ("neurons", f"{self.num_neurons:,} {self.model.name}"), ("precision", self.precision),
            ("dt", f"{self.dt:g} ms"), ("steps", f"{self.steps:,}"),
            ("device", f"{self.device.name} ({self.device.description})"),
        ])  # fmt: skip

    def _remedy(self, name: str) -> str:
        if name in self.model.states:
            return f'; use pool.state["{name}"] = value'
        given = f"{name}=..."
        if name in self.model.parameters:
            return f'; use pool.params["{name}"] = value'
        settled = name in ARGUMENTS
        return f"; make a new GPUNeuronPool(..., {given})" if settled else ""

    def __repr__(self) -> str:
        note = ""
        if self.device.kind == CPU and not gpu_status().usable:
            note = f"; no GPU: {gpu_status().reason}"
        note += "".join(f"; {part.note}" for part in self.population.partitions if part.note)
        return (
            f"<GPUNeuronPool: {self.num_neurons:,} {self.model.name} neurons, {self.precision}, "
            f"dt {self.dt:g} ms, on {self.device.name} ({self.device.description}){note}>"
        )
