"""The processes of an MPI job, as a network needs them: through mpi4py, which is loaded here only.

Every process ("rank") runs the same script.  Whatever is collective is called by all of them in
the same order.
"""

import atexit
import contextlib
import ctypes
import functools
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from spikecuda.common.checksum import checksum
from spikecuda.common.interrupt import held_interrupt
from spikecuda.errors import DeviceError, SpikecudaError, SpikecudaValueError
from spikecuda.network.ranks.library import library_of
from spikecuda.network.ranks.patience import Watch, patience
from spikecuda.network.ranks.told import (
    as_error,
    as_message,
    end_all_on_error,
    is_known,
    mark_known,
)

INSTALL = (
    'pip install "spikecuda[mpi]", and "pip install mpich" unless the machine has an MPI; start '
    "the script by mpiexec -n 4 python script.py"
)

# What processes do together; they tell each other which of these they are about to do.
BUILD, RUN, READ, SAVE, END, FAIL = range(6)
DOING = (
    "builds a network", "runs a network", "reads or sets state or weights",
    "saves or loads a network", "has ended", "raised an error",
)  # fmt: skip


@functools.cache
def all_ranks() -> "Ranks":
    """Return the processes of the job; networks share one communicator."""
    return Ranks()


def first_of(ranks: "Ranks") -> Callable[[Any], Any]:
    """Return what tells all processes a small value of rank 0; they call it together."""
    return lambda value: ranks.each(value)[0]


