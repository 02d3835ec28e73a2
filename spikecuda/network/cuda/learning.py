"""Synapses that learn on a CUDA device: what stays there, weights as of now, new weights."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from spikecuda.devices.base import Device
from spikecuda.devices.memory import Buffer
from spikecuda.devices.work import Kernel
from spikecuda.kernels import learn_routines
from spikecuda.kernels.network import learn_tables as tables
from spikecuda.kernels.network.layout import NEVER
from spikecuda.network.cuda.learning_rows import LearningRows, keys_of
from spikecuda.network.synapses.store import Bundle

# Synapses that are copied at a time.
PIECE = 1 << 22
# Steps that have not been swept begin here.
START = -1


class Learning:
    """What learns by one rule in a partition.

    Args:
        device: where.
        rows: what learns; its arrays go to the device.
        put: returns a new buffer of a name with values; ``free`` gives one back.
        histories: buffers of histories that go on; None: new ones.

    Attributes:
        rows: what learns, without the arrays.
        arrays: on the device, by argument name.
        row_ends: int64, of each pair: where each source's row begins, and the end.
        group: how many lanes take a unit, as a power of two.
        kept: how often 32 neurons of the partition are in a history.
    """

    def __init__(
        self,
        device: Device,
        rows: LearningRows,
        put: Any,
        free: Any,
        histories: Mapping[str, Buffer] | None = None,
    ) -> None:
        self.device, self.rows, self._put, self._free = device, rows, put, free
        self.arrays: dict[str, Buffer] = dict(histories or {})
        self._targets = [bundle.blocks[b].targets for bundle, b in rows.pairs]
        self._pairs = rows.arrays["pairs"].reshape(-1, tables.PAIR)
        self.row_ends = {
            i: bundle.blocks[b].starts[bundle.blocks[b].rows].astype(np.int64)
            for i, (bundle, b) in enumerate(rows.pairs)
        }
        each = max(1.0, rows.synapses / max(1, rows.units))
        self.group = min(5, max(0, round(np.log2(each) + 0.3)))
        self.longest, self.units, self.synapses = rows.longest, rows.units, rows.synapses
        self.kept = rows.arrays["kept"].size // tables.KEPT
        try:
            for name, values in rows.arrays.items():
                self.arrays[f"_{name}"] = put(_NAMES.get(name, name), values)
            rows.arrays = {}
            for name, values in {} if histories else self._empty().items():
                self.arrays[name] = put("spike histories", values)
        except BaseException:
            self._leave(histories or {})
            self.close()
            raise

    @property
    def values(self) -> dict[str, Any]:
        """What the kernels take, by name."""
        rows = self.rows
        return {
            **self.arrays, "_count": np.int64(len(rows.pairs)), "_most": np.int64(rows.most),
            "_source_stride": np.int64(rows.lines.source.stride),
            "_target_stride": np.int64(rows.lines.target.stride),
            "_source_depth": np.int64(rows.lines.source.depth),
            "_target_depth": np.int64(rows.lines.target.depth),
            "_watched": np.int64(rows.lines.watched), "_group": np.int64(self.group),
            "_modulated": np.int64(self.modulated),
        }  # fmt: skip

    @property
    def modulated(self) -> int:
        """How many modulators there are."""
        return 0 if self.rows.modulators is None else self.rows.modulators.count

    def learned(
        self,
        bundle: Bundle,
        b: int,
        clock: int,
        rows: tuple[int, int] | None,
        raw: bool = False,
    ) -> dict[str, np.ndarray] | None:
        """Return a block's weights ("w") and variables as of now; None if none are here.

        Args:
            bundle: whose; ``b``: number of the block.
            clock: steps done.
            rows: the first source whose synapses are returned, and the end; None: all.
            raw: whether variables are as their last event left them, not as of now.
        """
        if (bundle, b) not in self.rows.pairs or not self.rows.spec.rule.learns:
            return None
        pair = self.rows.pairs.index((bundle, b))
        real, names = np.dtype(self.rows.spec.real), ("w", *self.rows.spec.rule.variables)
        ends = self.row_ends[pair]
        first, last = rows or (0, ends.size - 1)
        begin = int(ends[first])
        result = {name: np.empty(int(ends[last]) - begin, real) for name in names}
        longest = int(np.diff(ends[first : last + 1]).max(initial=0))
        size = max(1, longest, min(PIECE, result["w"].size))
        outs = {name: self._put("weights as of now", np.zeros(size, real)) for name in names}
        try:
            for row0, row1 in _pieces(ends, first, last, size):
                self._settle(pair, row0, row1, clock, outs, raw=raw)
                part = slice(int(ends[row0]) - begin, int(ends[row1]) - begin)
                for name, out in outs.items():
                    result[name][part] = self.device.read(out, part.stop - part.start)
        finally:
            for out in outs.values():
                self._free(out)
        return result

    def restart(self, clock: int) -> None:
        """Keep weights as of now; histories, and variables that events change, start anew.

        Args:
            clock: steps done.
        """
        rows = self.rows
        if rows.spec.rule.learns:
            self._keep(clock)
        self._pairs[:, [tables.PAIR_MARK, tables.PAIR_SINCE]] = NEVER
        self._tell()
        for name, values in self._empty().items():
            self.device.write(self.arrays[name], values)
        self.device.write(self.arrays["_over"], np.zeros(len(rows.pairs), np.int32))

    def wrong(self) -> list[tuple[Bundle, int]]:
        """Return what could not be used of the rule's results since the last time, as bits."""
        bits = np.array(self.device.read(self.arrays["_over"]))
        if bits.any():
            self.device.write(self.arrays["_over"], np.zeros(len(self.rows.pairs), np.int32))
        return [(self.rows.pairs[i][0], int(bits[i])) for i in np.flatnonzero(bits)]

    def _keep(self, clock: int) -> None:
        """Write weights as of now where they are; variables that events change start anew."""
        rows = self.rows
        names = ("w", *rows.spec.rule.variables)
        own = dict(zip(names, (self.arrays["_weights"], *self._variables()), strict=True))
        for pair, ends in self.row_ends.items():
            self._settle(pair, 0, ends.size - 1, clock, own, int(rows.first_synapse[pair]))
        for pair, (bundle, _) in enumerate(rows.pairs):
            rule = bundle.projections[0].plasticity
            assert rule is not None
            size = int(np.diff(rows.first_synapse)[pair])
            for name in rule.changing:
                values = np.full(size, rule.start(name), rows.spec.real)
                self._write(self.arrays[f"_all_v_{name}"], values, int(rows.first_synapse[pair]))

    def mark(self, bundle: Bundle, clock: int) -> None:
        """Let all events up to now count as done in a bundle's weights."""
        for pair, (own, _) in enumerate(self.rows.pairs):
            if own is bundle:
                self._pairs[pair, [tables.PAIR_MARK, tables.PAIR_SINCE]] = clock - 1
        self._tell()

    @property
    def pairs(self) -> np.ndarray:
        """The table of pairs, int32 (pairs, tables.PAIR), not to be changed."""
        return self._pairs

    def take_marks(self, marks: Mapping[Bundle, tuple[int, int, int]], clock: int) -> None:
        """Take over how far bundles are, all spikes up to now having acted.

        Args:
            marks: of each bundle PAIR_MARK, PAIR_SINCE and PAIR_FROZEN.
            clock: steps done.
        """
        for pair, (own, _) in enumerate(self.rows.pairs):
            if own in marks:
                columns = [tables.PAIR_MARK, tables.PAIR_SINCE, tables.PAIR_FROZEN]
                self._pairs[pair, columns] = marks[own]
        self._tell()
        self.device.write(self.arrays["_state"], np.array([clock - 1, 0], np.int32))

    def rewrite(self, bundle: Bundle) -> None:
        """Take a bundle's weights and variables over from the wiring."""
        for pair, (own, b) in enumerate(self.rows.pairs):
            if own is not bundle:
                continue
            blocks, first = bundle.blocks[b], int(self.rows.first_synapse[pair])
            assert blocks.weights is not None
            self._write(self.arrays["_weights"], blocks.weights, first)
            for name in self.rows.spec.rule.variables:
                self._write(self.arrays[f"_all_v_{name}"], blocks.variables[name], first)

    def fits(self, bundle: Bundle) -> bool:
        """Tell whether a bundle's synapses are those that it had, and learn."""
        return self.rows.spec.rule.learns and all(
            bundle.blocks[b].targets is self._targets[pair]
            for pair, (own, b) in enumerate(self.rows.pairs) if own is bundle
        )  # fmt: skip

    def kept_weights(self, bundle: Bundle | None) -> list[dict[str, np.ndarray] | None]:
        """Return what the device has of each pair: weights ("w") and variables; None: bundle's."""
        result: list[dict[str, np.ndarray] | None] = [
            None if own is bundle else {} for own, _ in self.rows.pairs
        ]
        if not self.rows.spec.rule.learns:
            return [None] * len(result)
        for name in ("w", *self.rows.spec.rule.variables):
            buffer = self.arrays["_weights" if name == "w" else f"_all_v_{name}"]
            values = np.array(self.device.read(buffer))
            for kept, part in zip(
                result, np.split(values, self.rows.first_synapse[1:-1]), strict=True
            ):
                if kept is not None:
                    kept[name] = part
        return result

    def rekey(self) -> None:
        """Take notice of another noise seed: random numbers of synapses have other keys."""
        for pair, (bundle, _) in enumerate(self.rows.pairs):
            self._pairs[pair, [tables.PAIR_KEY0, tables.PAIR_KEY1]] = keys_of(bundle)
        self._tell()

    def replaced(self, rows: LearningRows, early: bool = False) -> "Learning":
        """Return the same with other rows; histories stay, and what is marked or frozen.

        Args:
            rows: the others.
            early: whether buffers are given back first, which takes less memory; otherwise all is
                as it was if this fails.
        """
        old = self._pairs
        table = rows.arrays["pairs"].reshape(-1, tables.PAIR)
        for column in (tables.PAIR_MARK, tables.PAIR_FROZEN, tables.PAIR_SINCE):
            table[:, column] = old[:, column]
        rows.arrays["over"] = np.array(self.device.read(self.arrays["_over"]))
        names = ["_pre", "_post", "_state"]
        if self.rows.modulators is not None:
            names += self.rows.modulators.start()
        lines = {
            "_pre": (rows.lines.source, self.rows.lines.source, "pre"),
            "_post": (rows.lines.target, self.rows.lines.target, "post"),
        }
        grown = {}
        for name, (line, was, which) in lines.items():
            held = rows.held[which]
            if held and (line != was or held != self.rows.held[which]):
                words = np.array(self.device.read(self.arrays[name])).reshape(-1, was.stride)
                empty = line.empty(rows.starts[which]).reshape(-1, line.stride)
                used = was.depth * was.entry
                for (new, count), (first, _) in zip(held, self.rows.held[which], strict=True):
                    empty[new : new + count, :used] = words[first : first + count, :used]
                grown[name] = empty.reshape(-1)
        kept = {name: self.arrays[name] for name in names if name not in grown}
        if early:
            self._leave(kept)
            self.close()
        made: dict[str, Buffer] = {}
        try:
            for name, values in grown.items():
                made[name] = self._put("spike histories", values)
            result = Learning(self.device, rows, self._put, self._free, {**kept, **made})
        except BaseException:
            for buffer in made.values():
                self._free(buffer)
            raise
        self._leave(kept)
        self.close()
        return result

    def _leave(self, histories: Mapping[str, Buffer]) -> None:
        """Let another one have some buffers."""
        self.arrays = {name: b for name, b in self.arrays.items() if name not in histories}

    def level(self, bundle: Bundle, value: float | None, other: float) -> float:
        """Return the level of a bundle's modulator, set if ``value`` is one; ``other``: no such."""
        modulators = self.rows.modulators
        pairs = [i for i, (own, _) in enumerate(self.rows.pairs) if own is bundle]
        if modulators is None or not pairs:
            return other
        levels = np.array(self.device.read(self.arrays["_levels"]))
        place = modulators.of[pairs[0]] * tables.LEVEL + tables.LEVEL_NOW
        if value is not None:
            levels[place] = value
            self.device.write(self.arrays["_levels"], levels)
        return float(levels[place])

    def freeze(self, bundle: Bundle, frozen: bool) -> None:
        """Let a bundle's weights stay as they are, or learn again."""
        mine = [own is bundle for own, _ in self.rows.pairs]
        self._pairs[mine, tables.PAIR_FROZEN] = frozen
        self._tell()

    def close(self) -> None:
        """Give the buffers back."""
        for buffer in self.arrays.values():
            self._free(buffer)
        self.arrays = {}

    def launch(self, kernel: Kernel, values: Mapping[str, Any], threads: int) -> None:
        """Launch a kernel on so many threads."""
        known = {"_first": np.int64(0), "_last": np.int64(0), **values}
        arguments = [known[a.name] for a in kernel.spec.arguments]
        self.device.launch(kernel, arguments, [(0, threads)])

    def threads(self, rows: int) -> int:
        """Return the threads that go through so many rows."""
        block = self.device.block
        blocks = max(
            1, min(self.device.resident_threads // block, -(-(rows << self.group) // block))
        )
        return blocks * block

    def _settle(
        self,
        pair: int,
        row0: int,
        row1: int,
        clock: int,
        outs: Mapping[str, Buffer],
        shift: int = 0,
        raw: bool = False,
    ) -> None:
        """Write a pair's weights and variables as of now, of some rows, into other arrays.

        Args:
            shift: where the pair's first synapse goes; ``outs`` begin at the first row's first.
            raw: as for ``learned``.
        """
        first = int(self.rows.first_synapse[pair] + self.row_ends[pair][row0])
        kernel = self.device.kernel(learn_routines.settle_rows(self.rows.spec))
        values = {
            **self.values, "_out_w": outs["w"],
            **{f"_out_v_{name}": out for name, out in outs.items()},
            "_now": np.int64(clock - 1), "_only": np.int64(pair), "_row0": np.int64(row0),
            "_row1": np.int64(row1), "_offset": np.int64(first - shift), "_raw": np.int64(raw),
        }  # fmt: skip
        self.launch(kernel, values, self.threads(row1 - row0))

    def _empty(self) -> dict[str, np.ndarray]:
        """Return histories without spikes."""
        rows = self.rows
        post = rows.lines.target.empty(rows.starts["post"])
        return {
            "_pre": rows.lines.source.empty(rows.starts["pre"]),
            "_post": post if post.size else np.zeros(1, np.int32),
            "_state": np.array([START, 0], np.int32),
            **({} if rows.modulators is None else rows.modulators.start()),
        }

    def _variables(self) -> list[Buffer]:
        return [self.arrays[f"_all_v_{name}"] for name in self.rows.spec.rule.variables]

    def _write(self, buffer: Buffer, values: np.ndarray, first: int) -> None:
        """Write values into a part of a buffer."""
        kernel = self.device.kernel(learn_routines.put_values(self.rows.spec.real))
        staging = self._put("new weights", np.zeros(min(PIECE, values.size), buffer.dtype))
        try:
            for at in range(0, values.size, PIECE):
                part = values[at : at + PIECE]
                self.device.write(staging, part)
                known = {"_to": buffer, "_from": staging, "_offset": np.int64(first + at)}
                self.launch(kernel, known, part.size)
        finally:
            self._free(staging)

    def _tell(self) -> None:
        """Write the table of pairs to the device, once what is under way there is done."""
        self.device.synchronize()
        self.device.write(self.arrays["_pairs"], self._pairs.reshape(-1))


_NAMES = {
    "weights": "weights that learn", "targets": "targets", "pairs": "tables", "rows": "rows",
    "starts": "starts", "delays": "delays", "reals": "tables", "kept": "tables",
    "listed": "tables", "pairs_of": "tables", "listed_of": "tables",
}  # fmt: skip


def _pieces(ends: np.ndarray, first: int, last: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of some rows, of up to so many synapses each."""
    row = first
    while row < last and ends[row] < ends[last]:
        stop = min(last, int(np.searchsorted(ends, ends[row] + size, side="right")) - 1)
        yield row, stop
        row = stop
