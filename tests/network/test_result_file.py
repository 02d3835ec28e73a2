"""A result comes back from its file bit for bit; other files are refused."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import make

from spikecuda import SpikecudaError
from spikecuda.errors import SpikecudaTypeError
from spikecuda.network import Delta, Network, SpikeTrain
from spikecuda.network.results.result import NetworkResult
from spikecuda.runtime.spikes import Spikes


def same(found, expected):
    """Assert that two values of a result are equal in type, order and every bit."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            same(found[key], expected[key])
    elif isinstance(expected, Spikes):
        same(found.step, expected.step)
        same(found.neuron, expected.neuron)
        same(found.dt, expected.dt)
    elif isinstance(expected, np.ndarray):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes()
    else:
        assert found == expected


def test_round_trip(tmp_path):
    result = make()
    path = result.save(tmp_path / "run.npz")
    again = NetworkResult.load(path)
    for field in dataclasses.fields(NetworkResult):
        same(getattr(again, field.name), getattr(result, field.name))
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


@settings(max_examples=50)
@given(
    name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
    dt=st.floats(0, 1e200, exclude_min=True),
    steps=st.tuples(*[st.integers(0, 2**60)] * 2),
    seconds=st.floats(0, allow_infinity=False),
)
def test_any_name_and_any_number(name, dt, steps, seconds, tmp_path_factory):
    empty = Spikes(np.empty(0, np.int64), np.empty(0, np.int32), dt)
    result = NetworkResult(
        spikes={name: empty}, sizes={name: 1}, ids={name: None}, traces={}, trace_times={},
        start=steps[0] * dt, duration=steps[1] * dt, dt=dt, seconds=seconds,
    )  # fmt: skip
    path = result.save(tmp_path_factory.mktemp("names") / "x.npz")
    again = NetworkResult.load(path)
    for field in dataclasses.fields(NetworkResult):
        same(getattr(again, field.name), getattr(result, field.name))


def test_the_keys_are_as_documented(tmp_path):
    with np.load(make().save(tmp_path / "run.npz")) as file:
        assert sorted(file) == sorted([
            *(f"spikes/{n}/step" for n in ("L2/3E", "L2/3I", "thalamus")),
            *(f"spikes/{n}/neuron" for n in ("L2/3E", "L2/3I", "thalamus")),
            "ids/thalamus", "traces/L2/3E/v", "traces/L2/3E/w", "traces/silent/x",
            "trace_times/L2/3E", "trace_times/silent", "trace_ids/L2/3E", "metadata",
        ])  # fmt: skip
        about = json.loads(str(file["metadata"]))
    from spikecuda.network.results import file as result_file

    for key in about:
        assert f"``{key}``" in result_file.__doc__


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04broken", "npy", "other", "newer"])
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "x.npz"
    if content == "npy":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif content == "other":
        np.savez(path, a=np.zeros(3))
    elif content == "newer":
        np.savez(path, metadata=np.array('{"format": "spikecuda network result 2"}'))
    else:
        path.write_bytes(content)
    with pytest.raises(SpikecudaError, match="path must be a file"):
        NetworkResult.load(path)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        NetworkResult.load(tmp_path / "none.npz")


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
@pytest.mark.parametrize("devices", ["cpu", ["cpu:0", "cuda-emu:0"]])
def test_what_networks_record_comes_back(tmp_path, precision, devices):
    """All kinds of recording, of sources, parrots and parts, in pieces of a run."""
    with Network(dt=0.05, precision=precision, devices=devices) as net:
        net.population("A", 50, "lif", receptors={"e": Delta()})
        net.population("P", 20, "parrot", receptors={"in": Delta()})
        net.source("S", 5, SpikeTrain([1.0, 1.0, 2.5, 7.3], [0, 1, 0, 4]))
        net.connect("S", "P", "all_to_all", 1.0, 0.5)
        net.connect("P", "A", "all_to_all", 2.0, 1.0)
        net.drive("A", 300.0)
        results = [net.run(duration) for duration in (10.0, 0.0, 33.35)]
        net.record(net["A"][10:20])
        net.record(net["A"][[1, 2, 7]], "v", every=0.5)
        net.record("P")
        results += [net.run(duration) for duration in (7.7, 0.05, 100.0)]
    assert all(results[i].num_spikes for i in (0, 2, 5))
    for result in results:
        again = NetworkResult.load(result.save(tmp_path / "run.npz"))
        for field in dataclasses.fields(NetworkResult):
            same(getattr(again, field.name), getattr(result, field.name))


@pytest.mark.parametrize("path", [0, 5, None, b"run.npz"])
def test_what_is_no_name_of_a_file_is_refused(path):
    with Network() as net:
        net.population("A", 3, "lif")
        result = net.run(1.0)
    with pytest.raises(SpikecudaTypeError, match="path must be the name of a file"):
        result.save(path)
    with pytest.raises(SpikecudaTypeError, match="path must be the name of a file"):
        NetworkResult.load(path)
