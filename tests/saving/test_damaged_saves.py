"""Damaged, cut, newer and foreign files are refused by name, before anything is built."""

import io
import json

import numpy as np
import pytest
from damage import content, members, npy, small_network, small_pool, write
from hypothesis import settings

from spikecuda import GPUNeuronPool, MultiGPUNeuronSystem
from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.network import Network
from spikecuda.saving.save_file import FORMAT

# 200 of them; 1,000 in the thorough profile.
TRIES = 1000 if settings().max_examples >= 1000 else 200


@pytest.fixture(scope="module", params=["pool", "network"])
def saved(request, tmp_path_factory):
    """A file, its kind, and what it says."""
    path = tmp_path_factory.mktemp("saves") / f"a.{request.param}"
    with small_pool() if request.param == "pool" else small_network() as made:
        made.run(20.0)
        made.save(path)
    return path, request.param, content(path, request.param)


def test_any_changed_byte_is_refused_or_changes_nothing(saved, tmp_path):
    path, kind, whole = saved
    data, rng = path.read_bytes(), np.random.default_rng(5)
    other, refused = tmp_path / "b.spk", 0
    for _ in range(TRIES):
        at, bit = int(rng.integers(len(data))), int(rng.integers(1, 256))
        other.write_bytes(data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])
        try:
            found = content(other, kind)
        except SpikecudaError as error:
            assert str(other) in str(error)
            refused += 1
        else:
            assert found == whole, at
    assert refused > 0.8 * TRIES


def test_cut_files_are_refused(saved, tmp_path):
    path, kind, _ = saved
    data, other = path.read_bytes(), tmp_path / "b.spk"
    for size in (0, 1, 100, len(data) // 2, len(data) - 30, len(data) - 1):
        other.write_bytes(data[:size])
        with pytest.raises(SpikecudaValueError, match=str(other)):
            content(other, kind)


def changed(parts, member, **values):
    """Return members with other entries in the JSON text of one of them."""
    text = np.load(_stream(parts[f"{member}.npy"])).tobytes()
    tree = {**json.loads(text), **values}
    return {**parts, f"{member}.npy": npy(np.frombuffer(json.dumps(tree).encode(), np.uint8))}


def _stream(data):
    return io.BytesIO(data)


def test_other_files_are_refused_by_name(saved, tmp_path):
    path, kind, _ = saved
    parts, other = members(path), tmp_path / "b.spk"
    state = next(name for name in parts if name.startswith("state/"))
    array = np.load(_stream(parts[state]))
    cases = {
        f"format {FORMAT + 1}.* or a later one": changed(parts, "header", format=FORMAT + 1),
        f"format {FORMAT - 1},.*; use that": changed(parts, "header", format=FORMAT - 1),
        "must hold a": changed(parts, "header", kind="other"),
        "no header": changed(parts, "header", name="something else"),
        "hash of its description": changed(parts, "description", dt=0.2),
        f"{state[:-4]}.* must be": {**parts, state: npy(array.astype(">f8"))},
        f"array '{state[:-4]}'": {**parts, state: npy(array[:-1])},
        "not those of its header": {k: v for k, v in parts.items() if k != state},
        "not those of its header .*more": {**parts, "more.npy": npy(array)},
        "it has no header": {"a.npy": npy(array)},
    }
    for message, content_of in cases.items():
        write(other, content_of)
        with pytest.raises(SpikecudaValueError, match=message) as error:
            content(other, kind)
        assert str(other) in str(error.value)


def test_pickles_are_not_read(saved, tmp_path):
    path, kind, _ = saved
    parts = members(path)
    state = next(name for name in parts if name.startswith("state/"))
    stream = io.BytesIO()
    np.save(stream, np.array([print], dtype=object), allow_pickle=True)
    write(tmp_path / "b.spk", {**parts, state: stream.getvalue()})
    with pytest.raises(SpikecudaValueError, match=state[:-4]):
        content(tmp_path / "b.spk", kind)


def test_each_class_loads_its_own(saved):
    path, kind, _ = saved
    for other in (GPUNeuronPool, MultiGPUNeuronSystem, Network):
        if kind not in other.__name__.lower():
            with pytest.raises(SpikecudaValueError, match=f"got a saved {kind}"):
                other.load(path)


def test_what_is_no_file_is_refused(tmp_path):
    for kind in (GPUNeuronPool, MultiGPUNeuronSystem, Network):
        with pytest.raises(OSError, match="missing"):
            kind.load(tmp_path / "missing")
        with pytest.raises(SpikecudaValueError, match="folder"):
            kind.load(tmp_path)
