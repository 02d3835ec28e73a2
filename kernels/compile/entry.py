"""Entry points of loops: what is compiled apart, and of which types.

They do not count references to the arrays that they are given, nor to parts of these: their callers
hold the memory.  For a step of a small network that is a twentieth of the time.

Nothing is compiled before it is asked for: see ``compile.cpu``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spikecuda.kernels.compile import numba_cache


@dataclass(frozen=True)
class Loop:
    """A loop that Python calls.

    Attributes:
        function: plain Python in Numba's part of the language.
        signature: its types in Numba's notation.
        allocates: whether it makes arrays: then references are counted.
    """

    function: Callable[..., Any]
    signature: str
    allocates: bool = False

    def compiled(self) -> Any:
        """Return the compiled loop, which compiles nothing more."""
        decorate = numba_cache.compiled(
            self.signature, nogil=True, no_cfunc_wrapper=True, error_model="numpy",
            _nrt=self.allocates,
        )  # fmt: skip
        return decorate(self.function)


@dataclass(frozen=True)
class Pointer:
    """A loop that other loops call by its address, so that each is compiled apart and once.

    Attributes:
        function, signature, allocates: as for ``Loop``; arguments are integers: arrays by their
            addresses.
    """

    function: Callable[..., Any]
    signature: str
    allocates: bool = False

    def compiled(self) -> Any:
        """Return the compiled loop; its ``address`` is good as long as it is referred to."""
        decorate = numba_cache.callback(self.signature, error_model="numpy", _nrt=self.allocates)
        return decorate(self.function)


def loop(signature: str, *, allocates: bool = False) -> Callable[[Callable[..., Any]], Loop]:
    """Decorate a loop that Python calls; see ``Loop``."""
    return lambda function: Loop(function, signature, allocates)


def pointer(signature: str, *, allocates: bool = False) -> Callable[[Callable[..., Any]], Pointer]:
    """Decorate a loop that other loops call; see ``Loop``."""
    return lambda function: Pointer(function, signature, allocates)
