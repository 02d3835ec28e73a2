"""What is kept of networks, what is refused, and files that fit nothing."""

import inspect
import io
import json

import numpy as np
import pytest
from damage import members, npy, small_network, write

from spikecuda import Constant, Normal, Poisson
from spikecuda.common import npz
from spikecuda.errors import ClosedError, DeviceError, SpikecudaError, SpikecudaTypeError
from spikecuda.errors import SpikecudaValueError as ValueRefused
from spikecuda.kernels.network import layout
from spikecuda.network import ExpCurrent, Network, OneToOne, SpikeTrain
from spikecuda.network.saving.description import CLASSES, Teller
from spikecuda.network.synapses.builder import Builder
from spikecuda.plasticity import STDP
from spikecuda.saving.codec import Decoder, Encoder
from spikecuda.saving.save_file import read_save

CPU = {"devices": "cpu", "threads": 1}


def test_all_that_was_told_comes_back(tmp_path):
    path = tmp_path / "net.spk"
    with small_network() as net:
        source = net.source("s", 3, SpikeTrain([1.0, 2.0], [0, 1]), at_once=3)
        fed = net.connect(
            source, net["E"][5:8], OneToOne(), Normal(3.0, 0.5), 2.0, max_weight=30.0,
            multapses=False,
        )  # fmt: skip
        gone = net.drive("E", SpikeTrain([3.5], weight=3.0))
        some = net.drive(net["E"][[1, 5]], Poisson(30.0, 4.0))
        kick = net.drive("E", SpikeTrain([3.0], weight=2.0))
        net.record("E", ["spikes", "v"], every=0.5, only=[1, 3])
        net.record(net.projections[0], "weight", every=2.0, only=slice(0, 5))
        net.projections[0].normalise(100.0, every=3.0)
        net.run(4.0)
        gone.remove()
        late = net.drive("E", SpikeTrain([6.0], weight=4.0))
        net.drive("E", SpikeTrain([7.0], weight=4.0)).remove()
        kick.times = [5.0]
        source.train = SpikeTrain([4.5, 5.5], [2, 2])
        some.rate = 2000.0
        fed.weights = 7.0
        net["E"].params["tau_m"] = 12.0
        net["E"].receptors["exc"] = ExpCurrent(4.0)
        net.projections[0].plastic = False
        net.save(path)
        want = net.run(6.0)
        handles = [some, kick, late]
        with Network.load(path, **CPU) as other:
            assert other.time == 4.0
            assert [p.name for p in other.projections] == [p.name for p in net.projections]
            assert other["E"].params["tau_m"] == 12.0
            assert other["E"].receptors["exc"] == ExpCurrent(4.0)
            assert not other.projections[0].plastic
            assert other.projections[1].max_weight == 30.0
            assert np.array_equal(other["s"].train.times, [4.5, 5.5])
            assert len(other.drives) == 4
            for mine, theirs in zip(handles, other.drives[1:], strict=True):
                assert repr(mine) == repr(theirs)
            assert other.drives[1].rate == 2000.0
            assert np.array_equal(other.drives[2].times, [5.0])
            got = other.run(6.0)
            assert got.trace_ids["E"].tolist() == [1, 3]
            for a, b in ((got, want), (other.result, got)):
                assert np.array_equal(a.spikes["E"].step, b.spikes["E"].step)
                assert np.array_equal(a.traces["E"]["v"], b.traces["E"]["v"])
                mine, theirs = (next(iter(r.synapses.values())) for r in (a, b))
                assert np.array_equal(mine["weight"], theirs["weight"])
            # Both have the same room left for weights, and go on alike.
            for made in (net, other):
                made.projections[0].plastic = True
                made.projections[1].weights = 29.0
                made.drives[0].rate = 6000.0
                made.reset(trial=4)
            a, b = net.run(8.0), other.run(8.0)
            assert np.array_equal(a.spikes["E"].step, b.spikes["E"].step)
            assert np.array_equal(net.projections[0].weights, other.projections[0].weights)
            assert other.save(path).read_bytes() == path.read_bytes()


