"""A partition of a network on a CUDA device."""

import contextlib
from collections.abc import Mapping, Sequence

import numpy as np

from spikecuda.devices.base import Device
from spikecuda.errors import SpikecudaError
from spikecuda.kernels.learn_spec import WRONG_PROFILE
from spikecuda.kernels.network.field import G_WRONG
from spikecuda.network.cuda import saved_state
from spikecuda.network.cuda.replicas import ALONE, Replicas
from spikecuda.network.cuda.resident import Resident
from spikecuda.network.cuda.run import DeviceRun
from spikecuda.network.run.moving import Moving
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.partition import NUMBER, NetworkPartition, RunRequest
from spikecuda.network.synapses.blocks import Share
from spikecuda.network.synapses.store import Rows, Wiring


class DevicePartition(NetworkPartition):
    """Neurons of a network on a device that runs CUDA kernels, and the synapses onto them.

    Args:
        device, share, neurons, wiring, first, numbers, window, replicas, whole: see ``Resident``.

    Attributes:
        resident: what stays on the device.
        peers: what others have, whose spike bits runs copy from their devices; see ``linked``.
    """

    def __init__(
        self,
        device: Device,
        share: Share,
        neurons: Sequence[Neurons],
        wiring: Wiring,
        first: Mapping[int, int],
        numbers: int,
        window: int,
        replicas: Replicas = ALONE,
        whole: bool = False,
    ) -> None:
        self.device, self.share, self.clock = device, share, 0
        self.peers: Sequence[Resident] = ()
        self._events = self._events_seen = 0
        self._run: DeviceRun | None = None
        # Bundles whose rows in the wiring are what the device has, until a run begins.
        self._settled: set[int] = set()
        self.resident = Resident(
            device, share, neurons, wiring, first, numbers, window, replicas, whole
        )

    @property
    def run(self) -> DeviceRun | None:
        """What is on the device for the run that has begun."""
        return self._run

    @property
    def compile_seconds(self) -> float:
        """Time that its device spent on compiling."""
        return self.device.compile_seconds

    @property
    def events(self) -> int:
        """Synaptic events sent to it since the last reset."""
        return self._events + self._events_seen

    @property
    def settled(self) -> int:
        """The first step whose spikes are not known yet."""
        under_way = None if self._run is None else self._run.under_way
        return self.clock if under_way is None else under_way

    @property
    def most_steps(self) -> int:
        """The most steps of one call of ``advance`` within the run that has begun."""
        assert self._run is not None
        return self._run.most_steps

    def begin(self, request: RunRequest) -> None:
        """Build kernels and put everything that a run needs on the device."""
        self._settled.clear()
        self.resident.upload_state()
        self._run = DeviceRun(self.resident, request, self.peers)

    def advance(self, steps: int, external: np.ndarray) -> np.ndarray:
        """Advance by some steps without the host; return spikes, sorted: see ``DeviceRun``."""
        assert self._run is not None
        found = np.empty(0, np.int64)
        if self.share.size:
            self.count(external)
            found = self._taken(self._run.advance(self.clock, steps, external))
        self.clock += steps
        return found

    def rest(self) -> np.ndarray:
        """Wait for what is under way; return the spikes that ``advance`` has not returned."""
        found = [np.empty(0, np.int64)]
        while self._run is not None and self._run.under_way is not None:
            found.append(self._taken(self._run.take()))
        return np.concatenate(found)

    def receive(self, spikes: np.ndarray) -> None:
        """Deliver what the other partitions sent in the last window."""
        assert self._run is not None
        p = self.resident
        wanted = spikes.size and (p.row_tables or p.drawn or p.learning)
        if wanted or self._run.waits:
            self._run.receive(spikes)
            self.count(spikes)

    def end(self) -> None:
        """Bring the state back to the host, and free what only the run needed."""
        if self._run is None:
            return
        run = self._run
        with contextlib.closing(run):
            # After an interrupt there may be spikes that nobody takes.
            try:
                self.rest()
            finally:
                self._run = None
            self._events_seen = int(self.device.read(self.resident.events_drawn)[0])
            self.resident.download_state()

    def reset(self) -> None:
        """Forget what is under way."""
        for learning in self.resident.learning:
            learning.restart(self.clock)
        self.clock = self._events = self._events_seen = 0
        self.resident.clear()

    def extend(self, first: Mapping[int, int], numbers: int) -> None:
        """Take notice of another source, and of its rows in the wiring.

        Args:
            first: number of the first neuron of each population, sources included.
            numbers: one more than the largest number.
        """
        self.resident.extend(first, numbers)

    def retune(self, population: int | None = None) -> None:
        """Take notice of changed parameters, or other seeds, of a population or of all."""
        self.resident.retune()

    def rewire(self) -> None:
        """Take the rows over from the wiring; of those that learn, what was settled."""
        self.resident.rewire()
        for number in self._settled:
            self.rewrite(number)

    def learned(
        self, number: int, rows: tuple[int, int] | None = None
    ) -> list[dict[str, np.ndarray]]:
        """Return what the synapses of a bundle have learned up to now, by block."""
        return self._learned(number, rows, False)

    def _learned(
        self, number: int, rows: tuple[int, int] | None, raw: bool
    ) -> list[dict[str, np.ndarray]]:
        bundle, result = self.resident.wiring.bundles[number], []
        for b in self.share.blocks:
            found = [
                values for learning in self.resident.learning
                if (values := learning.learned(bundle, b, self.clock, rows, raw)) is not None
            ]  # fmt: skip
            stored = bundle.blocks[b]
            assert stored.weights is not None
            nothing = {"w": stored.weights[:0], **{n: v[:0] for n, v in stored.variables.items()}}
            result.append(found[0] if found else nothing)
        return result

    def settle(self, number: int, rows: Sequence[Rows], learns: bool) -> None:
        """Write what a bundle has learned up to now into its rows, and take that over."""
        super().settle(number, rows, learns)
        if learns:
            self.rewrite(number)
            self._settled.add(number)

    def raw_learned(self, number: int) -> list[dict[str, np.ndarray]]:
        """Return the same, with variables as their last event left them."""
        return self._learned(number, None, True)

    def capture(self, waiting: set[int]) -> Moving:
        """Return what moves in the partition."""
        moving = saved_state.tell(self.resident, self.clock)
        moving.events = self.events
        return moving

    def resume(self, moving: Moving, events: int) -> None:
        """Take over what moves in the whole network."""
        for number, marks in moving.marks.items():
            if marks.waits:
                # Such networks are not built here; earlier versions saved others so, too.
                p = self.resident.wiring.bundles[number].projections[0]
                raise SpikecudaError(
                    f"the spikes on their way must be saved with what they send, to go on on "
                    f"{self.name} (got spikes of {p.name} that wait, as earlier versions saved "
                    "them); load the file with devices='cpu' and save it again"
                )
        saved_state.take(self.resident, moving)
        self.clock, self._events, self._events_seen = moving.clock, events, 0

    def mark(self, number: int) -> None:
        """Let all events up to now count as done in a bundle's weights."""
        for learning in self.resident.learning:
            learning.mark(self.resident.wiring.bundles[number], self.clock)

    def rewrite(self, number: int) -> None:
        """Take other weights in a bundle's rows over."""
        self.resident.rewrite(self.resident.wiring.bundles[number])

    def wrong(self) -> dict[int, int]:
        """Return what could not be used of rules' results since the last time: see the base."""
        bundles, found = self.resident.wiring.bundles, dict[int, int]()
        for learning in self.resident.learning:
            for bundle, bits in learning.wrong():
                number = bundles.index(bundle)
                found[number] = found.get(number, 0) | bits
        for drawn, arrays in self.resident.drawn:
            own = any(function for function, _ in drawn.functions)
            if own and self.device.read(arrays["field"])[G_WRONG]:
                found[bundles.index(drawn.bundle)] = WRONG_PROFILE
        return found

    def rerule(self, number: int) -> None:
        """Take notice of other parameters of a bundle's rule."""
        self.resident.rerule(self.resident.wiring.bundles[number])

    def level(self, number: int, value: float | None = None) -> float:
        """Return the level of a bundle's modulator as of now; see ``Engine``."""
        bundle, found = self.resident.wiring.bundles[number], 0.0
        for learning in self.resident.learning:
            found = learning.level(bundle, value, found)
        return found

    def freeze(self, number: int, frozen: bool) -> None:
        """Let a bundle's weights stay as they are, or learn again from now on."""
        for learning in self.resident.learning:
            learning.freeze(self.resident.wiring.bundles[number], frozen)

    def held(self) -> dict[str, int]:
        """Return the bytes on the device, by what holds them."""
        return self.resident.held()

    def close(self) -> None:
        """Give all buffers back."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.resident.close)
            if self._run is not None:
                stack.callback(self._run.close)
        self._run = None

    def _taken(self, spikes: np.ndarray) -> np.ndarray:
        """Return spikes that a run found, counted."""
        self.count(spikes)
        return spikes

    def count(self, spikes: np.ndarray) -> None:
        """Count the synaptic events of spikes."""
        self._events += int(self.resident.lengths[spikes & NUMBER].sum())
