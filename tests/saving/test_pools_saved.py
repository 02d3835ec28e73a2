"""Pools and systems that are saved go on with the same bits, elsewhere too."""

import numpy as np
import pytest
from damage import small_pool

from spikecuda import (
    Constant,
    GPUNeuronPool,
    Model,
    MultiGPUNeuronSystem,
    Normal,
    Parameter,
    Poisson,
    State,
    Uniform,
)  # fmt: skip
from spikecuda.errors import ClosedError, SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.inputs import PerStep


def pool(**options):
    made = GPUNeuronPool(
        70, "lif", params={"tau_m": Normal(10.0, 1.0), "t_ref": 2.0},
        initial={"v": Uniform(-70.0, -55.0)}, seed=4, **{"device": "cpu", "threads": 1, **options},
    )  # fmt: skip
    made.drive(Constant(400.0))
    made.drive(Poisson(lambda t: 500.0 + 100.0 * np.sin(t / 10.0), 1.0, stop=100.0))
    return made


def same(a, b):
    assert np.array_equal(a.spikes.step, b.spikes.step)
    assert np.array_equal(a.spikes.neuron, b.spikes.neuron)
    for name, rows in getattr(a, "traces", {}).items():
        assert np.array_equal(rows, b.traces[name])


def test_a_pool_goes_on_elsewhere(tmp_path):
    path = tmp_path / "pool.spk"
    with pool() as one:
        before = one.run(20.0, record="v")
        assert one.save(path) == path
        after = one.run(10.0, record="v")
        spikes = one.metrics().spikes
        one.reset(trial=3)
        again = one.run(10.0)
    for device in ("cpu", "cuda-emu"):
        with GPUNeuronPool.load(path, device=device, batch_size=32) as other:
            assert other.time == 20.0
            same(other.result, before)
            same(other.run(10.0, record="v"), after)
            assert other.metrics().spikes == spikes
            kinds = [type(drive.input) for drive in other.drives]
            assert kinds == [Constant, Poisson]
            other.drives[0].amplitude = 400.0
            other.reset(trial=3)
            same(other.run(10.0), again)


def test_states_of_float16_are_kept_as_they_are_stored(tmp_path):
    path = tmp_path / "pool.spk"
    with small_pool(precision="float16") as one:
        one.run(7.0)
        one.params["v_th"] = -52.0  # which the storage follows
        one.run(3.0)
        one.save(path)
        after = one.run(20.0)
    with GPUNeuronPool.load(path, device="cpu", threads=1) as other:
        same(other.run(20.0), after)
        assert after.num_spikes > 0


def test_a_refractory_period_that_was_taken_away_comes_back(tmp_path):
    path = tmp_path / "pool.spk"
    for period in (0.0, 5000.0):
        with GPUNeuronPool(
            40, "lif", params={"t_ref": max(period, 1.0)}, device="cpu", threads=1
        ) as first:
            first.drive(Constant(500.0))
            first.run(3.0)
            first.params["t_ref"] = period
            first.save(path)
            with GPUNeuronPool.load(path, device="cpu", threads=1) as second:
                for made in (first, second):
                    made.params["t_ref"] = 2.0
                same(first.run(20.0), second.run(20.0))


def test_a_system_goes_on_elsewhere(tmp_path):
    path = tmp_path / "system.spk"
    with MultiGPUNeuronSystem(
        120, neuron_types=["lif", "adex"], devices=["cpu:0", "cpu:1"],
        shares={"lif": 0.7, "adex": 0.3}, params={"lif": {"tau_m": Normal(10.0, 1.0)}},
    ) as one:  # fmt: skip
        one.drive("adex", Constant(700.0))
        one.drive("lif", Constant(400.0))
        one.params["lif"]["v_th"] = -51.0
        before = one.run(20.0)
        one.save(path)
        after = one.run(20.0)
        with pytest.raises(SpikecudaTypeError, match="progress must be"):
            one.run(20.0, progress="bar")
        assert one.result is after
    with MultiGPUNeuronSystem.load(path, devices="cpu") as other:
        assert dict(other.counts) == {"lif": 84, "adex": 36}
        assert len(other.drives) == 2
        same(other.result, before)
        same(other.run(20.0, save_every=20.0, save_to=path), after)
        same(other.result, before + after)
        assert after.num_spikes > 0