def test_all_arguments_are_in_the_description():
    """A new argument fails here until a file has it."""
    with small_network() as net:
        net.source("s", 1, SpikeTrain([0.1]))
        net.drive("E", SpikeTrain([0.1], weight=1.0))
        net.build()
        tree = Teller(net, Encoder(0.1, CLASSES)).tree()
    both = tree["populations"]
    for method, found, elsewhere in (
        (net.connect, tree["projections"][0], set()),
        (net.population, {**both["E"], **both["E"]["neurons"]}, {"name", "n"}),
        (net.drive, tree["trains"][1], {"input"}),
        (net.source, {**both["s"], **tree["trains"][0]}, {"n"}),
    ):
        missing = set(inspect.signature(method).parameters) - set(found) - elsewhere
        assert not missing, method.__name__


def test_before_the_first_step_and_after_a_reset(tmp_path):
    path = tmp_path / "net.spk"
    with small_network() as net:
        net.source("s", 1, SpikeTrain([0.1, 0.2]))
        net.connect("s", "E", "all_to_all", 30.0, 0.1, plasticity=STDP(w_max=80.0))
        net.drive("E", SpikeTrain([0.1], weight=40.0))
        net.save(path)
        whole = net.run(12.0)
        with Network.load(path, **CPU) as other:
            first = other.run(12.0)
            assert np.array_equal(first.spikes["E"].step, whole.spikes["E"].step)
            assert np.array_equal(net.projections[0].weights, other.projections[0].weights)
        net.reset()
        net.save(path)
        whole = net.run(12.0)
    with Network.load(path, **CPU) as other:
        first = other.run(12.0)
        assert np.array_equal(first.spikes["E"].neuron, whole.spikes["E"].neuron)
        assert len(whole.spikes["E"])


def test_results_are_saved_so_far_and_join(tmp_path):
    path = tmp_path / "net.spk"
    with small_network() as net, small_network() as other:
        whole = net.run(20.0)

        def save(net, piece):
            if round(net.time) == 12:
                net.save(path)

        with pytest.raises(KeyboardInterrupt):
            other.run(20.0, every=4.0, call=lambda n, p: save(n, p) or stop(n))
        assert other.time == 16.0
    with Network.load(path, **CPU) as loaded:
        assert loaded.result.stop == 12.0
        joined = loaded.result + loaded.run(8.0)
        assert np.array_equal(joined.spikes["E"].step, whole.spikes["E"].step)
    # However often it is loaded, runs that save themselves lose nothing.
    for part in (4.0, 4.0, 0.0):
        with Network.load(path, **CPU) as loaded:
            own = loaded.run(part, save_every=2.0, save_to=path)
            assert own.duration == part
            assert (loaded.result.start, loaded.result.stop) == (0.0, loaded.time)
    with Network.load(path, **CPU) as loaded:
        assert np.array_equal(loaded.result.spikes["E"].step, whole.spikes["E"].step)
        loaded.record("E", "v")
        with pytest.raises(ValueRefused, match="save_to must be of a run that records what"):
            loaded.run(2.0, save_every=2.0, save_to=path)
        assert loaded.result.stop == loaded.time == 20.0
        loaded.run(0.0)
        loaded.run(2.0, save_every=2.0, save_to=path)
        assert loaded.result.start == 20.0
        loaded.reset()
        loaded.run(1.0, save_every=1.0, save_to=path)
        assert loaded.result.start == 0.0
        loaded.save(path, result=False)
    with Network.load(path, **CPU) as loaded, pytest.raises(SpikecudaError, match="no result"):
        _ = loaded.result


def stop(net):
    if round(net.time) == 16:
        raise KeyboardInterrupt


