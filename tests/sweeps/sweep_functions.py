"""Functions that tests sweep; workers import them."""

import os
import signal
import sys
import time

import numpy as np

OFFSET = 1.0


def helped(x):
    return x + OFFSET


def add(a, b=0):
    return {"sum": a + b, "process": os.getpid()}


def one(a):
    return a * a


def sometimes(a):
    if a % 3 == 0:
        raise ValueError(f"a must not be a multiple of 3 (got {a})")
    return helped(a)


def dies(a):
    if a == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if a == 3:
        sys.exit("enough")
    if a == 4:
        os._exit(7)
    return a


def slow(a):
    time.sleep(0.2 if a < 3 else 60.0)
    return a


def logged(a):
    with open("log", "a", encoding="utf-8") as log:
        log.write(f"{a}\n")
    time.sleep(0.1)
    return a * a


def arrays(a, seed):
    rng = np.random.default_rng(seed)
    return {"noise": rng.normal(a, 1.0, 3), "nan": float("nan"), "pair": (a, None), "$x": {"$y": 1}}


def unsendable(a):
    return {"it": lambda: a} if a else {"it": 1}


def taken(a):
    return {"a": a}


def network(g):
    from spikecuda import Network

    with Network(devices="cpu") as net:
        net.population("E", 40_000, "lif")
        net.drive("E", float(g))
        net.run(1.0)
        return {"threads": net.metrics().threads, "omp": os.environ.get("OMP_NUM_THREADS")}


def compiled(a):
    """Return which functions that the cache keeps this process compiled to run a pool."""
    from numba.core import event

    from spikecuda import GPUNeuronPool
    from spikecuda.kernels.compile.numba_cache import FunctionCache

    names = []

    class Listen(event.Listener):
        def on_start(self, event):
            if isinstance(event.data["dispatcher"]._cache, FunctionCache):
                names.append(f"{event.data['dispatcher'].__name__} {event.data['args']}")

        def on_end(self, event):
            pass

    with event.install_listener("numba:compile", Listen()), GPUNeuronPool(32, device="cpu") as pool:
        pool.run(50.0, input=400.0 + a)
    return {"compiled": names}
