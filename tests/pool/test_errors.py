"""Bad input: each error names the field, the requirement, the value got and the remedy."""

import threading
import tracemalloc

import numpy as np
import pytest

import spikecuda
from spikecuda import (
    Constant,
    GPUNeuronPool,
    Noise,
    Normal,
    PerStep,
    Poisson,
    Ramp,
    SpikecudaError,
    Step,
    Uniform,
)
from spikecuda.errors import ClosedError, DeviceError, NumericalError, OutOfMemoryError


def make(*args, **kwargs):
    kwargs.setdefault("device", "cpu")
    return GPUNeuronPool(*(args or (10,)), **kwargs)


BAD_POOLS = [
    (lambda: make(0), "num_neurons must be from 1"),
    (lambda: make(-3), "num_neurons must be from 1"),
    (lambda: make(2.5), "num_neurons must be an integer"),
    (lambda: make(True), "num_neurons must be an integer"),
    (lambda: make(2**31), "num_neurons must be from 1"),
    (lambda: make(10, "lfi"), "did you mean 'lif'"),
    (lambda: make(10, "hodgkin"), "known models are"),
    (lambda: make(10, 5), "neuron_type must be"),
    (lambda: make(10, batch_size=11), "batch_size must be from 1 to 10"),
    (lambda: make(10, batch_size=0), "batch_size must be from 1"),
    (lambda: make(10, precision="float8"), "precision must be float16, float32 or float64"),
    (lambda: make(10, precision="flaot32"), "did you mean 'float32'"),
    (lambda: make(10, precision=None), r"precision must be .* \(got None\)"),
    (lambda: make(10, seed=True), "seed must be an integer"),
    (lambda: make(10, dt=np.array([0.1])), "dt must be a number in ms"),
    (lambda: make(10, dt=1e-300), r"use a larger dt$"),
    (lambda: make(10, dt=0.0), "dt must be > 0 ms"),
    (lambda: make(10, dt=float("nan")), "dt must be > 0 ms"),
    (lambda: make(10, dt="fast"), "dt must be a number"),
    (lambda: make(10, seed=-1), "seed must be in"),
    (lambda: make(10, seed=2**64), "seed must be in"),
    (lambda: make(10, seed=1.5), "seed must be an integer"),
    (lambda: make(10, params={"tau": 5.0}), "did you mean 'tau_"),
    (lambda: make(10, params={"tau_m": -5.0}), r"tau_m must be > 0 ms \(got -5.0\)"),
    (lambda: make(10, params={"tau_m": np.nan}), "tau_m must be finite"),
    (lambda: make(10, params={"tau_m": np.ones(9)}), r"shape \(10,\)"),
    (lambda: make(10, params={"tau_m": "slow"}), "tau_m must be a number"),
    (lambda: make(10, params={"tau_m": True}), "tau_m must be a number"),
    (lambda: make(10, params={"tau_m": 20 + 0j}), "tau_m must be a number"),
    (lambda: make(10, params={"tau_m": 10**400}), "tau_m must be a number"),
    (lambda: make(10, params={"tau_m": np.full(10, None)}), "tau_m must be a number"),
    (lambda: make(2, params={"tau_m": [[1], [2, 3]]}), "tau_m must be a number"),
    (
        lambda: make(40, params={"tau_m": np.ones(40, bool)}),
        r"\(got array\(\[ True, True, [^\n]*\)$",
    ),
    (
        lambda: make(3, params={"tau_m": np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])}),
        r"tau_m must have no masked values \(got 1\)",
    ),
    (lambda: make(10, params={"Tau_M": 5.0}), "did you mean 'tau_m'"),
    (lambda: make(10, params={3: 5.0}), "lif has no parameter 3"),
    (lambda: make(10, params={"t_ref": -1.0}), "t_ref must be >= 0 ms"),
    (lambda: make(10, params={"v_reset": -40.0}), "v_reset must be < v_th"),
    (
        lambda: make(10, params={"tau_m": np.array([1.0] * 9 + [-2.0])}),
        "got -2.0 for neuron 9",
    ),
    (lambda: make(10, params=[1, 2]), "params must be a dict"),
    (lambda: make(10, params={"t_ref": 1e6}, precision="float16"), "t_ref must be <="),
    (lambda: make(10, params={"c_m": 1e-300}), "does not fit in float32"),
    (lambda: make(10, initial=[1.0]), "initial must be a dict"),
    (lambda: make(10, initial={"v": "rest"}), "name of a parameter.*did you mean 'v_rest'"),
    (lambda: make(10, initial={"w": 0.0}), "lif has no state 'w'"),
    (lambda: make(10, initial={"v": np.inf}), "v must be finite"),
    (lambda: make(10, initial={"v": np.zeros(3)}), "v must be one number or one per neuron"),
    (lambda: make(10, initial={"v": 1e39}), "v does not fit in float32"),
    (lambda: make(10, initial={"v": 1e7}, precision="float16"), "v does not fit in float16"),
    (lambda: make(10, scheme="rk4"), "lif has the schemes exact"),
    (lambda: make(10, substeps=0), "substeps must be from 1 to 64"),
    (lambda: make(10, threads=0), "threads must be from 1 to 4,096"),
    (lambda: make(10, threads=10**9), "threads must be from 1 to 4,096"),
    (lambda: make(10, threads=1.5), "threads must be an integer"),
    (lambda: make(10, device="gpu"), "device must be one of"),
    (lambda: make(10, device="cuda:x"), "device must be one of"),
    (lambda: make(10, device="cpu", use_gpu=True), "contradicts"),
    (lambda: make(10, use_gpu="yes"), "use_gpu must be"),
    (lambda: make(10, device="cuda-emu", threads=2), "threads belongs to the CPU"),
    (lambda: Normal(0.0, -1.0), "std must be >= 0"),
    (lambda: Uniform(2.0, 1.0), "low must be <= high"),
    (lambda: Normal("a", 1.0), "mean must be a number"),
    (lambda: Normal(0.0, np.ones(3)), "std must be a number"),
    (lambda: Uniform(0.0, 1j), "high must be a number"),
    (lambda: Step(1.0, start="soon"), "start must be a number in ms"),
    (lambda: Step(1.0, stop=None), "stop must be a number in ms"),
    (lambda: Ramp(1j, 1.0, 0.0, 1.0), "first must be a number"),
    (lambda: Step(1.0, start=-1.0), "start must be >= 0 ms"),
    (lambda: Step(1.0, start=5.0, stop=5.0), "stop must be > start"),
    (lambda: Ramp(0.0, np.inf, 0.0, 1.0), "last must be finite"),
]


