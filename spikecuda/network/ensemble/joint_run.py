"""Advance the replicas of all groups to the same step, slice by slice."""

import contextlib
import functools
import time
from collections.abc import Callable, Sequence

from spikecuda.common.device_threads import DeviceThreads
from spikecuda.common.host_memory import require_memory
from spikecuda.common.interrupt import held_interrupt
from spikecuda.common.seed import Seeds
from spikecuda.errors import SpikecudaError
from spikecuda.network.ensemble.group import BrokenOff, Group
from spikecuda.network.ensemble.result import EnsembleResult, join_runs
from spikecuda.network.results.result import NetworkResult
from spikecuda.runtime.loop import Pieces

# Slices of a run: about so long, and so many updates of neurons to begin with.
SECONDS, UPDATES = 1.0, 1e8


class JointRun:
    """The groups of an ensemble, which are at the same step between slices.

    Args:
        groups: all replicas together.
        release: closes the devices that were opened for them.

    Attributes:
        clock: steps done since the last reset; ``seconds``: wall-clock time of them.
    """

    def __init__(self, groups: Sequence[Group], release: Callable[[], None]) -> None:
        self.groups, self._release = list(groups), release
        self.clock, self.seconds = 0, 0.0
        self._slices = Pieces(join_runs)
        self._failed = ""
        self._threads = DeviceThreads(len(groups), "spikecuda-group")
        neurons = sum(p.size for g in groups for r in g.replicas for p in r._populations())
        self._slice = max(1, int(UPDATES / neurons))

    @property
    def result(self) -> EnsembleResult | None:
        """What the last piece of a run recorded, or had recorded when it broke off.

        None: nothing, or replicas are not at the same step.
        """
        return self._slices.own

    def require_ready(self) -> None:
        """Raise SpikecudaError if replicas are not at the same step."""
        if self._failed:
            raise SpikecudaError(
                f"the ensemble cannot go on: {self._failed}; its replicas are not all at the same "
                "step; reset() starts again"
            )

    def advance(
        self, first: int, steps: int, total: int, report: Callable[[int], None]
    ) -> EnsembleResult:
        """Advance by a piece of a run; between slices Ctrl-C ends it.

        Args:
            first: steps of the run before the piece.
            steps: of the piece; ``total``: of the run.
            report: is told the steps of the piece that are done.

        Raises:
            OutOfMemoryError: what all replicas record does not fit; nothing was advanced.
        """
        self._slices = Pieces(join_runs)
        self._require_room(steps)
        if not self._in_slices:
            self._add(first, steps, total, report)
        else:
            with self._held() as release:
                done = 0
                while done < steps or not steps:
                    some = self._agree(min(self._slice, steps - done))
                    begin = time.perf_counter()
                    self._add(first + done, some, total, lambda n: None)
                    if some == self._slice:
                        spent = time.perf_counter() - begin
                        growth = min(4.0, SECONDS / max(spent, 1e-6))
                        self._slice = max(1, min(int(some * growth), 1 << 30))
                    done += some
                    report(done)
                    release()
                    if not steps:
                        break
        result = self._slices.own
        assert result is not None
        return result

    def restart(self, seeds: Sequence[Seeds]) -> None:
        """Go back to step 0.

        Args:
            seeds: of each replica of the ensemble.
        """
        self._failed = "a reset did not end"
        for group in self.groups:
            group.restart([seeds[replica.index] for replica in group.replicas])
        self._failed, self.clock, self.seconds = "", 0, 0.0

    def close(self) -> None:
        """Give everything back."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._release)
            stack.callback(self._threads.close)
            for group in self.groups:
                stack.callback(group.close)

    @property
    def _in_slices(self) -> bool:
        """Whether a run is cut into slices; else the only group ends it at Ctrl-C."""
        return len(self.groups) > 1 or not self.groups[0].whole

    def _agree(self, steps: int) -> int:
        """Return the steps of the next slice, of all who take it."""
        return steps

    def _held(self) -> contextlib.AbstractContextManager[Callable[[], None]]:
        """Hold Ctrl-C back but where what is given is called."""
        return held_interrupt()

    def _require_room(self, steps: int) -> None:
        """Raise OutOfMemoryError unless what all replicas record in some steps fits."""
        replicas = [replica for group in self.groups for replica in group.replicas]
        require_memory(
            sum(replica.recorded_bytes(steps) for replica in replicas),
            f"recording {steps:,} steps of each of {len(replicas):,} replicas",
            "record fewer neurons or synapses with only=, or less often with every=, or use fewer "
            "replicas",
        )  # fmt: skip

    def _add(self, first: int, steps: int, total: int, report: Callable[[int], None]) -> None:
        """Advance by a slice, and add what it recorded to the result."""
        begin = time.perf_counter()
        lists: list[list[NetworkResult] | None] = [None] * len(self.groups)
        errors: list[BrokenOff] = []

        def work(i: int) -> None:
            try:
                lists[i] = self.groups[i].advance(first, steps, total, report)
            except BrokenOff as error:
                lists[i] = error.partial
                errors.append(error)
            except BaseException as error:
                errors.append(BrokenOff(None, error, None))

        self._threads.together([functools.partial(work, i) for i in range(len(self.groups))])
        clocks = {group.clock for group in self.groups}
        found = [part for part in lists if part is not None]
        if len(clocks) == 1 and len(found) == len(lists) and min(clocks) >= 0:
            self.clock = clocks.pop()
            every = [result for part in found for result in part]
            spent = time.perf_counter() - begin
            self.seconds += spent
            self._slices.add(EnsembleResult(every, spent))
        else:
            self._failed = str(errors[0].error) or type(errors[0].error).__name__
            self._slices = Pieces(join_runs)
        if errors:
            cause = errors[0].error
            number = errors[0].replica
            if isinstance(cause, SpikecudaError) and number is not None:
                raise type(cause)(f"replica {number}: {cause}") from cause
            raise cause
