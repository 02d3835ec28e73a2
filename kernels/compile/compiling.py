"""Say once that kernels are being compiled, so that nobody waits without a word."""

import contextlib
import threading
from collections.abc import Iterator

from spikecuda.common.garbage import collect_later
from spikecuda.common.notice import notice
from spikecuda.kernels.compile.cache import cache_dir, is_kept

_said = threading.Event()


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """Say it if something is compiled in here; what comes from the cache is not."""
    if _said.is_set():
        with collect_later():
            yield
        return
    from numba.core import event

    class Compilation(event.Listener):
        def on_start(self, event: object) -> None:
            say()

        def on_end(self, event: object) -> None:
            pass

    with event.install_listener("numba:compile", Compilation()), collect_later():
        yield


def say() -> None:
    """Say that kernels are being compiled, once a process."""
    if not _said.is_set():
        _said.set()
        later = f"read them from {cache_dir()}" if is_kept() else "compile them again"
        notice(
            "compiling kernels for this machine: about 3 s for a pool, 6 s for a network; later "
            f"runs {later}"
        )
