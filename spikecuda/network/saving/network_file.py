"""Networks in files: written, and read as what makes a network again."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_positive
from spikecuda.common.npz import FormatError, Streamed
from spikecuda.common.precision import as_precision
from spikecuda.network.model.projection import Projection
from spikecuda.network.results.file import parts_of
from spikecuda.network.results.gather import gather
from spikecuda.network.results.reader import ResultReader
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.run.engine import Engine
from spikecuda.network.run.moving import waits
from spikecuda.network.saving.description import CLASSES, Teller, Told, chores_tree
from spikecuda.network.saving.moving_file import moving_of, moving_tree, require_fitting
from spikecuda.network.saving.rows_file import ROWS, SavedRows, require_dense, rows_tree
from spikecuda.network.saving.synapse_file import SYNAPSES, State, put_synapses, synapses_tree
from spikecuda.network.synapses.blocks import Blocks
from spikecuda.network.synapses.fixed_point import FixedPoint
from spikecuda.network.synapses.peers import Peers
from spikecuda.network.synapses.store import Wiring
from spikecuda.saving.codec import Decoder, Encoder
from spikecuda.saving.neurons import seeds_of, seeds_tree
from spikecuda.saving.save_file import Saved, read_save, write_save

KIND = "network"


def save_network(
    net: Any,
    engine: Engine,
    path: str | os.PathLike[str],
    result: NetworkResult | None,
    rows: bool,
) -> Path:
    """Write a network that is built, between runs; see ``Network.save``."""
    if engine.peers is not None:
        engine.peers.require_alike(
            "save", {"path": os.fspath(path), "result": result is None, "rows": rows}
        )
        if result is not None:
            result = gather(result, everywhere=False)
    elif result is not None:
        result = gather(result)
    encoder, state = Encoder(net.dt, CLASSES), dict[str, np.ndarray]()
    synapses: State = {}
    wiring, wired = engine.wiring, net._wired
    waiting = _waiting(wiring, engine.peers)
    if rows:
        require_dense(wiring, engine.peers)
    # First: where spikes wait, it brings weights up to what has arrived.
    moving = engine.capture(waiting)
    populations = net._populations()
    sizes = [p.size for p in (*populations, *net.trains)]
    for population, neurons in zip(populations, engine.neurons, strict=True):
        for name, values in neurons.state.items():
            state[f"state/{population.name}/{name}"] = values
    told = Teller(net, encoder).tree()
    description = {
        **seeds_tree(net.seed, net._seeds),
        "dt": net.dt,
        "precision": net.precision,
        "told": told,
        "exponents": [[*port, e] for port, e in wiring.exponent.items()],
        "bits": [wiring.fixed_point.bits[p] for p in wired],
        "synapses": synapses_tree(wired, engine, waiting, synapses),
        "wiring": [wiring.synapses, wiring.shortest, wiring.longest],
        "moving": moving_tree(moving, wiring, sizes, state),
        "states": {p.name: list(n.state) for p, n in zip(populations, engine.neurons, strict=True)},
        "rows": rows_tree(wiring, engine.peers, synapses) if rows else None,
        "result": None,
    }
    chores_tree(net._upkeep.values(), state)
    if result is not None:
        description["result"], arrays = parts_of(result)
        state.update({f"result/{name}": array for name, array in arrays.items()})
    if engine.peers is None or engine.peers.rank == 0:
        write_save(path, KIND, description, encoder.values, {**state, **synapses})
    else:  # passes what it has to rank 0, which writes
        for array in synapses.values():
            assert isinstance(array, Streamed)
            for _ in array.parts():
                pass
    if engine.peers is not None:
        engine.peers.sums(np.zeros(1, np.int64))  # it is written when all are here
    return Path(path)


def _waiting(wiring: Wiring, peers: Peers | None) -> set[int]:
    """Return numbers of the bundles whose spikes wait, in any process."""
    some = np.array([waits(bundle) for bundle in wiring.bundles], np.int64)
    if peers is not None:
        some = peers.sums(some)
    return set(np.flatnonzero(some).tolist())


class SavedNetwork:
    """A network in a file, all of it read.

    Args:
        path: the file.
        models: the user's own neuron models, synapse rules and functions of the distance.

    Attributes:
        saved: what the file holds.
        arguments: of ``Network``, without where it runs.
    """

    def __init__(self, path: str | os.PathLike[str], models: Iterable[Any]) -> None:
        self.saved: Saved = read_save(path, KIND, (SYNAPSES, ROWS))
        self._decoder = Decoder(self.saved.arrays, CLASSES, models)

    def read(self) -> None:
        """Check what can be checked before anything is built."""
        about = self._about = self.saved.description
        self.arguments = {
            "dt": as_positive("dt", about["dt"], "ms"),
            "precision": as_precision(about["precision"]).name,
            **seeds_of(about),
        }
        self._moving = moving_of(about["moving"], self.saved)
        self.result: NetworkResult | None = None
        if about["result"] is not None:
            self.result = ResultReader(_Part(self.saved, "result/"), about["result"]).read()

    def tell(self, net: Any) -> None:
        """Tell an empty network what the saved one was told."""
        self._told = Told(net, self._about["told"], self._decoder)
        self._told.tell()
        self._wired: list[Projection] = net._wired
        self._populations = net._populations()
        self._sizes = [p.size for p in (*self._populations, *net.trains)]

    @property
    def fixed_point(self) -> FixedPoint:
        """The scales that the saved network was built with."""
        exponents = {(int(p), int(port)): int(e) for p, port, e in self._about["exponents"]}
        bits = dict(zip(self._wired, map(int, self._about["bits"]), strict=True))
        return FixedPoint(exponents, bits)

    def rows(self, blocks: Blocks, peers: Peers | None = None) -> SavedRows | None:
        """Return the rows of the file, if it has any, for neurons that are split alike.

        Args:
            blocks: of this process.
            peers: the others, which all have to find theirs.
        """
        about = self._about["rows"]
        if peers is not None:
            peers.require_alike("file", {"content": self.saved.checksum})
        if about is None or "processes" not in about:  # as versions before wrote them
            return None
        rows = SavedRows(about, self.saved, blocks)
        number = np.array([rows.number], np.int64)
        least = number if peers is None else peers.least(number)
        return rows if least[0] >= 0 else None

    def restore(self, wiring: Wiring, peers: Peers | None = None) -> None:
        """Let synapses that were drawn be the saved ones, before an engine has them.

        Args:
            wiring: the synapses, all of them or those of this process.
            peers: the processes that have the others.
        """
        if peers is not None:
            peers.require_alike("file", {"content": self.saved.checksum})
        put_synapses(self._wired, wiring, self._about["synapses"], self.saved, peers)
        found, wanted = [wiring.synapses, wiring.shortest, wiring.longest], self._about["wiring"]
        if found != wanted:
            raise FormatError(
                f"its wiring has {wanted[0]:,} synapses and delays of {wanted[1]} to {wanted[2]} "
                f"steps, and this version draws {found[0]:,} and {found[1]} to {found[2]}"
            )
        require_fitting(self._moving, wiring, self._sizes)

    def resume(self, net: Any, engine: Engine) -> None:
        """Let an engine that was built go on from what was saved."""
        for population, neurons in zip(self._populations, engine.neurons, strict=True):
            name = population.name
            if sorted(neurons.state) != sorted(self._about["states"][name]):
                raise FormatError(f"{name} has other states")
            for variable, values in neurons.state.items():
                kind = values.dtype.str[1:]
                values[:] = self.saved.take(f"state/{name}/{variable}", kind, 1, values.size)
        engine.resume(self._moving)
        self._told.record()
        for i, chore in enumerate(net._upkeep.values()):
            chore.remember({
                name: self.saved.take(f"upkeep/{i}/{name}", "f8", 1, values.size)
                for name, values in chore.remembered().items()
            })  # fmt: skip


class _Part:
    """The arrays of a file whose names begin alike, as a result is read from.

    Args:
        saved: the file.
        prefix: of their names.
    """

    def __init__(self, saved: Saved, prefix: str) -> None:
        self._saved, self._prefix = saved, prefix

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self._saved.arrays

    def array(self, name: str, kinds: str, ndim: int) -> np.ndarray:
        """Return an array of some kinds and dimensions; raise FormatError for another one."""
        found = self._saved.arrays.get(self._prefix + name)
        if found is None or found.dtype.kind not in kinds or found.ndim != ndim:
            raise FormatError(f"array {self._prefix + name!r:.80} is missing or of another form")
        return found