@pytest.mark.parametrize("make_it, words", BAD_POOLS, ids=[w for _, w in BAD_POOLS])
def test_bad_arguments_are_refused(make_it, words):
    with pytest.raises(SpikecudaError, match=words) as caught:
        make_it()
    assert isinstance(caught.value, ValueError | TypeError)


@pytest.fixture(scope="module")
def pool():
    with make(10, params={"tau_m": 20.0}) as pool:
        yield pool


BAD_RUNS = [
    (lambda p: p.run(), "give either duration or steps"),
    (lambda p: p.run(steps=5, duration=0.5), "give either duration or steps"),
    (lambda p: p.run(steps=-1), "steps must be from 0"),
    (lambda p: p.run(steps=1.5), "steps must be an integer"),
    (lambda p: p.run(duration=-1.0), "duration must be >= 0 ms"),
    (lambda p: p.run(duration=np.nan), "duration must be >= 0 ms"),
    (lambda p: p.run(duration="1s"), "duration must be a number in ms"),
    (lambda p: p.run(duration=True), "duration must be a number in ms"),
    (lambda p: p.run(duration=1e300), "duration must be <= "),
    (lambda p: p.run(duration=0.04), "multiple of dt = 0.1 ms .* use 0.1"),
    (lambda p: p.run(steps=2**80), "steps must be from 0"),
    (lambda p: p.run(duration=0.25), "multiple of dt"),
    (lambda p: p.run(steps=5, input=np.ones(9)), "input must be one number or one per neuron"),
    (lambda p: p.run(steps=5, input=np.full(10, np.nan)), "input must be finite"),
    (lambda p: p.run(steps=5, input="strong"), "input must be a number"),
    (
        lambda p: p.run(steps=5, input=[[1.0, 2.0], [3.0]]),
        "input must be .* rows of one length",
    ),
    (lambda p: p.run(steps=5, input=np.ones(10, complex)), "input must be a number"),
    (lambda p: p.run(steps=5, input=np.ones(10, bool)), "input must be a number"),
    (lambda p: p.run(steps=5, input=np.ones((5, 10, 1))), "input must be one number or one per"),
    (lambda p: p.run(steps=5, input=Noise), "input must be a number"),
    (lambda p: p.run(steps=5, input=1e39), "input must fit in float32"),
    (lambda p: p.run(steps=5, input=PerStep(np.ones(4))), r"PerStep must have shape \(5,\)"),
    (lambda p: p.run(steps=5, input=np.ones((4, 10))), "PerStep must have shape"),
    (lambda p: p.run(steps=5, input=PerStep(np.full(5, np.inf))), "PerStep must be finite"),
    (lambda p: p.run(steps=5, input=PerStep(["a"] * 5)), "PerStep must be an array of numbers"),
    (lambda p: p.run(steps=5, input=PerStep([[1], [2, 3]])), "its rows of one length"),
    (
        lambda p: p.run(steps=5, input=PerStep(np.ones(5, bool))),
        "PerStep must be an array of numbers",
    ),
    (lambda p: p.run(steps=5, input=Noise(-np.arange(10.0))), r"sigma must be >= 0 \(got -9"),
    (lambda p: p.run(steps=5, input=Noise(-1.0)), "sigma must be >= 0"),
    (lambda p: p.run(steps=5, input=Noise(np.nan)), "sigma must be finite"),
    (lambda p: p.run(steps=5, input=Poisson(-1.0, 1.0)), "rate must be >= 0 Hz"),
    (lambda p: p.run(steps=5, input=Poisson(1e6, 1.0)), "rate must be <="),
    (lambda p: p.run(steps=5, input=Poisson(1.0, np.ones(3))), "weight must be one number"),
    (lambda p: p.run(steps=5, input=[Constant(1.0), "x"]), "input must be a number"),
    (lambda p: p.run(steps=5, record="spike"), "did you mean 'spikes'"),
    (lambda p: p.run(steps=5, record="V"), "did you mean 'v'"),
    (lambda p: p.run(steps=5, record=3), "record must be a name"),
    (lambda p: p.run(steps=5, record=True), "record must be a name"),
    (lambda p: p.run(steps=5, record=["spikes", "w"]), "record knows spikes, v"),
    (lambda p: p.run(steps=5, progress="yes"), "progress must be"),
    (lambda p: p.state["w"], "lif has no state 'w'"),
    (lambda p: p.state.__setitem__("v", np.nan), "v must be finite"),
    (lambda p: p.state.__setitem__("v", np.ones(3)), "v must be one number"),
    (lambda p: p.state.__setitem__("v", 1j), "v must be a number"),
    (lambda p: p.state.__setitem__("v", "rest"), "v must be a number"),
    (lambda p: p.state.__setitem__("refrac", -1), "refrac must be whole steps"),
    (lambda p: p.state.__setitem__("refrac", 0.5), "refrac must be whole steps"),
]


