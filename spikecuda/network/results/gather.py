"""Parts of a result that processes of MPI have are brought together."""

import json
import sys
from typing import Any

import numpy as np

from spikecuda.common.npz import FormatError
from spikecuda.errors import SpikecudaError
from spikecuda.network.results.file import parts_of
from spikecuda.network.results.part import join_parts
from spikecuda.network.results.reader import ResultReader
from spikecuda.network.results.result import NetworkResult


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
    ranks = all_ranks()
    about, arrays = parts_of(result)
    # Names and shapes go first, so that all processes send the same arrays in the same order.
    each = ranks.each((json.dumps(about), {name: array.shape for name, array in arrays.items()}))
    bring = ranks.joined if everywhere else ranks.gathered
    found: list[dict[str, np.ndarray]] = [{} for _ in each]
    for name, array in arrays.items():
        brought = bring(np.ascontiguousarray(array).reshape(-1), f"result {name}")
        for whole, values, (_, shapes) in zip(found, brought, each, strict=False):
            whole[name] = values.reshape(shapes[name])
    if ranks.rank and not everywhere:
        return result
    return join_parts([
        ResultReader(_Held(own), _read(text)).read()
        for own, (text, _) in zip(found, each, strict=True)
    ])  # fmt: skip


def _read(text: str) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(text)
    return about
