"""Random numbers: PyNN's own generators."""

from typing import Any

from pyNN.random import NumpyRNG


class NativeRNG(NumpyRNG):
    """NumPy's generator: populations and connections are drawn before they reach the network.

    Args:
        seed: of the generator.
    """

    def __init__(self, seed: int | None = None, **parameters: Any) -> None:
        super().__init__(seed)
