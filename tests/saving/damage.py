"""Small saved pools and networks, and what is read of a file without building anything."""

import io
import zipfile

import numpy as np

from spikecuda import Constant, GPUNeuronPool, Poisson, Uniform
from spikecuda.network import ExpCurrent, FixedProbability, Network
from spikecuda.network.saving.network_file import SavedNetwork
from spikecuda.plasticity import STDP
from spikecuda.saving.save_file import read_save, using


def small_pool(**options):
    initial = {"v": Uniform(-70.0, -55.0)}
    pool = GPUNeuronPool(33, "lif", device="cpu", threads=1, initial=initial, **options)
    pool.drive(Constant(400.0))
    return pool


def small_network(**options):
    net = Network(seed=2, **{"devices": "cpu", "threads": 1, **options})
    net.population("E", 40, "lif", initial={"v": Uniform(-70.0, -55.0)},
                   receptors={"exc": ExpCurrent(5.0)})  # fmt: skip
    net.connect("E", "E", FixedProbability(0.2), 40.0, 1.5, plasticity=STDP(w_max=80.0))
    net.drive("E", Poisson(rate=5000.0, weight=60.0))
    return net


def content(path, kind):
    """Return all that a file says, checked as by ``load``, before anything is built."""
    if kind == "pool":
        saved = read_save(path, kind)
    else:
        found = SavedNetwork(path, ())
        with using(found.saved):
            found.read()
        saved = found.saved
    arrays = {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in saved.arrays.items()}
    return saved.description, arrays


def members(path):
    """Return a file's members, bytes by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, parts):
    """Write a file of members, with checksums that fit."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def npy(array):
    """Return an array as a member."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()
