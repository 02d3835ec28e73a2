"""Parts of a result that processes of MPI have are brought together."""

import json
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikecuda.common.npz import FormatError
from spikecuda.errors import SpikecudaError
from spikecuda.network.results.file import parts_of
from spikecuda.network.results.part import join_parts
from spikecuda.network.results.reader import ResultReader
from spikecuda.network.results.result import NetworkResult

if TYPE_CHECKING:
    from spikecuda.network.ranks.ranks import Ranks


class _Held:
    """The arrays of a part, as ``ResultReader`` takes them.

    Args:
        arrays: by key.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays = arrays

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def array(self, name: str, kinds: str, ndim: int) -> np.ndarray:
        """Return an array; raise FormatError unless it is of such kinds and dimensions."""
        found = self._arrays.get(name)
        if found is None or found.dtype.kind not in kinds or found.ndim != ndim:
            raise FormatError(f"array {name!r:.80} is missing or of another form")
        return found


def gather(result: NetworkResult, everywhere: bool = True) -> NetworkResult:
    """Return the whole result of which each process has a part; all of them call it together.

    Args:
        result: of this process; one that is whole is returned as it is.
        everywhere: whether all processes get it; else rank 0, and the others what they passed.

    Raises:
        SpikecudaError: this job has not as many processes, or not all have a part of one run.
    """
    part = result.part
    if part is None:
        return result
    if part.ranks == 1:
        return join_parts([result])
    from spikecuda.network.ranks.ranks import all_ranks

    # Whoever made a part has loaded mpi4py; nobody else need have it.
    count = all_ranks().count if "mpi4py" in sys.modules else 1
    if count != part.ranks:
        raise SpikecudaError(
            f"a part is gathered in the job that it was made in, of {part.ranks} processes (got "
            f"part {part.rank} in a job of {count}); save all parts and read them by "
            'NetworkResult.load("name.{rank}.npz")'
        )
    every = exchange(all_ranks(), [result], everywhere)
    return join_parts([found for (found,) in every]) if every else result


def exchange(
    ranks: "Ranks", results: Sequence[NetworkResult], everywhere: bool
) -> list[list[NetworkResult]]:
    """Return the results of each process, which all of them call together.

    Args:
        ranks: the processes.
        results: of this one, which recorded what those of others did.
        everywhere: whether all processes get them; else rank 0, and the others nothing.
    """
    made = [parts_of(result) for result in results]
    # Shapes go first; all processes send the same arrays in the same order.
    told = [(json.dumps(about), {n: a.shape for n, a in arrays.items()}) for about, arrays in made]
    each = ranks.each(told)
    bring = ranks.joined if everywhere else ranks.gathered
    found: list[list[dict[str, np.ndarray]]] = [[{} for _ in own] for own in each]
    for name in made[0][1]:
        mine = np.concatenate([arrays[name].reshape(-1) for _, arrays in made])
        for whole, values, own in zip(found, bring(mine, f"result {name}"), each, strict=False):
            shapes = [listed[name] for _, listed in own]
            ends = np.cumsum([math.prod(shape) for shape in shapes])
            for arrays, part, shape in zip(whole, np.split(values, ends[:-1]), shapes, strict=True):
                arrays[name] = part.reshape(shape)
    if ranks.rank and not everywhere:
        return []
    return [
        [ResultReader(_Held(arrays), _read(text)).read()
         for arrays, (text, _) in zip(whole, own, strict=True)]
        for whole, own in zip(found, each, strict=True)
    ]  # fmt: skip


def _read(text: str) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(text)
    return about
