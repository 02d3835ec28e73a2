"""NIR: Norse's traces, linear nodes against loops, there and back, and what cannot be."""

from itertools import pairwise
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import Network, Sine, SpikecudaError
from spikecuda.formats import from_nir, to_nir
from spikecuda.formats.nir.linear import linear_map
from spikecuda.network import Delta, ExpCurrent, FixedProbability, SpikeTrain

DATA = Path(__file__).parent / "data" / "nir"
BRAILLE = DATA / "braille_noDelay_bias_zero.nir"
OPTIONS = {"dt": 0.1, "reset": "value", "precision": "float64"}


@pytest.fixture(scope="module")
def norse():
    with np.load(DATA / "norse.npz") as file:
        return dict(file)


def test_trace_of_norse(norse):
    network = from_nir(DATA / "lif_norse.nir", **OPTIONS)
    network.net.record("n1", "v")
    spikes = network.run(norse["lif_input"][:, None])
    v = network.result.traces["n1"]["v"][:, 0]
    assert (spikes[:, 0] == norse["lif_spikes"]).sum() == 1000 and spikes.sum() == 4
    assert np.abs(v - norse["lif_v"]).max() < 1e-7  # Norse has float32


def test_braille_network_of_norse(norse):
    network = from_nir(BRAILLE, **OPTIONS)
    found = network.run(norse["braille_input"])
    assert (found == norse["braille_output"]).all() and found.sum() == 610
    assert network.shifts == {"lif1.lif": 0, "lif2": 1}
    again = from_nir(BRAILLE, **OPTIONS, threads=2, partitions=3)
    assert (again.run(norse["braille_input"]) == found).all()
    assert (network.run(norse["braille_input"]) == found).all()  # from the beginning


def convolved(x, weight, bias, stride, padding, dilation, groups):
    """Return a convolution as it is defined: a loop for each sum."""
    out, per, kh, kw = weight.shape
    padded = np.pad(x, ((0, 0), (padding[0],) * 2, (padding[1],) * 2))
    height = (padded.shape[1] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    width = (padded.shape[2] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    y = np.zeros((out, height, width))
    for o, i, j in np.ndindex(y.shape):
        first = o // (out // groups) * per
        for c, a, b in np.ndindex(per, kh, kw):
            value = padded[
                first + c, i * stride[0] + a * dilation[0], j * stride[1] + b * dilation[1]
            ]
            y[o, i, j] += weight[o, c, a, b] * value
    return y + bias[:, None, None]


@settings(max_examples=40)
@given(st.data())
def test_convolutions_are_what_they_are_defined_as(data):
    def draw(low, high):
        return data.draw(st.integers(low, high))

    rng = np.random.default_rng(draw(0, 99))
    groups, kernel = draw(1, 2), (draw(1, 3), draw(1, 3))
    per, out = draw(1, 2), groups * draw(1, 2)
    stride, padding = (draw(1, 2), draw(1, 3)), (draw(0, 2), draw(0, 1))
    dilation = (draw(1, 2), draw(1, 2))
    x = rng.normal(size=(per * groups, draw(5, 7), draw(5, 8)))
    weight, bias = rng.normal(size=(out, per, *kernel)), rng.normal(size=out)
    node = nir.Conv2d(x.shape[1:], weight, stride, padding, dilation, groups, bias)
    matrix, constant, shape = linear_map("here", "Conv2d", node, x.shape)
    wanted = convolved(x, weight, bias, stride, padding, dilation, groups)
    assert shape == wanted.shape
    assert np.allclose(matrix @ x.ravel() + constant, wanted.ravel(), atol=1e-12)
    if groups == 1:  # one dimension is two, of which one has the length 1
        line = nir.Conv1d(x.shape[2], weight[:, :, 0], stride[1], padding[1], dilation[1], 1, bias)
        matrix, constant, shape = linear_map("here", "Conv1d", line, (per, x.shape[2]))
        row = convolved(
            x[:, :1], weight[:, :, :1], bias, (1, stride[1]), (0, padding[1]), (1, dilation[1]), 1
        )
        assert np.allclose(matrix @ x[:, 0].ravel() + constant, row.ravel(), atol=1e-12)
    for kind, divisor in (("SumPool2d", 1.0), ("AvgPool2d", float(np.prod(kernel)))):
        pad = tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=True))
        pool = getattr(nir, kind)(np.array(kernel), np.array(stride), np.array(pad))
        matrix, constant, shape = linear_map("here", kind, pool, x.shape)
        ones = np.ones((len(x), 1, *kernel)) / divisor
        wanted = convolved(x, ones, np.zeros(len(x)), stride, pad, (1, 1), len(x))
        assert constant is None and np.allclose(matrix @ x.ravel(), wanted.ravel(), atol=1e-12)


