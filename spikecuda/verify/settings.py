"""How much is checked."""

from dataclasses import dataclass

from spikecuda.verify.cases import MODELS, PRECISIONS, Case, all_cases

# Across the borders of a warp, a block and a chunk of the CPU.
SIZES = (1, 31, 32, 33, 127, 128, 129, 1023, 1024, 1025, 4099)
BLOCKS = (32, 64, 128, 256, 512, 1024)
SPLITS = ((64,), (1, 31, 32), (1,) * 8 + (56,))


@dataclass(frozen=True)
class Settings:
    """What is checked and timed.

    Attributes:
        level: "full" or "quick".
        cases: kernels that are compared with the CPU, each at ``neurons`` in ``splits``.
        varied: those that are also compared in every size, batch, split, window and block.
        neurons: size of a case.
        sizes, batches, splits, blocks: what is varied; batches in neurons, splits in steps.
        replayed: steps of a run of many windows of 16 steps, which replays a captured graph.
        sanitise: whether to look for faulty memory accesses.
        speed_sizes: populations that are timed.
        speed_blocks: threads per block that are timed.
        speed_steps: steps per launch that are timed.
        speed_base: population and steps per launch where nothing else is varied.
        speed_models, speed_precisions: kernels that are timed.
        seconds: of each timing, on a GPU.
        repeats: timings of each point.
        budget: seconds from the start after which no further case is compared.
        limit: seconds from the start after which no further point is timed.
    """

    level: str
    cases: tuple[Case, ...]
    varied: tuple[Case, ...]
    neurons: int = 1025
    sizes: tuple[int, ...] = SIZES
    batches: tuple[int, ...] = (32, 96, 1000)
    splits: tuple[tuple[int, ...], ...] = SPLITS
    blocks: tuple[int, ...] = BLOCKS
    replayed: int = 100
    sanitise: bool = True
    speed_sizes: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
    speed_blocks: tuple[int, ...] = BLOCKS
    speed_steps: tuple[int, ...] = (1, 4, 16, 64, 256)
    speed_base: tuple[int, int] = (1_000_000, 64)
    speed_models: tuple[str, ...] = MODELS
    speed_precisions: tuple[str, ...] = PRECISIONS
    seconds: float = 0.02
    repeats: int = 5
    budget: float = 170.0
    limit: float = 285.0


def settings_for(quick: bool, emulated: bool) -> Settings:
    """Return the settings of a level.

    Args:
        quick: fewer kernels and points.
        emulated: for a device in software: small populations, and no more timing than shows that
            it works.
    """
    full = all_cases()
    rich = tuple(c for c in full if c.structure == "everything")
    if not quick and not emulated:
        return Settings("full", full, rich)
    level = "quick" if quick else "full"
    if not emulated:
        some = tuple(c for c in full if c.default and c.structure in ("bias", "everything"))
        return Settings(
            level, some, tuple(c for c in some if c.structure == "everything"),
            speed_sizes=(10_000, 1_000_000, 10_000_000), speed_blocks=(64, 128, 256),
            speed_steps=(1, 16, 64), repeats=3, budget=60.0, limit=120.0,
        )  # fmt: skip
    # Compiling takes most of the time here: few kernels, most kinds of input among them.
    sample = (
        Case("adex", "euler", "float32", "bias"),
        Case("lif", "exact", "float16", "noise"),
        Case("izhikevich", "half_steps", "float64", "poisson"),
    )
    return Settings(
        level, sample if quick else full, sample[:1] if quick else rich, neurons=129,
        sizes=(1, 33, 257), batches=(64,), splits=((20,), (1, 19)), blocks=(32, 256),
        speed_sizes=(1_000,), speed_blocks=(64,), speed_steps=(4,), speed_base=(1_000, 16),
        speed_models=("adex",), speed_precisions=("float32",), seconds=0.0, repeats=2,
        budget=7200.0, limit=7200.0,
    )  # fmt: skip