def test_what_cannot_be_saved_is_refused(tmp_path):
    path = tmp_path / "net.spk"
    net = small_network()
    assert net.save(path).exists()  # builds it
    assert net.built
    before = path.read_bytes()

    class Own(Constant):
        pass

    handle = net.drive("E", Own(1.0))
    with pytest.raises(SpikecudaTypeError, match="a drive of E cannot be saved"):
        net.save(path)
    handle.remove()
    with pytest.raises(SpikecudaError, match="running"):
        net.run(2.0, progress=lambda done, total: net.save(path))
    net.close()
    with pytest.raises(ClosedError):
        net.save(path)
    assert path.read_bytes() == before

    class Nowhere:
        def swap(self, lists):
            return lists

    with (
        small_network(exchange=Nowhere(), devices=["cpu"], threads=None) as net,
        pytest.raises(SpikecudaError, match="exchange"),
    ):
        net.save(path)
    assert [f.name for f in tmp_path.iterdir()] == ["net.spk"]


def test_what_cannot_be_loaded_is_refused(tmp_path):
    path, other = tmp_path / "net.spk", tmp_path / "other.spk"
    with small_network() as net:
        net.run(20.0)
        net.save(path)
    with pytest.raises((DeviceError, ValueRefused), match="nowhere"):
        Network.load(path, devices="nowhere:99")
    parts = members(path)

    def edited(change):
        """Write a file whose description is another one, with hashes that fit."""
        import hashlib

        tree = json.loads(np.load(io.BytesIO(parts["description.npy"])).tobytes())
        change(tree)
        text = json.dumps(tree).encode()
        header = json.loads(np.load(io.BytesIO(parts["header.npy"])).tobytes())
        digest = hashlib.sha256(text)
        values = {n[:-4]: np.load(io.BytesIO(d)) for n, d in parts.items() if "value/" in n}
        for name in sorted(values):
            a = values[name]
            digest.update(f"{name} {a.dtype.str} {a.shape}".encode())
            digest.update(a.tobytes())
        header["description"] = digest.hexdigest()
        return write(other, {
            **parts,
            "description.npy": npy(np.frombuffer(text, np.uint8)),
            "header.npy": npy(np.frombuffer(json.dumps(header).encode(), np.uint8)),
        })  # fmt: skip

    def rule(tree):
        tree["told"]["projections"][0]["rule"] = {"made": ["Popen", {"args": "ls"}]}

    def drawn(tree):
        tree["wiring"][0] += 1

    def seed(tree):
        tree["wiring_seed"] = tree["wiring_seed"] + 1

    def model(tree):
        tree["told"]["populations"]["E"]["neurons"]["model"] = {"model": ["lif", "0" * 64]}

    def plastic(tree):
        tree["told"]["projections"][0]["plasticity"]["rule"][0] = "no_such"

    def clock(tree):
        tree["moving"]["clock"] += 10

    for change, message in (
        (rule, "its description has"), (drawn, "this version draws"),
        (seed, "this version draws|rows"), (model, "one of the user's own"),
        (plastic, "'no_such' must be the one of spikecuda"), (clock, "no run can have sent"),
        (lambda tree: tree.pop("told"), "told"), (lambda tree: tree.update(dt="x"), "dt"),
    ):  # fmt: skip
        with pytest.raises(ValueRefused, match=message) as error:
            Network.load(edited(change), **CPU)
        assert str(other) in str(error.value)


def test_stored_rows_are_taken_if_they_fit(tmp_path, monkeypatch):
    path, other = tmp_path / "net.spk", tmp_path / "other.spk"
    with small_network() as net:
        net.save(path, rows=True)
        want = net.run(20.0).spikes["E"]
    monkeypatch.setattr(Builder, "build", None)  # nothing is drawn
    with Network.load(path, **CPU) as loaded:
        assert np.array_equal(loaded.run(20.0).spikes["E"].step, want.step) and len(want)
    parts = members(path)
    for name, change in (
        ("delays", lambda delays: delays & layout.DELAY),  # where do rows end?
        ("delays", lambda delays: delays & layout.LAST), ("delays", lambda delays: delays + 1),
        ("targets", lambda targets: targets + 40), ("rows", lambda rows: rows[::-1]),
        ("starts", lambda starts: starts[::-1]),
    ):  # fmt: skip
        member = f"rows/0/0/0/{name}.npy"
        array = np.load(io.BytesIO(parts[member]))
        write(other, {**parts, member: npy(change(array).astype(array.dtype))})
        with pytest.raises(ValueRefused, match=f"array 'rows/0/0/0/(rows|{name})'") as error:
            Network.load(other, **CPU)
        assert str(other) in str(error.value)