def test_same_padding():
    x, rng = np.arange(12.0).reshape(1, 3, 4), np.random.default_rng(1)
    weight = rng.normal(size=(1, 1, 3, 2))
    node = nir.Conv2d((3, 4), weight, 1, "same", 1, 1, np.zeros(1))
    matrix, _, shape = linear_map("here", "Conv2d", node, x.shape)
    # PyTorch: where the zeros cannot be halved, one more is behind.
    behind = np.pad(x, ((0, 0), (1, 1), (0, 1)))
    wanted = convolved(behind, weight, np.zeros(1), (1, 1), (0, 0), (1, 1), 1)
    assert shape == (1, 3, 4) and np.allclose(matrix @ x.ravel(), wanted.ravel())


def ones(n, value=1.0):
    return np.full(n, value)


def deep() -> nir.NIRGraph:
    """A graph with nearly every node, whose layers are 0 to 2 steps late here."""
    rng = np.random.default_rng(7)
    nodes = {
        "input": nir.Input(np.array([2, 6, 6])),
        "conv": nir.Conv2d((6, 6), rng.normal(size=(3, 2, 3, 3)), 1, 1, 1, 1, np.zeros(3)),
        "if": nir.IF(r=np.full((3, 6, 6), 0.3), v_threshold=np.full((3, 6, 6), 1.0)),
        "pool": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "flat": nir.Flatten({"input": np.array([3, 3, 3])}, 0, -1),
        "delay": nir.Delay(rng.integers(0, 3, 27) * 1e-4),
        "affine": nir.Affine(rng.normal(size=(5, 27)), rng.normal(size=5)),
        "cuba": nir.CubaLIF(
            tau_syn=ones(5, 5e-4), tau_mem=ones(5, 1e-3), r=ones(5, 2.0), v_leak=ones(5, 0.1),
            v_threshold=ones(5), v_reset=ones(5, -0.2), w_in=ones(5, 1.5),
        ),
        "rec": nir.Linear(rng.normal(size=(5, 5))),
        "skip": nir.Linear(rng.normal(size=(2, 72)) * 0.1),
        "out": nir.Linear(rng.normal(size=(2, 5))),
        "li": nir.LI(tau=ones(2, 1e-3), r=ones(2), v_leak=ones(2)),
        "scale": nir.Scale(np.array([2.0, -1.0])),
        "output": nir.Output(np.array([2])),
    }  # fmt: skip
    way = ["input", "conv", "if", "pool", "flat", "delay", "affine", "cuba", "out", "li", "scale"]
    edges = [*pairwise([*way, "output"]), ("cuba", "rec"), ("rec", "cuba")]
    edges += [("input", "skip"), ("skip", "li")]
    return nir.NIRGraph(nodes, edges, type_check=False)


def stepped(graph, x, subtract):
    """Return the output of ``deep`` in each step, from the equations, one line each."""
    n = graph.nodes
    v_if, i, v, last = np.zeros((3, 6, 6)), np.zeros(5), ones(5, 0.1), None
    u, outputs, sent = np.ones(2), [], [np.zeros(27)] * 3
    late = np.rint(n["delay"].delay / 1e-4).astype(int)
    for frame in x:
        read = convolved(frame, n["conv"].weight, n["conv"].bias, (1, 1), (1, 1), (1, 1), 1)
        v_if = v_if + n["if"].r * read
        z = v_if > 1.0
        v_if = np.where(z, v_if - 1.0 if subtract else 0.0, v_if)
        pooled = z.reshape(3, 3, 2, 3, 2).sum(axis=(2, 4)).ravel().astype(float)
        sent = [pooled, *sent[:2]]
        delayed = np.array([sent[d][k] for k, d in enumerate(late)])
        current = n["affine"].weight @ delayed + n["affine"].bias
        if last is not None:
            current = current + n["rec"].weight @ last
        i = i + 0.2 * (-i + 1.5 * current)
        v = v + 0.1 * (0.1 - v + 2.0 * i)
        last = (v > 1.0).astype(float)
        v = np.where(last > 0, v - 1.0 if subtract else -0.2, v)
        u = u + 0.1 * (1.0 - u + n["out"].weight @ last + n["skip"].weight @ frame.ravel())
        outputs.append(u * n["scale"].scale)
    return np.array(outputs)