@pytest.mark.parametrize("act, words", BAD_RUNS, ids=[w for _, w in BAD_RUNS])
def test_bad_runs_are_refused_and_change_nothing(pool, act, words):
    before = {name: pool.state[name].tobytes() for name in pool.state}
    steps, held = pool.steps, pool.device.held()
    with pytest.raises(SpikecudaError, match=words) as caught:
        act(pool)
    assert isinstance(caught.value, ValueError | TypeError)
    assert {name: pool.state[name].tobytes() for name in pool.state} == before
    assert pool.steps == steps
    assert pool.device.held() == held


def test_what_cannot_be_changed_says_so(pool):
    """Nothing written to a pool gets lost in silence."""
    with pytest.raises(TypeError, match="cannot be deleted"):
        del pool.params["tau_m"]
    with pytest.raises(ValueError, match="read-only"):
        pool.params["tau_m"][...] = 10.0
    with pytest.raises(ValueError, match="read-only"):
        pool.state["v"][0] = -60.0
    with pytest.raises(AttributeError):
        pool.state = {"v": -60.0}
    with pytest.raises(AttributeError):
        pool.dt = 0.2


def test_no_steps_are_a_run_that_changes_nothing(pool):
    before, steps = pool.state["v"], pool.steps
    for result in (pool.run(steps=0, record=["spikes", "v"]), pool.run(duration=0.0, record=["v"])):
        assert result.steps == result.num_spikes == 0 and result.traces["v"].shape == (0, 10)
    assert pool.steps == steps
    np.testing.assert_array_equal(pool.state["v"], before)


