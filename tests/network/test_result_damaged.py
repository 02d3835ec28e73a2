"""A result's file may hold anything: what no run can have recorded is refused, in words."""

import io
import json
import random
import struct
import warnings
import zipfile
import zlib

import numpy as np
import pytest
from recorded import make

from spikecuda import SpikecudaError
from spikecuda.errors import OutOfMemoryError, SpikecudaValueError
from spikecuda.network.results.result import NetworkResult


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return make().save(tmp_path_factory.mktemp("good") / "run.npz").read_bytes()


@pytest.fixture
def content(good):
    """The arrays of a good file, and its metadata."""
    with np.load(io.BytesIO(good)) as file:
        arrays = dict(file)
    return arrays, json.loads(str(arrays.pop("metadata")))


def written(tmp_path, arrays, about):
    text = about if isinstance(about, str) else json.dumps(about)
    path = tmp_path / "bad.npz"
    np.savez(path, metadata=np.array(text), **arrays)
    return path


def refused(path, *words):
    with pytest.raises(SpikecudaValueError) as caught:
        NetworkResult.load(path)
    for word in ("path must be a file that NetworkResult.save wrote", str(path), *words):
        assert word in str(caught.value)


BAD_NUMBERS = [0.0, -0.1, float("nan"), float("inf"), "0.1", None, True, [0.1], {}, 10**400]


@pytest.mark.parametrize("key", ["dt", "start", "duration", "seconds"])
@pytest.mark.parametrize("value", BAD_NUMBERS, ids=lambda v: str(v)[:10])
def test_times_are_numbers_that_a_run_can_have(tmp_path, content, key, value):
    arrays, about = content
    if value == 0.0 and key != "dt":
        value = -1e-300
    refused(written(tmp_path, arrays, {**about, key: value}), key)


def test_times_are_on_the_grid(tmp_path, content):
    arrays, about = content
    refused(written(tmp_path, arrays, {**about, "duration": 1000.04}), "multiple of dt")
    refused(written(tmp_path, arrays, {**about, "duration": 1e300}), "2^62 steps")
    refused(written(tmp_path, arrays, {**about, "dt": 1e-300}), "2^62 steps")


@pytest.mark.parametrize("key", ["dt", "sizes", "spikes", "ids", "traces", "units", "trace_ids"])
def test_nothing_is_missing(tmp_path, content, key):
    arrays, about = content
    del about[key]
    refused(written(tmp_path, arrays, about), key)


@pytest.mark.parametrize("size", [-1, 2**31, 2**80, 1.5, "9", None, True, [3]])
def test_sizes_are_counts(tmp_path, content, size):
    arrays, about = content
    about["sizes"]["thalamus"] = size
    refused(written(tmp_path, arrays, about), "sizes of thalamus must be from 0")


@pytest.mark.parametrize("key", ["spikes", "ids", "trace_times", "trace_ids"])
@pytest.mark.parametrize("names", ["thalamus", ["nobody"], [1], None, {}, [["L2/3E"]]])
def test_names_are_of_populations(tmp_path, content, key, names):
    arrays, about = content
    refused(written(tmp_path, arrays, {**about, key: names}))


@pytest.mark.parametrize("key", ["traces", "units"])
@pytest.mark.parametrize("value", [[], "v", {"L2/3E": "v"}, {"L2/3E": 3}, {"nobody": {}}, None])
def test_traces_and_units_are_by_population(tmp_path, content, key, value):
    arrays, about = content
    refused(written(tmp_path, arrays, {**about, key: value}), key)


def spoiled(change):
    def make_it(arrays):
        step, neuron = arrays["spikes/thalamus/step"], arrays["spikes/thalamus/neuron"]
        change(arrays, step, neuron)

    return make_it


def put(array, at, value):
    array[at] = value


