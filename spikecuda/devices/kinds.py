"""The kinds of device, and how a device's name is read."""

CPU, CUDA, EMULATED, SIMULATED = "cpu", "cuda", "cuda-emu", "cuda-sim"
KINDS = (CPU, CUDA, EMULATED, SIMULATED)


def split_name(name: str) -> tuple[str, int]:
    """Return the kind and the number of a device's name such as "cuda:1"; "cpu" is number 0."""
    kind, _, number = name.partition(":")
    return kind, int(number or 0)


def kind_of(name: str) -> str:
    """Return the kind of device that a name says."""
    return split_name(name)[0]
