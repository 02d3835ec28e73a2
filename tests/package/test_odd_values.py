"""Odd values for every parameter of what is public: each works, or is refused with a reason."""

import concurrent.futures
import inspect
import math
import types
import warnings

import numpy as np
import pytest

import spikecuda
from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem, SpikecudaError, analysis, network
from spikecuda.network import Coupled, Ensemble, ExpCurrent, Network, SpikeTrain

ODD = {
    "none": None, "true": True, "zero": 0, "minus": -1, "half": 0.5, "large": 10**30,
    "nan": math.nan, "inf": math.inf, "complex": 1j, "text": "x", "empty text": "",
    "bytes": b"x", "list": [], "none list": [None], "none twice": [None, None],
    "nested": [[1], [2]],
    "ragged": [[1], [1, 2]], "dict": {}, "odd dict": {1: 2}, "named": {"a": object()},
    "set": {1}, "object": object(), "type": int, "module": types, "function": len,
    "array": np.zeros(3), "2d": np.zeros((2, 2)), "texts": np.array(["a"]), "nans": [math.nan] * 4,
    "objects": np.array([None, 1], object), "range": range(3), "iterator": iter([1]),
    "slice": slice(None), "ellipsis": ..., "date": np.datetime64("2020-01-01"),
    "long": "x" * 10_000, "nul": "a\0b", "models": ["m.py:X"],
    "np float": np.float32(0.1), "np int": np.uint8(3),
}  # fmt: skip


def pool():
    return GPUNeuronPool(4, device="cpu")


def system():
    return MultiGPUNeuronSystem(6, devices="cpu")


def net():
    made = Network(devices="cpu")
    made.population("E", 4, receptors={"exc": ExpCurrent(5.0)})
    made.connect("E", "E", "all_to_all", 1.0, 1.0)
    return made


def coupled():
    made = Network(devices="cpu")
    made.population("E", 4, receptors={"gap": Coupled()})
    return made


@pytest.fixture(scope="module")
def result():
    with net() as made:
        made.record("E", ["spikes", "v"])
        made.drive("E", 600.0)
        return made.run(50.0)


# Public callables: how each is got, and the arguments that work.
MAKERS = {
    "GPUNeuronPool": (lambda: GPUNeuronPool, {"num_neurons": 4, "device": "cpu"}),
    "MultiGPUNeuronSystem": (
        lambda: MultiGPUNeuronSystem, {"total_neurons": 6, "devices": "cpu"}
    ),
    "Network": (lambda: Network, {"devices": "cpu"}),
    "SpikeTrain": (lambda: SpikeTrain, {"times": [1.0]}),
    "SpikeTrain.poisson": (
        lambda: SpikeTrain.poisson, {"n": 3, "rate": 10.0, "start": 0.0, "stop": 10.0}
    ),
    "pool.run": (lambda: pool().run, {"steps": 2}),
    "pool.step": (lambda: pool().step, {}),
    "system.run": (lambda: system().run, {"steps": 2}),
    "net.population": (lambda: net().population, {"name": "I", "n": 3}),
    "net.connect": (
        lambda: net().connect,
        {"source": "E", "target": "E", "rule": "all_to_all", "weight": 1.0, "delay": 1.0},
    ),
    "net.couple": (
        lambda: coupled().couple,
        {"source": "E", "target": "E", "rule": "all_to_all", "weight": 1.0},
    ),
    "net.source": (lambda: net().source, {"name": "S", "n": 2, "train": SpikeTrain([1.0])}),
    "net.drive": (lambda: net().drive, {"target": "E", "input": 1.0}),
    "net.record": (lambda: net().record, {"target": "E"}),
    "net.run": (lambda: net().run, {"duration": 1.0}),
    "net.build": (lambda: net().build, {}),
    "net.__getitem__": (lambda: net().__getitem__, {"name": "E"}),
    "Ensemble": (lambda: Ensemble, {"network": net(), "size": 2}),
    "ensemble.run": (lambda: Ensemble(net(), 2).run, {"duration": 1.0}),
    "view": (lambda: net()["E"].__getitem__, {"which": [0]}),
}  # fmt: skip
CLASSES = [
    name for module in (spikecuda, network) for name in module.__all__
    if inspect.isclass(getattr(module, name)) and not issubclass(getattr(module, name), Exception)
    and name not in MAKERS and name not in ("Model", "Parameter", "State")
]  # fmt: skip


