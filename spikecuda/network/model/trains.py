"""The given spike trains of a network: sources, and drives, which are sources with a row each."""

from dataclasses import dataclass, field, replace

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.inputs.drive import Drive
from spikecuda.network.model.population import Population
from spikecuda.network.model.projection import Projection
from spikecuda.network.model.spike_train import SpikeTrain, external_spikes


@dataclass(eq=False)
class Given:
    """A source and its spikes.

    Attributes:
        source: the source; one without a name belongs to a drive.
        train: its spikes.
        early: steps before their times that they are sent: 1 for a drive, whose delay it is.
        projection: of a drive: the row of each train.
        drive: the handle of a drive.
        at_once, max_weight: headroom for later trains, as the user gave it.
        since: the step at which the train was given, and the one that it replaced there.
    """

    source: Population
    train: SpikeTrain
    early: int
    projection: Projection | None = None
    drive: Drive | None = None
    at_once: int | None = None
    max_weight: float | None = None
    since: tuple[int, SpikeTrain | None] = (0, None)

    def rows(self, dt: float, train: SpikeTrain | None = None) -> np.ndarray:
        """Return its spikes, or those of another train, as an engine takes them, sorted."""
        return external_spikes([(self.source, train or self.train, self.early)], dt)


@dataclass(eq=False)
class Trains:
    """All given trains.

    Args:
        dt: ms.

    Attributes:
        given: in the order in which they were added.
    """

    dt: float
    given: list[Given] = field(default_factory=list)
    _sorted: np.ndarray | None = field(default=None, repr=False)

    def add(self, given: Given) -> None:
        """Add a source."""
        self.given.append(given)
        self._sorted = None

    def order(self, given: list[Given]) -> None:
        """Have these, in this order: for a network that is loaded."""
        self.given[:] = given
        self._sorted = None

    def drop(self, given: Given) -> None:
        """Take a source away, before the network is built."""
        self.given.remove(given)
        self._sorted = None

    def of_drive(self, drive: Drive) -> Given:
        """Return what a drive drives with."""
        return next(g for g in self.given if g.drive is drive)

    def of_source(self, source: Population) -> Given:
        """Return what a source sends."""
        return next(g for g in self.given if g.source is source)

    def require(self, given: Given, value: object, built: bool) -> SpikeTrain:
        """Return a train that may take a source's place; raise for others.

        Args:
            given: the source.
            value: what the user gave.
            built: whether the weights' scale is settled for so many spikes at once.
        """
        whose = given.source.name or "the drive"
        if not isinstance(value, SpikeTrain):
            raise SpikecudaTypeError(
                f"the trains of {whose} are replaced by a SpikeTrain (got {shown(value)})"
            )
        before = given.train
        if given.drive is not None and (value.neurons is None) != (before.neurons is None):
            raise SpikecudaValueError(
                "a drive's SpikeTrain goes to all neurons or to each its own, as it was added "
                f"(got neurons={shown(value.neurons)}); remove() it and add another"
            )
        most = value.most_at_once(self.dt, given.source.size)
        room = given.source.at_once if built else given.at_once or most
        if most > room:
            raise SpikecudaValueError(
                f"a train of {whose} may have {room} spikes in one step, for which "
                f"the weights' scale was made (got {most}); add it with at_once={most}"
            )
        return value

    def replace(self, given: Given, train: SpikeTrain, clock: int, built: bool = True) -> None:
        """Let a source have other spikes from now on.

        Args:
            given: the source.
            train: what ``require`` returned.
            clock: steps that the network has done.
            built: whether the weights' scale is settled for so many spikes at once.
        """
        if not built:
            given.source.widen(given.at_once or train.most_at_once(self.dt, given.source.size))
        step, _ = given.since
        if clock and step != clock:
            given.since = clock, given.train
        given.train = train
        self._sorted = None

    def restart(self) -> None:
        """Begin at step 0: nothing is on its way."""
        for given in self.given:
            given.since = 0, None

    def due(self, clock: int) -> np.ndarray:
        """Return the spikes that are still to be sent: int64 (spikes, 3), sorted.

        What a drive's train has in the next step was sent in the last one.  If the train was
        replaced since then, the spikes of the new one that were not are sent now.

        Args:
            clock: steps that the network has done.
        """
        if self._sorted is None:
            each = [(g.source, g.train, g.early) for g in self.given]
            self._sorted = external_spikes(each, self.dt)
        rows = self._sorted
        if not rows.size:
            return rows
        # Before the first step, what was sent at its start: "at the end of step -1".
        rows = rows[np.searchsorted(rows[:, 0], clock or -1) :]
        late = [self._late(g, clock) for g in self.given if clock and g.since[0] == clock]
        late = [part for part in late if part.size]
        return np.ascontiguousarray(np.concatenate([*late, rows])) if late else rows

    def _late(self, given: Given, clock: int) -> np.ndarray:
        """Return what a drive would have sent in the last step, beyond what it did."""
        if not given.early:
            return np.empty((0, 3), np.int64)
        now, before = (
            rows[rows[:, 0] == clock - 1]
            for rows in (given.rows(self.dt), given.rows(self.dt, given.since[1] or NOTHING))
        )
        left = np.bincount(now[:, 2], minlength=given.source.size)
        left -= np.bincount(before[:, 2], minlength=given.source.size)
        neurons = np.repeat(np.arange(left.size), np.maximum(left, 0))
        result = np.empty((neurons.size, 3), np.int64)
        result[:, 0], result[:, 1], result[:, 2] = clock - 1, given.source.number, neurons
        return result


NOTHING = SpikeTrain(np.empty(0))


def silent(train: SpikeTrain) -> SpikeTrain:
    """Return a train without spikes that may take another one's place."""
    none = None if train.neurons is None else np.empty(0, np.int64)
    return replace(train, times=np.empty(0), neurons=none)
