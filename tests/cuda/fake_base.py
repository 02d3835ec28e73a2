"""What the fakes of cuda.core share: a GPU, and checked calls."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spikecuda import emu

if TYPE_CHECKING:
    from fake import Fake
    from fake_memory import MemoryPool
    from fake_streams import Stream


@dataclass
class Gpu:
    """One GPU: its memory pools and its emulated twin."""

    fake: Fake
    number: int
    capability: tuple[int, int]

    def __post_init__(self) -> None:
        minor = 6 if self.capability == (8, 7) else self.capability[1]
        known = (self.capability[0], minor) in emu.ARCHITECTURES
        cc = (self.capability[0], minor) if known else (9, 0)
        self.memory = emu.Device(cc=cc, mode=self.fake.mode, seed=self.fake.seed)
        self.pools: list[MemoryPool] = []
        self.streams: dict[int, Stream] = {}  # by handle
        self.context = object()  # its primary context

    @property
    def free(self) -> int:
        """Bytes that no pool holds."""
        return self.fake.total - sum(pool.reserved for pool in self.pools)


class Object:
    """Base of the fakes: ``api`` methods are checked, recorded and may fail."""

    def __init__(self, fake: Fake, gpu: Gpu) -> None:
        self.fake, self.gpu = fake, gpu


def api(method: Callable[..., Any]) -> Callable[..., Any]:
    """Check, record and run a method of the fake class that cuda.core has under the same name."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        name = f"{STUBS.get(type(self).__name__, type(self).__name__)}.{method.__name__}"
        self.fake.call(name, args, kwargs, self)
        return method(self, *args, **kwargs)

    return call


STUBS = {
    "MemoryPool": "DeviceMemoryResource",
    "PinnedMemory": "LegacyPinnedMemoryResource",
    "PinnedBuffer": "Buffer",
}