def _whole(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let Ctrl-C not act within a method, between the messages that others wait for.

    It does not wait for others for ever.
    """

    @functools.wraps(method)
    def held(self: "Ranks", *args: Any, **options: Any) -> Any:
        with self.held():
            self.watch.waiting += 1
            try:
                return method(self, *args, **options)
            finally:
                self.watch.waiting -= 1

    return held


class Ranks:
    """The processes of the job.

    Attributes:
        rank: number of this one.
        count: how many there are.
        here: how many run on this machine; ``number_here``: of this one among them.
        doing: what this one does.
        apart: what went wrong when processes did different things: they never meet again.
        piece: steps of a run before its next piece, and of the run.
        run: number of the next run, the same in all.
        largest: bytes of a message at most; a count of MPI is an int.
        watch: ends this process if it waits for others too long.

    Raises:
        DeviceError: mpi4py or an MPI is missing.
    """

    doing, apart, complete, largest, piece, run = BUILD, "", True, 2**31 - 1, (0, 0), 0

    def __init__(self) -> None:
        try:
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise DeviceError(
                f'devices="mpi" needs mpi4py and an MPI ({reason}); {INSTALL}'
            ) from None
        self._mpi = MPI
        if MPI.Query_thread() < MPI.THREAD_SERIALIZED:
            raise DeviceError(
                "MPI must allow calls from any thread (got a level below THREAD_SERIALIZED); leave "
                "mpi4py.rc.thread_level at its default"
            )
        self.rank, self.count = MPI.COMM_WORLD.rank, MPI.COMM_WORLD.size
        self._meetings = 0
        # What this process raised, which the others are told when they next meet.
        self._untold: tuple[Any, ...] | None = None
        self._release: Callable[[], None] | None = None
        seconds = patience() if self.count > 1 else 0.0
        self.watch = Watch(
            seconds, lambda: self._meetings,
            lambda: f"rank {self.rank} of {self.count}, which {DOING[self.doing]},",
        )  # fmt: skip
        if self.count > 1:
            end_all_on_error(self.rank, self.count)
        # Others may have failed before they come here.
        self.watch.waiting += 1
        # A communicator of its own: nothing that a script sends is mistaken for ours.
        self._comm = MPI.COMM_WORLD.Dup()
        # An error in native code cannot be told to Python; it ends all processes.
        self._comm.Set_errhandler(MPI.ERRORS_ARE_FATAL)
        on_machine = self._comm.Split_type(MPI.COMM_TYPE_SHARED)
        self.here, self.number_here = on_machine.size, on_machine.rank
        on_machine.Free()
        self.watch.waiting -= 1
        if self.count > 1:
            atexit.register(self._leave)

    # What native code calls.

    @functools.cached_property
    def handles(self) -> tuple[int, int]:
        """The communicator and the type of an int32, as numbers that C functions take."""
        return self._handle(self._comm), self._handle(self._mpi.INT32_T)

    def function(self, name: str) -> int:
        """Return the address of one of MPI's functions."""
        library = ctypes.CDLL(library_of(self._mpi.__file__))
        return int(ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0)

    def _handle(self, thing: Any) -> int:
        """Return a handle: a pointer in Open MPI, an int in MPICH."""
        kind = ctypes.c_void_p if self._mpi._sizeof(type(thing)) == 8 else ctypes.c_int
        return int(kind.from_address(self._mpi._addressof(thing)).value or 0)

    # Ctrl-C, which one process may see alone.

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold Ctrl-C back over what processes do together, except where ``interrupted`` is called.

        A second Ctrl-C acts at once.
        """
        if self._release is not None:
            yield
            return
        with held_interrupt() as release:
            self._release = release
            try:
                yield
            finally:
                self._release = None

    def interrupted(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was held back."""
        if self._release is not None:
            self._release()

    # What Python calls; each is collective.

    def _meet(self, how: str, value: int = 0) -> np.ndarray:
        """Make sure that all processes do the same; return the value of each.

        Args:
            how: what is exchanged, and about what; other processes exchange the same.
            value: what goes with it.

        Raises:
            SpikecudaError: in all of them, if they do not; or in those that did not fail.
        """
        if self.apart:
            raise SpikecudaError(self.apart)
        if self._untold is not None:
            message, self._untold = self._untold, None
            self._exchange("", FAIL)
            self._comm.allgather(message)
        found = self._exchange(how, self.doing, value)
        every = found[:, :3]
        if (every == every[self.rank]).all():
            return found[:, 3]
        if (every[:, 0] == FAIL).any():
            told = enumerate(self._comm.allgather(None))
            who, message = next((r, found) for r, found in told if found)
            raise mark_known(as_error(message, who, self.count))
        other = int(np.flatnonzero((every != every[self.rank]).any(axis=1))[0])
        alike = self.doing == every[other, 0]
        but = ", but another one or another part of it" if alike else ""
        self.apart = (
            f"all processes must make the same calls of a network in the same order (got rank "
            f"{self.rank}, which {DOING[self.doing]}, and rank {other}, which "
            f"{DOING[int(every[other, 0])]}{but}); let nothing but printing and plotting depend on "
            "the rank: read state and weights on all of them"
        )
        raise SpikecudaError(self.apart)

    def _exchange(self, how: str, doing: int, value: int = 0) -> np.ndarray:
        """Return int64 (ranks, 4): what each does, its meetings, a number of ``how``, its value."""
        self._meetings += 1
        every = np.empty((self.count, 4), np.int64)
        mine = [doing, self._meetings, zlib.crc32(how.encode()), value]
        self._comm.Allgather(np.array(mine, np.int64), every)
        return every

    @_whole
    def tell(self, error: BaseException) -> None:
        """Tell the others of an exception of this process alone: they raise where they next meet.

        Nothing is done if all of them know of it.
        """
        if self.apart or is_known(error) or self.count == 1:
            return
        self._exchange("", FAIL)
        self._comm.allgather(as_message(error))
        mark_known(error)

    @contextlib.contextmanager
    def telling(self, later: bool = False) -> Iterator[None]:
        """Tell the others if this process alone raises something in the block.

        Args:
            later: when they next meet, and not now; if nobody catches it, all end before.
        """
        try:
            yield
        except BaseException as error:
            if not later:
                self.tell(error)
            elif not is_known(error) and self.count > 1:
                self._untold = self._untold or as_message(error)
            raise

    @_whole
    def _leave(self) -> None:
        """Tell others that this process ends: those that wait for it raise."""
        self.doing = END
        while not (self._mpi.Is_finalized() or self.apart):
            # What others raise meanwhile, they raise before they end.
            with contextlib.suppress(SpikecudaError, OSError, KeyboardInterrupt, MemoryError):
                self._meet("end")
                return

    @_whole
    def require_alike(self, whose: str, values: Mapping[str, Any]) -> None:
        """Raise unless all processes have the same values.

        Args:
            whose: what they are of: "network", "run", or the name of a projection.
            values: by what they are.

        Raises:
            SpikecudaValueError: in all processes, if they do not.
        """
        mine = {what: checksum(value) for what, value in values.items()}
        total = np.array([checksum(mine)])
        doing, self.doing = self.doing, RUN if whose == "run" else self.doing
        try:
            self._meet(f"alike {whose}")
        finally:
            self.doing = doing
        every = np.empty((self.count, 1), np.int64)
        self._comm.Allgather(total, every)
        if (every == total).all():
            return
        differ, other = self._differing(values)
        raise mark_known(SpikecudaValueError(
            f"the {whose} must be the same in all processes (got other {', '.join(differ[:3])} on "
            f"rank {self.rank} than on rank {other}); run one script, and let nothing in it but "
            "printing and plotting depend on the rank"
        ))  # fmt: skip

    def _differing(self, values: Mapping[str, Any]) -> tuple[list[str], int]:
        """Return names of what differs from another process, and which that is."""
        mine: dict[str, int] = {}
        for what, value in values.items():
            parts = value if isinstance(value, Mapping) and value else {"": value}
            mine |= {
                f"{what} of {part}" if part else what: checksum(v) for part, v in parts.items()
            }
        every = enumerate(self._comm.allgather(mine))
        other, theirs = next(
            ((r, found) for r, found in every if found != mine), (self.rank, dict[str, int]())
        )
        names = {**mine, **theirs}
        return [what for what in names if mine.get(what) != theirs.get(what)], other

    def part(self, total: int) -> tuple[int, int]:
        """Return which of ``total`` things this process does for all: the first, and the end."""
        first, last = (total * r // self.count // 4 * 4 for r in (self.rank, self.rank + 1))
        return first, last if self.rank + 1 < self.count else total

    @_whole
    def least(self, values: np.ndarray) -> np.ndarray:
        """Return the smallest of each number over all processes.

        Args:
            values: int64, or several of float64.
        """
        how = f"least {values.dtype} {values.shape}"
        if values.shape == (1,):
            return self._meet(how, int(values[0])).min(keepdims=True)
        self._meet(how)
        result = np.empty_like(values)
        self._comm.Allreduce(values, result, self._mpi.MIN)
        return result

    @_whole
    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of each number over all processes.

        Args:
            values: int64 or float64.
        """
        self._meet(f"sums {values.dtype} {values.shape}")
        result = np.empty_like(values)
        self._comm.Allreduce(values, result, self._mpi.SUM)
        return result

    def gather(self, mine: np.ndarray, every: np.ndarray) -> None:
        """Fill the rows of ``every`` with what each process has; within a run, where all meet."""
        self.watch.waiting += 1
        self._comm.Allgather(mine, every)
        self.watch.waiting -= 1

    def gather_lists(self, mine: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Return all processes' lists of int64, one after the other; within a run.

        Args:
            mine: of this one.
            sizes: how long each is.
        """
        every = np.empty(int(sizes.sum()), np.int64)
        self._comm.Allgatherv(mine, [every, sizes, np.cumsum(sizes) - sizes, self._mpi.INT64_T])
        return every

    @_whole
    def each(self, value: Any) -> list[Any]:
        """Return what each process has for a small value."""
        self._meet("each")
        return list(self._comm.allgather(value))

    @_whole
    def joined(self, array: np.ndarray, of: str = "") -> list[np.ndarray]:
        """Return each process' 1-D array of the same type; they may differ in length.

        Args:
            array: of this one.
            of: what it is of, the same in all processes.
        """
        self._meet(f"joined {array.dtype} {of}")
        array = np.ascontiguousarray(array)
        sizes, ends = self._sizes(array)
        width = array.itemsize
        result = np.empty(int(ends[-1]), array.dtype)
        if result.nbytes <= self.largest:
            self._comm.Allgatherv(
                [array.view(np.uint8), array.nbytes, self._mpi.BYTE],
                [result.view(np.uint8), sizes * width, (ends - sizes) * width, self._mpi.BYTE],
            )
        else:
            # Large arrays go one after the other, in pieces.
            for r in range(self.count):
                mine = result[ends[r] - sizes[r] : ends[r]]
                if r == self.rank:
                    mine[:] = array
                for part in self._pieces(mine):
                    self._comm.Bcast(part, root=r)
        return np.split(result, ends[:-1])

    @_whole
    def gathered(self, array: np.ndarray, of: str = "") -> list[np.ndarray]:
        """Return in rank 0 each process' 1-D array of the same type; in others nothing.

        Args:
            array: of this one.
            of: what it is of, the same in all processes.
        """
        self._meet(f"gathered {array.dtype} {of}")
        array = np.ascontiguousarray(array)
        sizes, _ = self._sizes(array)
        if self.rank:
            for part in self._pieces(array):
                self._comm.Send(part, 0)
            return []
        result = [array]
        for r in range(1, self.count):
            result.append(np.empty(int(sizes[r]), array.dtype))
            for part in self._pieces(result[r]):
                self._comm.Recv(part, r)
        return result

    def _sizes(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the elements of each process' array, and where each ends if they are joined."""
        sizes = np.empty(self.count, np.int64)
        self._comm.Allgather(np.array([array.size], np.int64), sizes)
        return sizes, np.cumsum(sizes)

    def _pieces(self, array: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the bytes of an array in pieces that a message holds."""
        raw = array.view(np.uint8)
        for first in range(0, raw.size, self.largest):
            yield raw[first : first + self.largest]