@pytest.mark.parametrize("reset", ["value", "subtract"])
def test_every_node_against_its_equation(reset):
    graph, rng = deep(), np.random.default_rng(3)
    x = rng.random((60, 2, 6, 6)) < 0.3
    network = from_nir(graph, **{**OPTIONS, "reset": reset})
    assert network.shifts == {"if": 0, "cuba": 1, "li": 2}
    network.net.record(network.names["if"], "v")  # the kernel of the trace above
    wanted = stepped(graph, x, reset == "subtract")
    found = network.run(x.astype(float))
    assert network.result.num_spikes > 300 and np.ptp(wanted) > 1.0
    assert np.abs(found - wanted).max() < 1e-6


def test_silent_nodes_and_thresholds_against_their_equations():
    rng, dt = np.random.default_rng(5), 1e-4
    nodes = {
        "input": nir.Input(np.array([3])), "i": nir.I(r=np.array([50.0, 200.0, -20.0])),
        "threshold": nir.Threshold(np.array([0.2, 0.0, -0.5])),
        "cuba": nir.CubaLI(
            tau_syn=ones(3, 5e-4), tau_mem=ones(3, 1e-3), r=ones(3, 2.0), v_leak=ones(3, 0.1),
            w_in=ones(3, 1.5),
        ),
        **{name: nir.Output(np.array([3])) for name in ("sum", "above", "average")},
    }  # fmt: skip
    edges = [("input", "i"), ("i", "sum"), ("input", "threshold"), ("threshold", "above")]
    edges += [("threshold", "cuba"), ("cuba", "average")]
    network = from_nir(nir.NIRGraph(nodes, edges, type_check=False), **OPTIONS)
    x = rng.normal(size=(50, 3))
    found = network.run(x)
    i, v, current, wanted = np.zeros(3), ones(3, 0.1), np.zeros(3), {"sum": [], "average": []}
    above = x > nodes["threshold"].threshold
    for step in range(50):
        i = i + dt * nodes["i"].r * x[step]
        current = current + 0.2 * (-current + 1.5 * above[step])
        v = v + 0.1 * (0.1 - v + 2.0 * current)
        wanted["sum"].append(i)
        wanted["average"].append(v)
    assert (found["above"] == above).all() and 0 < above.sum() < above.size
    for name, values in wanted.items():
        assert np.abs(found[name] - values).max() < 1e-6 and np.ptp(values) > 0.01


def test_there_and_back(tmp_path):
    net = Network(dt=0.1, seed=3, precision="float64")
    net.source("input", 10, SpikeTrain.poisson(10, 300.0, 0.1, 50.0, seed=2))
    for name, n, tau in (("E", 20, 5.0), ("I", 10, 20.0)):
        # One number for each neuron and the receptor's name: the kernel of what is read again.
        given = {"tau_m": tau, "c_m": tau, "v_rest": 1.0, "v_th": 15.0, "v_reset": 0.0}
        params = {key: ones(n, value) for key, value in {**given, "subtract": 0.0}.items()}
        net.population(name, n, "lif_euler", params, receptors={"to_v": Delta()})
    half = FixedProbability(0.5)
    net.connect("input", "E", half, 8.0, 0.1)
    net.connect("E", "I", half, 6.0, 0.3)
    net.connect("I", "E", half, -3.0, 0.1)
    net.connect("E", "E", half, 2.0, 0.1)
    ours = net.run(60.0)
    graph = to_nir(net, tmp_path / "net.nir", output="I")
    assert {type(node).__name__ for node in graph.nodes.values()} == {
        "Input", "LIF", "Linear", "Delay", "Output"
    }  # fmt: skip
    net.drive("E", 100.0)
    biased = [n for n in to_nir(net).nodes.values() if isinstance(n, nir.Affine)]
    assert len(biased) == 1 and (biased[0].bias == 100.0).all()
    back = from_nir(tmp_path / "net.nir", precision="float64")
    back.net.record("E", "v")  # the kernel of the trace above
    x = np.zeros((600, 10))
    points, trains = net["input"].train.on_grid(0.1, 10)
    np.add.at(x, (points - 1, trains), 1.0)
    sent = back.run(x)
    assert ours.num_spikes > 500 and sent.shape == (600, 10)
    for name in ("E", "I"):
        assert (ours.spikes[name].step == back.result.spikes[name].step).all()
        assert (ours.spikes[name].neuron == back.result.spikes[name].neuron).all()