def test_large_arrays_of_synapses_stay_in_the_file_once_checked(tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "BLOCK", 64)
    path = tmp_path / "net.spk"
    with small_network() as net:
        net.run(8.0)
        net.save(path)
        want = net.run(8.0).spikes["E"]
        learned = net.projections[0].weights
    kept = read_save(path, "network", "synapses/").arrays
    assert {name for name, array in kept.items() if not array.flags.writeable} == {
        name for name in kept if name.startswith("synapses/")
    }
    assert all(np.array_equal(kept[k], v) for k, v in read_save(path, "network").arrays.items())
    with Network.load(path, **CPU) as loaded:
        assert np.array_equal(loaded.run(8.0).spikes["E"].step, want.step)
        assert np.array_equal(loaded.projections[0].weights, learned)
    raw = bytearray(path.read_bytes())
    raw[raw.index(kept["synapses/0/w"].tobytes()) + 9] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ValueRefused, match="Bad CRC"):
        Network.load(path, **CPU)


def test_arrays_are_written_part_by_part(tmp_path):
    parts = [np.arange(3), np.arange(0), np.arange(3, 10)]
    for size in (10, 11):
        streamed = npz.Streamed(np.dtype(np.int32), size, lambda: iter(parts))
        try:
            with npz.writing_npz(tmp_path / "a.npz") as file:
                file.add("a", streamed)
                file.add("b", np.arange(3))
        except SpikecudaError as error:
            assert size == 11 and "must have 11 numbers (got 10)" in str(error)
        with np.load(tmp_path / "a.npz") as found:
            assert np.array_equal(found["a"], np.arange(10)) and found["a"].dtype == np.int32
            assert np.array_equal(found["b"], np.arange(3))
    assert len(list(tmp_path.iterdir())) == 1


def test_names_and_options_that_cannot_be_used(tmp_path):
    there = tmp_path / "net.spk"
    with small_network() as net:
        net.save(there)
        for path, message in (
            ("", "path must be the name of a file"),
            (f"{tmp_path}/x.spk/", "leave out the slash"),
            (tmp_path / "no" / "x.spk", r"path must be in a folder that exists \(got .*make"),
            (there / "x", "folder that exists .* it is a file"),
            (tmp_path / ("x" * 256), "at most 255 bytes"),
        ):
            with pytest.raises(ValueRefused, match=message):
                net.save(path)
            with pytest.raises(ValueRefused, match=message.replace("path", "save_to")):
                net.run(1.0, save_every=1.0, save_to=path)
        for options in ({"result": "no"}, {"rows": 2}, {"rows": None}):
            with pytest.raises(SpikecudaTypeError, match="must be True or False"):
                net.save(there, **options)
        assert net.time == 0.0
    assert [f.name for f in tmp_path.iterdir()] == ["net.spk"]
    with pytest.raises(ValueRefused, match="name of a file"):
        Network.load("")
    for models in (3, STDP, "STDP"):
        with pytest.raises(SpikecudaTypeError, match=r"models must be a list"):
            Network.load(there, models=models)


class Own(STDP):
    """A rule of the test's own."""

    name = "own_of_saving"


def test_own_rules_must_be_there():
    from spikecuda.plasticity import registry

    tree = Encoder(0.1).tree("a rule", Own(w_max=5.0))
    assert repr(Decoder({}).value(tree)) == repr(Own(w_max=5.0))
    known = registry._RULES.pop(Own.name)
    try:
        with pytest.raises(ValueRefused, match=r"import the module .* or pass load\(..., models="):
            Decoder({}).value(tree)
        assert type(Decoder({}, models=[Own]).value(tree)) is Own
    finally:
        registry.register(known)
    tree["rule"][1] = "0" * 64
    with pytest.raises(ValueRefused, match="source that it had"):
        Decoder({}).value(tree)