CHANGES = {
    "one shorter": (lambda a, s, n: a.update({"spikes/thalamus/step": s[:-1]}), "one length"),
    "none": (lambda a, s, n: a.pop("spikes/thalamus/step"), "no array"),
    "reversed": (
        lambda a, s, n: a.update({"spikes/thalamus/step": s[::-1].copy()}), "must be sorted",
    ),
    "two swapped": (lambda a, s, n: put(s, [5, 500], s[[500, 5]]), "must be sorted"),
    "before": (lambda a, s, n: put(s, 0, 2499), "from 2,500 to 12,499"),
    "after": (lambda a, s, n: put(s, -1, 12500), "got 12,500"),
    "long before": (lambda a, s, n: put(s, 0, -(2**63)), "step of thalamus"),
    "negative neuron": (lambda a, s, n: put(n, 3, -1), "neuron of thalamus"),
    "no such neuron": (lambda a, s, n: put(n, 3, 50), "from 0 to 49"),
    "not recorded": (lambda a, s, n: put(n, 0, 1), "ids/thalamus"),
    "floats": (lambda a, s, n: a.update({"spikes/thalamus/step": s.astype(float)}), "kind i"),
    "unsigned": (lambda a, s, n: a.update({"spikes/thalamus/neuron": n.astype("u4")}), "kind i"),
    "flat": (lambda a, s, n: a.update({"spikes/thalamus/step": s[None]}), "1 dimensions"),
    "objects": (
        lambda a, s, n: a.update({"spikes/thalamus/step": s.astype(object)}), "kind i",
    ),
    "ids beyond": (lambda a, s, n: put(a["ids/thalamus"], 0, 50), "ids of thalamus"),
    "ids of floats": (
        lambda a, s, n: a.update({"ids/thalamus": a["ids/thalamus"] + 0.5}), "kind i",
    ),
    "trace ids": (lambda a, s, n: put(a["trace_ids/L2/3E"], 0, -3), "trace_ids of L2/3E"),
    "samples": (
        lambda a, s, n: a.update({"traces/silent/x": a["traces/silent/x"][1:]}), "100 samples",
    ),
    "columns": (
        lambda a, s, n: a.update({"traces/L2/3E/v": a["traces/L2/3E/v"][:, 1:]}), "3 neurons",
    ),
    "times": (lambda a, s, n: put(a["trace_times/silent"], 3, np.nan), "trace_times of silent"),
    "times back": (lambda a, s, n: put(a["trace_times/silent"], 3, 0.0), "finite and increase"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_arrays_are_what_a_run_can_have_recorded(tmp_path, content, name):
    arrays, about = content
    change, words = CHANGES[name]
    change(arrays, arrays["spikes/thalamus/step"], arrays["spikes/thalamus/neuron"])
    refused(written(tmp_path, arrays, about), words)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "null", "[]", "{", '{"format": NaN}', "9" * 5000, "\ud800"],
    ids=range(8),
)
def test_metadata_that_is_something_else(tmp_path, content, text):
    refused(written(tmp_path, content[0], text))