# Arguments that work, of what has no defaults.
REQUIRED = {
    "AlphaConductance": {"tau": 5.0, "e_rev": 0.0}, "ExpConductance": {"tau": 5.0, "e_rev": 0.0},
    "BetaCurrent": {"tau_rise": 1.0, "tau_decay": 5.0},
    "BetaConductance": {"tau_rise": 1.0, "tau_decay": 5.0, "e_rev": 0.0},
    "DistanceProbability": {"p": 0.5}, "DistanceInDegree": {"degree": 2, "p": 1.0},
    "DistanceOutDegree": {"degree": 2, "p": 1.0},
    "Normal": {"mean": 1.0, "std": 1.0}, "LogNormal": {"mean": 1.0, "std": 1.0},
    "Uniform": {"low": 0.0, "high": 1.0}, "Noise": {"sigma": 1.0},
    "Pairs": {"sources": [0], "targets": [0]}, "Poisson": {"rate": 1.0, "weight": 1.0},
    "Ramp": {"first": 0.0, "last": 1.0, "start": 0.0, "stop": 1.0},
    "Step": {"amplitude": 1.0, "start": 0.0}, "Sine": {"amplitude": 1.0, "frequency": 1.0},
    "Waveform": {"values": [1.0], "dt": 1.0}, "OrnsteinUhlenbeck": {"sigma": 1.0, "tau": 1.0},
    "Renewal": {"rate": 1.0, "weight": 1.0},
    "CorrelatedPoisson": {"rate": 1.0, "weight": 1.0, "correlation": 0.5},
}  # fmt: skip
# What runs return; nobody makes them.
RETURNED = (
    "NetworkResult", "EnsembleResult", "RunResult", "SystemResult", "Spikes", "Metrics",
    "SweepTable",
)  # fmt: skip


def outcome(call, what):
    """Make a call; raise AssertionError for an exception that is none of spikecuda's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = call()
        except SpikecudaError as error:
            assert str(error).strip(), what
            return
        except Exception as error:
            raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
        close = getattr(made, "close", None)
        if close is not None:
            close()


def parameters(function):
    return [
        name for name, p in inspect.signature(function).parameters.items()
        if name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]  # fmt: skip


def feed(get, works, skip=()):
    """Give every parameter every odd value, beside arguments that work."""
    wrong = []
    for name in parameters(get()):
        for key, value in ODD.items():
            if (name, key) in skip or (name == "progress" and callable(value)):
                continue
            if isinstance(value, type(iter([]))):
                value = iter([1])
            try:
                outcome(lambda n=name, v=value: get()(**{**works, n: v}), f"{name}={key}")
            except AssertionError as error:
                wrong.append(str(error)[:300])
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", MAKERS)
def test_every_parameter_takes_or_refuses_odd_values(name):
    get, works = MAKERS[name]
    feed(get, works)


@pytest.mark.parametrize("name", sorted({*CLASSES} - {*RETURNED}))
def test_classes(name):
    made = getattr(spikecuda, name, None) or getattr(network, name)
    feed(lambda: made, REQUIRED.get(name, {}))


@pytest.mark.parametrize("key", ODD)
def test_state_and_weights(key):
    value = ODD[key]
    with pool() as one, system() as two, net() as three:
        for what, call in {
            "pool state": lambda: one.state.__setitem__("v", value),
            "pool state name": lambda: one.state[value],
            "system state": lambda: two.state["lif"].__setitem__("v", value),
            "system type": lambda: two.state[value],
            "network state": lambda: three["E"].state.__setitem__("v", value),
            "receptor state": lambda: three["E"].state.__setitem__("i_exc", value),
            "network state name": lambda: three["E"].state[value],
            "weights": lambda: setattr(three.projections[0], "weights", value),
        }.items():
            outcome(call, what)


@pytest.mark.parametrize("name", [
    "rates", "cv", "correlations", "synchrony", "raster", "plot_rates", "plot_traces", "table",
    "window", "neurons", "trace_neurons", "to_dataframe",
])  # fmt: skip
def test_results(result, name):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    works = {"population": "E"} if name in ("window", "neurons", "trace_neurons") else {}
    skip = {("ax", key) for key in ODD} | {("title", key) for key in ODD}
    feed(lambda: getattr(result, name), works, skip)
    plt.close("all")


def test_sweep():
    def point(a):
        return a

    class Here:
        def submit(self, function, *args):
            future = concurrent.futures.Future()
            future.set_result(function(*args))
            return future

    # A path is made of what is a name: tests/sweeps has those that cannot be written.
    skip = {("path", key) for key, value in ODD.items() if isinstance(value, str)}
    skip |= {("call", key) for key, value in ODD.items() if callable(value)}
    feed(lambda: spikecuda.sweep, {"function": point, "grid": [{"a": 1}], "executor": Here()}, skip)


@pytest.mark.parametrize("name", [n for n in analysis.__all__ if n.islower()])
def test_analysis(result, name):
    function = getattr(analysis, name)
    spikes, neurons, start, stop = result.window("E")
    given = {"spikes": spikes, "neurons": neurons, "start": start, "stop": stop, "bin": 1.0,
             "values": np.ones(5), "sigma": 2.0, "traces": np.ones((5, 2)),
             "signal": np.ones(500), "before": 2.0, "longest": 5.0}  # fmt: skip
    if name == "field_potential":
        given |= {"positions": np.zeros((neurons, 2)), "electrode": (0.0, 0.0),
                  "kind": "excitatory"}  # fmt: skip
    if name == "psth":
        given |= {"events": [10.0, 20.0], "stop": 10.0}
    feed(lambda: function, {k: v for k, v in given.items() if k in parameters(function)})