def lif(n=2, **changed):
    given = {"tau": 1e-3, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0, **changed}
    return nir.LIF(**{name: ones(n, value) for name, value in given.items()})


def chain(*nodes):
    names = ["input", *(f"n{i}" for i in range(len(nodes))), "output"]
    ends = nir.Input(np.array([2])), nir.Output(np.array([2]))
    made = dict(zip(names, [ends[0], *nodes, ends[1]], strict=True))
    return nir.NIRGraph(made, list(pairwise(names)), type_check=False)


def circle():
    graph = chain(lif(), nir.Linear(np.eye(2)), lif(), nir.Linear(np.eye(2)))
    graph.edges.append(("n3", "n0"))
    return graph


def of_another_tool():
    graph = chain(lif())
    graph.metadata = {"dt": 1e-4}  # s
    return graph


LEAKY = nir.LI(tau=ones(2, 1e-3), r=ones(2), v_leak=ones(2, 0.0))
WRONG = {
    "no dt": (chain(lif()), {"dt": None}, r"dt must be given in ms, since NIR files have none"),
    "dt of another tool": (of_another_tool(), {"dt": None}, r"dt must be given in ms"),
    "no reset": (chain(lif()), {"reset": None}, r"reset must be value or subtract, since NIR"),
    "reset": (chain(lif()), {"reset": "subtrakt"}, r"'subtrakt'\); did you mean 'subtract'"),
    "tau": (chain(lif(tau=5e-5)), {}, r"n0: tau must be >= dt = 0.0001 s .*got 5e-05"),
    "NaN": (chain(nir.Linear(np.full((2, 2), np.nan)), lif()), {}, r"n0: weight must be finite"),
    "shape": (chain(nir.Linear(np.ones((3, 5))), lif()), {}, r"n0: weight .*\(outputs, 2\).*3, 5"),
    "sizes": (chain(lif(3)), {}, r"node 'n0' must read 3 values.*got 2"),
    "potential": (
        chain(LEAKY, nir.Linear(np.eye(2)), lif()), {}, r"'n2' must read spikes.*'n0', LI",
    ),
    "circle": (circle(), {}, r'circle have no first layer \(got n0 -> n2 -> n0\); timing="steps"'),
    "nothing": (
        nir.NIRGraph({"input": nir.Input(np.array([2])), "output": nir.Output(np.array([2]))}, [],
                     type_check=False), {}, r"'output' must read something",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_refused_by_name(name):
    graph, changed, message = WRONG[name]
    with pytest.raises(SpikecudaError, match=message):
        from_nir(graph, **{**OPTIONS, **changed})


def test_an_input_that_there_is_not_is_refused():
    network, x = from_nir(chain(lif()), **OPTIONS), np.zeros((3, 2))
    with pytest.raises(SpikecudaError, match=r"inputs input \(got input, inptu\)"):
        network.run({"input": x, "inptu": x})


def test_files_are_checked_before_they_are_read(tmp_path):
    for number, (change, message) in enumerate((
        ("type", r"f0.nir: node 'n0' must be one of LIF, .*got 'HodgkinHuxley'"),
        ("hollow", r"f1.nir, /node/nodes/n0/tau: declares 1,000,000,000 values.*got 0 bytes"),
        ("edges", r"f2.nir: .*'nobody'"),
    )):  # fmt: skip
        path = tmp_path / f"f{number}.nir"
        nir.write(path, chain(lif()))
        with h5py.File(path, "a") as file:
            node = file["node/nodes/n0"]
            if change == "type":
                del node["type"]
                node["type"] = "HodgkinHuxley"
            elif change == "hollow":
                del node["tau"]
                node.create_dataset("tau", (10**9,), np.float64, chunks=(1000,))
            else:
                edges = file["node/edges"]
                values = edges[()]
                values[0][1] = b"nobody"
                edges[...] = values
        with pytest.raises(SpikecudaError, match=message):
            from_nir(path, **OPTIONS)


def test_models_in_steps_are_written_as_they_are():
    net = Network(dt=0.1)
    net.source("s", 2, SpikeTrain([1.0]))
    ends = {"v_th": 2.0, "v_reset": 0.0, "subtract": 1.0}
    port = {"in": Delta()}
    net.population("a", 2, "lif_euler", {"tau_m": 5.0, "c_m": 20.0, **ends}, receptors=port)
    net.population("b", 2, "if", {"c_m": 0.5, **ends}, receptors=port)
    net.connect("s", "a", "one_to_one", 0.25, 0.1)
    net.connect("a", "b", "one_to_one", 0.25, 0.1)
    net.drive("a", 3.0)
    graph = to_nir(net)
    a, b = graph.nodes["a"], graph.nodes["b"]
    assert (a.tau == 5e-3).all() and (a.r == 0.25).all() and (a.v_threshold == 2.0).all()
    assert isinstance(b, nir.IF) and np.allclose(b.r, 0.2)
    weights = [n for n in graph.nodes.values() if isinstance(n, nir.Affine | nir.Linear)]
    # dt / tau r w = 0.25, and r w = 0.25: what a spike adds to v.
    assert np.allclose([n.weight[0, 0] for n in weights], [50.0, 1.25])
    assert (weights[0].bias == 3.0).all() and graph.metadata["reset"] == "subtract"
    assert from_nir(graph).net["a"].params["tau_m"][0] == pytest.approx(5.0, rel=1e-12)


def test_exact_neurons_are_written_with_the_time_constants_that_euler_needs():
    net = Network(dt=0.1)
    net.source("s", 2, SpikeTrain([1.0]))
    params = {"t_ref": 0.0, "tau_m": 10.0, "c_m": 50.0}
    net.population("a", 2, "lif", params, receptors={"in": Delta()})
    net.connect("s", "a", "one_to_one", 3.0, 0.1)
    graph = to_nir(net)
    a = graph.nodes["a"]
    weight = next(n.weight for n in graph.nodes.values() if isinstance(n, nir.Linear))
    assert np.allclose(1.0 - 1e-4 / a.tau, np.exp(-0.01)) and np.allclose(a.r, 0.2)
    assert np.allclose(1e-4 / a.tau * a.r * weight[0, 0], 3.0)  # what a spike adds to v


def test_what_nir_cannot_say_is_refused():
    net = Network()
    net.source("s", 1, SpikeTrain([1.0]))
    net.population("a", 2, "if", receptors={"in": Delta()})
    net.drive("a", Sine(1.0, frequency=5.0))
    with pytest.raises(SpikecudaError, match=r"a: inputs must be numbers or arrays \(got Sine"):
        to_nir(net)
    for receptors, params, message in (
        ({"in": Delta()}, {"t_ref": 2.0}, r"a: t_ref must be 0 ms"),
        ({"in": ExpCurrent(5.0)}, {"t_ref": 0.0}, r"a: lif must have Delta receptors"),
    ):
        net = Network()
        net.source("s", 1, SpikeTrain([1.0]))
        net.population("a", 2, "lif", params, receptors=receptors)
        with pytest.raises(SpikecudaError, match=message):
            to_nir(net)
    net = Network()
    net.source("s", 1, SpikeTrain([1.0]))
    net.population("a", 2, "if", receptors={"in": Delta()})
    net.connect("s", "a", "all_to_all", 1.0, 0.0)
    with net, pytest.raises(SpikecudaError, match=r"s -> a.*order must be 'nest', since NIR"):
        to_nir(net)


def test_graphs_within_graphs_are_one(norse):
    """A recurrent layer is often a graph of its own: here that of the Braille network."""
    flat = nir.read(BRAILLE)
    inner = {
        "input": nir.Input(np.array([38])), "lif": flat.nodes["lif1.lif"],
        "w_rec": flat.nodes["lif1.w_rec"], "output": nir.Output(np.array([38])),
    }  # fmt: skip
    ways = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    outer = {name: flat.nodes[name] for name in ("input", "fc1", "fc2", "lif2", "output")}
    outer["lif1"] = nir.NIRGraph(inner, ways, type_check=False)
    edges = [*pairwise(["input", "fc1", "lif1", "fc2", "lif2", "output"])]
    network = from_nir(nir.NIRGraph(outer, edges, type_check=False), **OPTIONS)
    assert network.shifts == {"lif1.lif": 0, "lif2": 1}
    assert (network.run(norse["braille_input"]) == norse["braille_output"]).all()
