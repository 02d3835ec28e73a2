"""Published figures of GPUs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GPU:
    """A GPU as its maker describes it.

    Attributes:
        name: product.
        cc: compute capability.
        multiprocessors: that are enabled.
        clock: boost clock, MHz.
        bandwidth: of its memory, GB/s (1e9 bytes).
        l2: cache, MB (1e6 bytes).
        source: where the figures are published.
    """

    name: str
    cc: tuple[int, int]
    multiprocessors: int
    clock: float
    bandwidth: float
    l2: float
    source: str


GPUS = (
    GPU(
        "RTX 3060", (8, 6), 28, 1777.0, 360.0, 3.0,
        "NVIDIA GeForce RTX 3060 specifications (3584 cores, 1.78 GHz, 192-bit 15 Gb/s); NVIDIA "
        "Ampere GA102 whitepaper v2",
    ),
    GPU(
        "RTX 4090", (8, 9), 128, 2520.0, 1008.0, 72.0,
        "NVIDIA GeForce RTX 4090 specifications (16384 cores, 2.52 GHz, 384-bit 21 Gb/s); NVIDIA "
        "Ada GPU architecture whitepaper v2.02",
    ),
    GPU(
        "A100", (8, 0), 108, 1410.0, 2039.0, 40.0,
        "NVIDIA A100 whitepaper v1.0, table 1; A100 datasheet (SXM4, 80 GB)",
    ),
    GPU(
        "H100", (9, 0), 132, 1980.0, 3350.0, 50.0,
        "NVIDIA H100 whitepaper v1.04, table 3; H100 datasheet (SXM5, 80 GB; 67 float32 TFLOPS)",
    ),
    GPU(
        "H200", (9, 0), 132, 1980.0, 4800.0, 50.0,
        "NVIDIA H200 datasheet (SXM, 141 GB; 67 float32 TFLOPS, hence H100's clock)",
    ),
    GPU(
        "B200", (10, 0), 148, 1965.0, 8000.0, 126.0,
        "NVIDIA Blackwell architecture technical brief; multiprocessors, clock and L2: TechPowerUp "
        "GPU database",
    ),
)  # fmt: skip


def gpu(name: str) -> GPU:
    """Return a GPU by name, in any case and with or without blanks.

    Raises:
        SpikecudaValueError: not in the table.
    """
    from spikecuda.errors import SpikecudaValueError, nearest

    def plain(text: str) -> str:
        return text.lower().replace(" ", "")

    for known in GPUS:
        if plain(known.name) == plain(name):
            return known
    names = [known.name for known in GPUS]
    raise SpikecudaValueError(
        f"gpu must be one of {', '.join(names)} (got {name!r}){nearest(name, names)}"
    )
