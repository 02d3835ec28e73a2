"""The processes of an MPI job, as a network needs them: through mpi4py, which is loaded here only.

Every process ("rank") runs the same script.  Whatever is collective is called by all of them in
the same order.
"""

import atexit
import contextlib
import ctypes
import functools
import os
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any

import numpy as np

from spikecuda.common.checksum import checksum
from spikecuda.common.interrupt import held_interrupt
from spikecuda.errors import DeviceError, SpikecudaError, SpikecudaValueError

INSTALL = (
    'pip install "spikecuda[mpi]", and "pip install mpich" unless the machine has an MPI; start '
    "the script by mpiexec -n 4 python script.py"
)
# Variables that launchers set: MPICH and Intel, Open MPI, Slurm with PMIx.
SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")


def launched() -> int:
    """Return of how many processes a launcher of MPI made this one; 1: none did."""
    for name in SIZES:
        value = os.environ.get(name, "")
        if value.isdigit():
            return int(value)
    return 1


# Seconds in which a launcher has passed on what a process wrote.
WRITTEN = 0.3
# What processes do together; they tell each other which of these they are about to do.
BUILD, RUN, READ, END = range(4)
DOING = (
    "builds a network", "runs a network", "reads or sets state or weights", "has ended",
)  # fmt: skip


@functools.cache
def all_ranks() -> "Ranks":
    """Return the processes of the job; networks share one communicator."""
    return Ranks()


def _whole(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let Ctrl-C not act within a method, between the messages that others wait for."""

    @functools.wraps(method)
    def held(self: "Ranks", *args: Any, **options: Any) -> Any:
        with self.held():
            return method(self, *args, **options)

    return held


class Ranks:
    """The processes of the job.

    Attributes:
        rank: number of this one.
        count: how many there are.
        here: how many run on this machine.
        doing: what this one does.
        apart: what went wrong when processes did different things: they never meet again.

    Raises:
        DeviceError: mpi4py or an MPI is missing.
    """

    doing, apart, complete = BUILD, "", True

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
        # A communicator of its own: nothing that a script sends is mistaken for ours.
        self._comm = MPI.COMM_WORLD.Dup()
        # An error in native code cannot be told to Python; it ends all processes.
        self._comm.Set_errhandler(MPI.ERRORS_ARE_FATAL)
        self.rank, self.count = self._comm.rank, self._comm.size
        on_machine = self._comm.Split_type(MPI.COMM_TYPE_SHARED)
        self.here = on_machine.size
        on_machine.Free()
        self._meetings = 0
        self._release: Callable[[], None] | None = None
        if self.count > 1:
            end_all_on_error(self.rank, self.count)
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

    def _meet(self, how: str) -> None:
        """Make sure that all processes do the same.

        Args:
            how: what is exchanged, and about what; other processes exchange the same.

        Raises:
            SpikecudaError: in all of them, if they do not.
        """
        if self.apart:
            raise SpikecudaError(self.apart)
        self._meetings += 1
        every = np.empty((self.count, 3), np.int64)
        mine = [self.doing, self._meetings, zlib.crc32(how.encode())]
        self._comm.Allgather(np.array(mine, np.int64), every)
        if (every == every[self.rank]).all():
            return
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

    def _leave(self) -> None:
        """Tell others that this process ends: those that wait for it raise."""
        self.doing = END
        if not self._mpi.Is_finalized():
            with contextlib.suppress(SpikecudaError):
                self._meet("end")

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
        self._meet(f"alike {whose}")
        every = np.empty((self.count, 1), np.int64)
        self._comm.Allgather(total, every)
        if (every == total).all():
            return
        every_one = enumerate(self._comm.allgather(mine))
        other, theirs = next((r, found) for r, found in every_one if found != mine)
        names = {**mine, **theirs}
        differ = [what for what in names if mine.get(what) != theirs.get(what)]
        raise SpikecudaValueError(
            f"the {whose} must be the same in all processes (got other {', '.join(differ[:3])} on "
            f"rank {self.rank} than on rank {other}); run one script, and let nothing in it but "
            "printing and plotting depend on the rank"
        )

    def part(self, total: int) -> tuple[int, int]:
        """Return which of ``total`` things this process does for all: the first, and the end."""
        first, last = (total * r // self.count // 4 * 4 for r in (self.rank, self.rank + 1))
        return first, last if self.rank + 1 < self.count else total

    @_whole
    def least(self, values: np.ndarray) -> np.ndarray:
        """Return the smallest of each number over all processes.

        Args:
            values: int64.
        """
        self._meet(f"least {values.dtype} {values.shape}")
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
        sizes = np.empty(self.count, np.int64)
        self._comm.Allgather(np.array([array.size], np.int64), sizes)
        width = array.itemsize
        ends = np.cumsum(sizes)
        result = np.empty(int(ends[-1]), array.dtype)
        if result.nbytes < 2**31:
            counts, places = sizes * width, (ends - sizes) * width
            self._comm.Allgatherv(
                [array.view(np.uint8), array.nbytes, self._mpi.BYTE],
                [result.view(np.uint8), counts, places, self._mpi.BYTE],
            )
        else:
            # A count of MPI is an int: large arrays go one after the other, in pieces.
            for r in range(self.count):
                mine = result[ends[r] - sizes[r] : ends[r]]
                if r == self.rank:
                    mine[:] = array
                for first in range(0, mine.size, 2**27):
                    self._comm.Bcast(mine[first : first + 2**27].view(np.uint8), root=r)
        return np.split(result, ends[:-1])


def library_of(extension: str) -> str | None:
    """Return the path of the MPI that mpi4py's extension module is linked to; None: look anywhere.

    Args:
        extension: path of the module.
    """
    try:
        with open("/proc/self/maps", encoding="utf-8") as maps:
            paths = {line.split()[-1] for line in maps if "/libmpi" in line}
    except OSError:
        return None
    named = [
        path for path in paths if os.path.basename(path).startswith(("libmpi.so", "libmpi_abi"))
    ]
    return min(named or paths, key=len, default=None)


def end_all_on_error(rank: int, count: int) -> None:
    """Let an exception that nobody catches end all processes: the others would wait for ever."""
    before = sys.excepthook
    if getattr(before, "ends_all", False):
        return

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        from mpi4py import MPI

        if issubclass(kind, KeyboardInterrupt):
            print(f"rank {rank} of {count}: interrupted", file=sys.stderr)
        else:
            traceback.print_exception(kind, error, trace)
            print(f"rank {rank} of {count} failed; all processes end", file=sys.stderr)
        sys.stderr.flush()
        # The launcher passes on what is written until it ends all processes.
        time.sleep(WRITTEN)
        if not MPI.Is_finalized():
            MPI.COMM_WORLD.Abort(130 if issubclass(kind, KeyboardInterrupt) else 1)

    hook.ends_all = True  # type: ignore[attr-defined]
    sys.excepthook = hook
