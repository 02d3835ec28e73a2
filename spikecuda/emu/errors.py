"""The exceptions of the emulated device; messages name what, where, the value and the remedy."""

from __future__ import annotations

from ..errors import DeviceError, SpikecudaError, SpikecudaTypeError, SpikecudaValueError


class PTXSyntaxError(SpikecudaValueError):
    """The text is not PTX that the parser understands."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"PTX line {line}: {problem}")
        self.line = line


class UnsupportedPTXError(SpikecudaError, NotImplementedError):
    """The PTX is valid as far as is known, and the emulator refuses to guess at its meaning."""

    def __init__(self, line: int, what: str, remedy: str = "") -> None:
        hint = remedy or (
            "the emulator refuses what it does not fully understand; rewrite the kernel without it"
            " or add the instruction, with its conformance test, to spikecuda.emu.translate"
        )
        super().__init__(f"PTX line {line}: {what} is not supported; {hint}")
        self.line = line


class LaunchError(SpikecudaValueError):
    """A launch's grid, block, shared memory or arguments cannot be used."""


class ArgumentError(SpikecudaTypeError):
    """A kernel argument has a type that cannot be passed."""


class HostError(DeviceError):
    """This machine cannot run the emulator (no JIT, or an instruction that half floats need)."""


class KernelFault(SpikecudaError, RuntimeError):
    """A kernel did something undefined; the launch stopped there.

    Attributes:
        kernel: name of the kernel.
        block: (x, y, z) of the block.
        thread: (x, y, z) of the thread in its block.
        line: line of the PTX text (1 is the first).
        source: that line of PTX.
        address: the address, or None where no memory is involved.
    """

    def __init__(
        self,
        problem: str,
        *,
        kernel: str,
        block: tuple[int, int, int],
        thread: tuple[int, int, int],
        line: int,
        source: str,
        address: int | None = None,
        remedy: str = "",
    ) -> None:
        where = (
            f"kernel {kernel}, block {block}, thread {thread}, PTX line {line}: {source.strip()}"
        )
        super().__init__(f"{problem}\n  at {where}" + (f"\n  {remedy}" if remedy else ""))
        self.kernel, self.block, self.thread = kernel, block, thread
        self.line, self.source, self.address = line, source, address


class MemoryFault(KernelFault):
    """An access outside every allocation, outside its state space, misaligned or read-only."""


class UninitialisedRead(KernelFault):
    """A read of memory that was allocated and never written."""


class DataRace(KernelFault):
    """Two threads touched one address without synchronisation, and one of them wrote."""


class StreamRace(SpikecudaError, RuntimeError):
    """Two pieces of work touched one byte, one of them wrote, and no event orders them.

    Attributes:
        first, second: what they are and in which stream, in the order in which they ran.
        address: of the byte.
    """

    def __init__(self, first: str, second: str, address: int, what: str) -> None:
        super().__init__(
            f"{first} and {second} touch the byte at 0x{address:x} and one writes, but nothing "
            f"orders them; {what}\n  record an event after one of them and let the other's stream "
            "wait for it"
        )
        self.first, self.second, self.address = first, second, address


class DivergentBarrier(KernelFault):
    """A barrier or a warp operation that can never complete: some threads will not arrive."""


class UndefinedResult(KernelFault):
    """An operation whose result PTX leaves undefined (a shuffle from an absent lane, x / 0)."""
