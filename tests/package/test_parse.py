import gc
import sys
import threading
import time

from spikecuda.kernels.language.parse import parse

# Deep enough that a thread is inside a tree most of the time.
SOURCE = "\n".join(
    f"x{i} = f(g(h([a[{i}] + (b * (c - (d / {i}.5))), {{k: v}}])))" for i in range(1500)
)


class Cycle:
    """Garbage whose collection, at any moment, lets another thread run."""

    def __init__(self):
        self.self = self

    def __del__(self):
        time.sleep(0)


def test_threads_may_parse_at_once():
    # With a bare ast.parse CPython 3.11 raises SystemError here.
    failed = []

    def work():
        try:
            for _ in range(2):
                Cycle()
                parse(SOURCE)
        except SystemError as error:
            failed.append(error)

    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(5)
    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*threshold)
    assert not failed