def test_a_run_saves_itself(tmp_path):
    path = tmp_path / "pool.spk"
    with pool() as one, pool() as other:
        whole = one.run(50.0)
        times = []

        def note(pool, piece):
            if path.exists():
                with GPUNeuronPool.load(path, device="cpu", threads=1) as loaded:
                    times.append(loaded.time)

        other.run(50.0, every=5.0, call=note, save_every=20.0, save_to=path)
        assert times == [20.0] * 4 + [40.0] * 2
        with GPUNeuronPool.load(path, device="cpu", threads=1) as loaded:
            assert loaded.time == 50.0
            same(loaded.result, whole)
            assert loaded.run(5.0, save_every=5.0, save_to=path).steps == 50
            assert loaded.result.steps == 550
        with GPUNeuronPool.load(path, device="cpu", threads=1) as loaded:
            same(loaded.result, other.result + other.run(5.0))
            with pytest.raises(SpikecudaValueError, match="records what the saved result has"):
                loaded.run(5.0, record="v", save_every=5.0, save_to=path)


def test_a_pool_is_saved_within_a_loop(tmp_path):
    path = tmp_path / "pool.spk"
    with pool() as one:
        seen = []

        def save(pool, piece):
            pool.save(path)
            seen.append(pool.time)

        whole = one.run(10.0, every=5.0, call=save)
        with pytest.raises(SpikecudaTypeError, match="progress must be"):
            one.run(10.0, progress="bar")
        assert one.result is whole
        with GPUNeuronPool.load(path, device="cpu", threads=1) as loaded:
            same(loaded.result, whole)
        one.save(path, result=False)
        with (
            GPUNeuronPool.load(path, device="cpu", threads=1) as loaded,
            pytest.raises(SpikecudaError, match="no result"),
        ):
            _ = loaded.result


class Leak(Model):
    """A model of the test's own."""

    v = State("mV", initial="v_rest", span=20.0)
    v_rest = Parameter(-70.0, "mV")
    tau = Parameter(10.0, "ms", above=0.0)
    v_th = Parameter(-50.0, "mV")

    def step(v, current, v_rest, tau, dt):
        return v + dt * ((v_rest - v) / tau + current)

    def threshold(v, v_th):
        return v >= v_th

    def reset(v, v_rest):
        return v_rest


def test_own_models_are_compared_by_their_source(tmp_path):
    path, first = tmp_path / "pool.spk", Leak
    with GPUNeuronPool(8, Leak, device="cpu", threads=1) as one:
        one.save(path)

    def other():
        class Leak(Model):
            v = State("mV", initial="v_rest", span=20.0)
            v_rest = Parameter(-70.0, "mV")
            tau = Parameter(20.0, "ms", above=0.0)
            v_th = Parameter(-50.0, "mV")

            def step(v, current, v_rest, tau, dt):
                return v + dt * ((v_rest - v) / tau + current)

            def threshold(v, v_th):
                return v >= v_th

            def reset(v, v_rest):
                return v_rest

        return Leak

    changed = other()  # which is known by the name now
    with pytest.raises(SpikecudaValueError, match="source that it had"):
        GPUNeuronPool.load(path, device="cpu")
    with pytest.raises(SpikecudaValueError, match="source that it had"):
        GPUNeuronPool.load(path, device="cpu", models=[changed])
    with GPUNeuronPool.load(path, device="cpu", threads=1, models=[first]) as loaded:
        assert loaded.model is first
    with pytest.raises(SpikecudaTypeError, match="models must be"):
        GPUNeuronPool.load(path, models=[int])


def test_what_a_file_cannot_hold_is_refused_and_the_old_one_stays(tmp_path):
    path = tmp_path / "pool.spk"
    with small_pool() as one:
        one.save(path)
        before = path.read_bytes()

        class Mine(Constant):
            pass

        drive = one.drive(Mine(3.0))
        with pytest.raises(SpikecudaTypeError, match="a drive of lif cannot be saved"):
            one.save(path)
        drive.remove()
        one.drive(PerStep(np.ones(30)))
        one.save(path)
        one.save(path)
        assert [f.name for f in tmp_path.iterdir()] == ["pool.spk"]
        assert path.read_bytes() != before
        with pytest.raises(SpikecudaValueError, match="folder that exists"):
            one.run(3.0, save_every=1.0, save_to=tmp_path / "no" / "pool.spk")
        for wrong in ({"save_every": 1.0}, {"save_to": path}):
            with pytest.raises(SpikecudaValueError, match="must be given with"):
                one.run(3.0, **wrong)
        with pytest.raises(SpikecudaValueError, match="multiple of every"):
            one.run(3.0, every=0.2, call=print, save_every=0.3, save_to=path)
        assert one.steps == 0
    with pytest.raises(ClosedError):
        one.save(path)
    initial = {"v": lambda v_rest: v_rest + 1.0}
    with (
        GPUNeuronPool(4, "lif", device="cpu", threads=1, initial=initial) as made,
        pytest.raises(SpikecudaTypeError, match=r"initial of lif\['v'\] cannot be saved"),
    ):
        made.save(path)