def test_a_pool_beyond_memory_is_refused_before_allocation(monkeypatch):
    from spikecuda.devices import host_device

    monkeypatch.setattr(host_device, "available_memory", lambda: 10_000_000)
    with pytest.raises(OutOfMemoryError, match=r"a pool of 2,000,000 neurons needs 16 MB .* 10 MB"):
        make(2_000_000)
    with make(100_000) as pool:
        tracemalloc.start()
        with pytest.raises(OutOfMemoryError, match="a run of 1,000 steps needs 4"):
            pool.run(steps=1000, record="v")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000  # the trace would be 400 MB
        tracemalloc.stop()


def test_use_gpu_without_a_gpu_is_an_error_with_the_remedy(monkeypatch):
    from spikecuda.devices import open as devices

    status = devices.GpuStatus(False, "no CUDA driver", "install the NVIDIA driver")
    monkeypatch.setattr(devices, "gpu_status", lambda: status)
    with pytest.raises(
        DeviceError, match=r"use_gpu=True needs a CUDA GPU .*no CUDA driver.*install"
    ):
        GPUNeuronPool(10, use_gpu=True)
    with pytest.raises(DeviceError, match="cannot be used: no CUDA driver"):
        GPUNeuronPool(10, device="cuda:0")
    with GPUNeuronPool(10) as pool:
        assert pool.device.name == "cpu"
        assert "no GPU: " in repr(pool)


def test_nan_does_not_pass_silently():
    class Exploding(spikecuda.Model):
        """Doubles until it overflows."""

        name = "_exploding"
        v = spikecuda.State("mV", initial=1.0)

        def step(v, current):
            return v * v + current

        def threshold(v):
            return v < v

        def reset(v):
            return v

    with make(40, Exploding, initial={"v": np.r_[np.zeros(39), 1e20]}) as pool:
        with pytest.raises(NumericalError, match="v of neuron 39 is inf after step 3 in float32"):
            pool.run(steps=3)
        pool.reset()
        pool.run(steps=1)


def test_a_closed_pool_says_so():
    pool = make(10)
    pool.close()
    pool.close()
    for act in (lambda: pool.run(steps=1), pool.reset, lambda: pool.state["v"], pool.__enter__):
        with pytest.raises(ClosedError, match="the pool is closed"):
            act()
    assert pool.device.held() == {}


def test_a_pool_used_from_two_threads_is_refused():
    with make(2000) as pool:
        inside, go = threading.Event(), threading.Event()

        def report(done, steps):
            inside.set()
            go.wait(10)

        runner = threading.Thread(target=lambda: pool.run(steps=5, progress=report))
        runner.start()
        assert inside.wait(60)
        with pytest.raises(SpikecudaError, match="in use in another thread"):
            pool.run(steps=1)
        go.set()
        runner.join()
        assert pool.steps == 5
        pool.run(steps=1)


def test_an_interrupt_leaves_a_pool_that_goes_on():
    def interrupt(done, steps):
        if done >= 1024:
            raise KeyboardInterrupt

    with make(100, seed=3) as pool, make(100, seed=3) as whole:
        with pytest.raises(KeyboardInterrupt):
            pool.run(steps=3000, input=Noise(300.0, mean=150.0), progress=interrupt)
        assert pool.steps == 1024
        rest = pool.run(steps=3000 - 1024, input=Noise(300.0, mean=150.0))
        full = whole.run(steps=3000, input=Noise(300.0, mean=150.0))
        late = full.spikes.step >= 1024
        np.testing.assert_array_equal(rest.spikes.step, full.spikes.step[late])
        np.testing.assert_array_equal(rest.spikes.neuron, full.spikes.neuron[late])
        assert len(rest.spikes) > 100
