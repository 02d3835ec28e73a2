"""Occupancy: how many warps of a kernel fit on a multiprocessor.

Limits: CUDA C++ Programming Guide 13, "Compute Capabilities", table "Technical Specifications";
allocation units: CUDA Occupancy Calculator in the same toolkit.
"""

from dataclasses import dataclass

from spikecuda.errors import SpikecudaValueError

WARP, REGISTER_UNIT, WARP_GRANULARITY, MAX_REGISTERS = 32, 256, 4, 255


@dataclass(frozen=True)
class Limits:
    """What a multiprocessor has.

    Attributes:
        warps: resident warps.
        blocks: resident blocks.
        shared: bytes of shared memory.
        reserved: bytes of it that the system takes for each block.
        registers: 32-bit registers.
        shared_unit: shared memory is given out in multiples of this, in bytes.
    """

    warps: int
    blocks: int
    shared: int
    reserved: int = 1024
    registers: int = 65536
    shared_unit: int = 128


LIMITS = {
    (7, 5): Limits(32, 16, 64 * 1024, reserved=0, shared_unit=256),
    (8, 0): Limits(64, 32, 164 * 1024),
    (8, 6): Limits(48, 16, 100 * 1024),
    (8, 9): Limits(48, 24, 100 * 1024),
    (9, 0): Limits(64, 32, 228 * 1024),
    (10, 0): Limits(64, 32, 228 * 1024),
    (12, 0): Limits(48, 24, 100 * 1024),
}


@dataclass(frozen=True)
class Occupancy:
    """The result.

    Attributes:
        blocks: resident blocks per multiprocessor.
        warps: resident warps per multiprocessor.
        fraction: of the warps that fit at most.
        limits: what allows no more: "warps", "blocks", "registers", "shared memory".
    """

    blocks: int
    warps: int
    fraction: float
    limits: tuple[str, ...]


def occupancy(cc: tuple[int, int], registers: int, block: int, shared: int = 0) -> Occupancy:
    """Return how many blocks and warps of a kernel a multiprocessor holds at once.

    Args:
        cc: compute capability.
        registers: per thread.
        block: threads per block.
        shared: bytes of shared memory per block.

    Raises:
        SpikecudaValueError: unknown compute capability, or values that no launch can have.
    """
    if cc not in LIMITS:
        raise SpikecudaValueError(f"cc must be one of {', '.join(map(str, LIMITS))} (got {cc})")
    if not 1 <= registers <= MAX_REGISTERS:
        raise SpikecudaValueError(f"registers must be from 1 to {MAX_REGISTERS} (got {registers})")
    if not 1 <= block <= 1024:
        raise SpikecudaValueError(f"block must be from 1 to 1024 threads (got {block})")
    if shared < 0:
        raise SpikecudaValueError(f"shared must be >= 0 bytes (got {shared})")
    have = LIMITS[cc]
    warps = -(-block // WARP)
    per_warp = -(-registers * WARP // REGISTER_UNIT) * REGISTER_UNIT
    by_registers = have.registers // per_warp // WARP_GRANULARITY * WARP_GRANULARITY
    per_block = -(-(shared + have.reserved) // have.shared_unit) * have.shared_unit
    fits = {
        "warps": have.warps // warps,
        "blocks": have.blocks,
        "registers": by_registers // warps,
        "shared memory": have.shared // per_block if per_block else have.blocks,
    }
    blocks = min(fits.values())
    limits = tuple(name for name, most in fits.items() if most == blocks)
    return Occupancy(blocks, blocks * warps, blocks * warps / have.warps, limits)