def npz(path, members):
    """Write members as they are: (name, bytes, compression)."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data, kind in members:
            archive.writestr(name, data, kind)
    return path


def npy(shape, descr="<i8", data=b"", version=(1, 0), fortran=False):
    """Return an npy member with any header."""
    head = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    size = struct.pack("<H" if version == (1, 0) else "<I", len(head))
    return b"\x93NUMPY" + bytes(version) + size + head + data


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (npy("(10**15,)"), ""),
        (npy("(1000000000000000,)"), "declares 8,000,000,000,000,000 bytes and has 0"),
        (npy("(4000000000, 4000000000)"), ""),
        (npy("(-1,)"), "shape"),
        (npy("(True,)", data=bytes(8)), "shape"),
        (npy("(2,)", data=bytes(24)), "declares 16 bytes and has 24"),
        (npy("(0, 99999999999999999999)"), "dimensions"),
        (npy("(9,)", "|V0"), "kind i"),
        (npy("(1,)", "|O", data=b"cos\nsystem\n(S'echo owned'\ntR."), "kind i"),
        (npy("(1,)", "<U1", data=bytes(4)), "kind i"),
        (npy("(1,)", [("a", "<i8")], data=bytes(8)), "kind i"),
        (npy("(" * 3000 + "1" + ")" * 3000), ""),
        (npy("(1,)", data=bytes(8), version=(2, 0)), "npy format"),
        (npy("(1,)", data=bytes(8), version=(9, 9)), ""),
        (npy("(10L,)", data=bytes(80)), ""),
        (b"\x93NUMPY\x01\x00\xff\xff" + b" " * 65535, ""),
        (b"\x93NUMPY", ""),
        (b"", ""),
    ],
)
def test_an_array_that_declares_what_it_has_not(tmp_path, content, member, words):
    arrays, about = content
    name = "spikes/thalamus/step"
    text = io.BytesIO()
    np.save(text, np.array(json.dumps(about)))
    members = [("metadata.npy", text.getvalue(), zipfile.ZIP_STORED), (f"{name}.npy", member, 0)]
    for other, array in arrays.items():
        if other != name:
            data = io.BytesIO()
            np.save(data, array)
            members.append((f"{other}.npy", data.getvalue(), zipfile.ZIP_STORED))
    refused(npz(tmp_path / "bad.npz", members), words)


def test_a_bomb_takes_no_memory(tmp_path, monkeypatch):
    """A gigabyte of zeros is a megabyte of file; it is held against the memory that is there."""
    monkeypatch.setattr("spikecuda.common.host_memory.available_memory", lambda: 100 << 20)
    count = 1 << 25
    head = npy(f"({count},)")
    text = io.BytesIO()
    about = {
        "format": "spikecuda network result 1", "dt": 0.1, "start": 0.0, "duration": 1.0,
        "seconds": 0.0, "sizes": {"E": 1}, "spikes": ["E"], "ids": [], "traces": {},
        "trace_times": [], "trace_ids": [], "units": {},
    }  # fmt: skip
    np.save(text, np.array(json.dumps(about)))
    path = npz(tmp_path / "bomb.npz", [
        ("metadata.npy", text.getvalue(), zipfile.ZIP_STORED),
        ("spikes/E/step.npy", head + bytes(8 * count), zipfile.ZIP_DEFLATED),
    ])  # fmt: skip
    assert path.stat().st_size < 1 << 20
    with pytest.raises(OutOfMemoryError, match="spikes/E/step"):
        NetworkResult.load(path)
    huge = npy("()", "<U17000000") + bytes(4 * 17_000_000)
    path = npz(tmp_path / "text.npz", [("metadata.npy", huge, zipfile.ZIP_DEFLATED)])
    refused(path, "metadata has 68,000,")


def test_a_directory_of_a_million_arrays_takes_no_memory(tmp_path, monkeypatch, good):
    monkeypatch.setattr("spikecuda.common.host_memory.available_memory", lambda: 8 << 20)
    path = tmp_path / "many.npz"
    path.write_bytes(good)
    NetworkResult.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(20_000):
            archive.writestr(f"{i}.npy", b"")
    with pytest.raises(OutOfMemoryError, match=r"the directory of .*many.npz needs"):
        NetworkResult.load(path)
    data = bytearray(path.read_bytes())
    data[data.rfind(b"PK\5\6") + 12 : data.rfind(b"PK\5\6") + 16] = b"\xff\xff\xff\x7f"
    path.write_bytes(bytes(data))
    with pytest.raises(SpikecudaError, match=r"many.npz"):
        NetworkResult.load(path)


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_that_numpy_does_not_write(tmp_path, good, kind):
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        members = [(name, archive.read(name), kind) for name in archive.namelist()]
    refused(npz(tmp_path / "bad.npz", members), "compressed unusually")


def patched(data, offsets, value):
    """Return a zip file with a field of every central record (and local one) set."""
    result = bytearray(data)
    for signature, offset in offsets:
        at = result.find(signature)
        while at >= 0:
            struct.pack_into("<H", result, at + offset, value)
            at = result.find(signature, at + 4)
    return bytes(result)


@pytest.mark.parametrize(
    ("field", "value"),
    [("flags", 1), ("method", 99), ("method", 6), ("flags", 0x20), ("flags", 64)],
)
def test_fields_of_the_zip_that_numpy_does_not_write(tmp_path, good, field, value):
    offsets = {"flags": (8, 6), "method": (10, 8)}[field]
    path = tmp_path / "bad.npz"
    path.write_bytes(patched(good, [(b"PK\1\2", offsets[0]), (b"PK\3\4", offsets[1])], value))
    refused(path)


def test_two_arrays_of_one_name(tmp_path, good):
    path = tmp_path / "bad.npz"
    path.write_bytes(good)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("metadata.npy", npy("()", "<U2", "{}".encode("utf-32-le")))
    refused(path, "two arrays 'metadata'")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "hello")
    refused(path, "no array")


def test_what_is_no_file(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    for path, word in ((tmp_path, "folder"), (tmp_path / "pipe", "pipe"), ("/dev/zero", "device")):
        with pytest.raises(SpikecudaValueError, match=word):
            NetworkResult.load(path)
    with pytest.raises(SpikecudaValueError, match="NUL"):
        NetworkResult.load("a\0b")


def refused_or_right(path, right):
    """Load; fail for anything but the right result or an own error.  Return whether it came out."""
    try:
        found = NetworkResult.load(path)
    except SpikecudaError as error:
        assert str(path) in str(error)
        return False
    assert (found.dt, found.sizes, found.units) == (right.dt, right.sizes, right.units)
    for name, spikes in right.spikes.items():
        assert np.array_equal(found.spikes[name].step, spikes.step)
        assert np.array_equal(found.spikes[name].neuron, spikes.neuron)
    for name, traces in right.traces.items():
        assert all(np.array_equal(found.traces[name][v], trace) for v, trace in traces.items())
    return True


def test_every_truncation_is_refused(tmp_path, good):
    path, right, size = tmp_path / "cut.npz", make(), len(good)
    for end in sorted({*range(200), *range(size - 400, size), *range(0, size, size // 150)}):
        path.write_bytes(good[:end])
        assert not refused_or_right(path, right), end


def test_no_flipped_bit_gives_another_result(tmp_path, good):
    """It is refused, or the bit is in a field of the zip that says nothing."""
    path, draw, right = tmp_path / "flipped.npz", random.Random(3), make()
    tail, size = good.find(b"PK\1\2"), len(good)
    places = [draw.randrange(size) for _ in range(200)]
    places += [draw.randrange(tail, size) for _ in range(300)]
    places += list(range(good.rfind(b"PK\5\6"), size))
    came_out = 0
    for at in places:
        data = bytearray(good)
        data[at] ^= 1 << draw.randrange(8)
        path.write_bytes(bytes(data))
        came_out += refused_or_right(path, right)
    assert came_out < len(places) // 2


def test_sizes_in_the_directory_are_not_believed(tmp_path, good):
    """Sizes of all members, as they are and compressed, set to 0, to little, to 4 GB."""
    path, right = tmp_path / "sizes.npz", make()
    for value in (0, 10, 2**31, 2**32 - 2, 2**32 - 1):
        for which in (20, 24):
            data = bytearray(good)
            at = data.find(b"PK\1\2")
            while at >= 0:
                struct.pack_into("<I", data, at + which, value)
                at = data.find(b"PK\1\2", at + 4)
            path.write_bytes(bytes(data))
            assert not refused_or_right(path, right) or which == 20


def test_a_checksum_is_compared(tmp_path, content, good):
    arrays, about = content
    path = written(tmp_path, arrays, about)
    data = bytearray(path.read_bytes())
    raw = arrays["traces/L2/3E/v"].tobytes()
    at = data.find(raw)
    data[at + len(raw) // 2] ^= 1  # a value that is as good as the one before
    path.write_bytes(bytes(data))
    refused(path, "CRC")
    assert zlib.crc32(raw) != zlib.crc32(bytes(data[at : at + len(raw)]))
