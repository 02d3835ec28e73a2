"""SONATA: a published network spike for spike, there and back, and what cannot be."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikecuda import Network, SpikecudaError
from spikecuda.formats import from_sonata, to_sonata
from spikecuda.formats.sonata.spike_files import read_spikes
from spikecuda.network import AlphaCurrent, Delta, Pairs, SpikeTrain

DATA = Path(__file__).parent / "data"
CONFIG = DATA / "300_pointneurons" / "config.json"
STOP = 1500.0


def pairs(step, node) -> set[tuple[int, int]]:
    return set(zip(np.asarray(step).tolist(), np.asarray(node).tolist(), strict=True))


@pytest.fixture(scope="module")
def published():
    """The example of the SONATA repository, its run, and NEST's spikes."""
    simulation = from_sonata(CONFIG, precision="float64")
    result = simulation.run()
    with np.load(CONFIG.parent / "spikes_nest_dt0.1.npz") as file:
        nest = pairs(np.cumsum(file["step_gaps"], dtype=np.int64), file["node"])
    return simulation, result, nest


def test_every_spike_of_nest(published):
    simulation, result, nest = published
    nodes, times = simulation.spikes(result)["internal"]
    ours = pairs(np.rint(times / 0.1).astype(int), nodes)
    # NEST's recorder ends before those of the last step.
    last = {(step, node) for step, node in ours if step == 15_000}
    assert len(nest) == 18_777 and len(times) == 18_777 + len(last)
    assert ours - last == nest


def test_there_and_back(published, tmp_path):
    simulation, result, nest = published
    config = to_sonata(simulation.net, tmp_path, STOP, result)
    again = from_sonata(config, precision="float64")
    again.net.record("internal", "v", only=[0])  # the kernel of the first run, which has a report
    second = again.run()
    ours, theirs = result.spikes["internal"], second.spikes["internal"]
    assert pairs(theirs.step, theirs.neuron) == pairs(ours.step, ours.neuron)
    libsonata = pytest.importorskip("libsonata")
    spikes = libsonata.SpikeReader(str(tmp_path / "output" / "spikes.h5"))["internal"]
    read = spikes.get_dict()
    step = np.rint(np.asarray(read["timestamps"]) / 0.1).astype(int)
    assert spikes.sorting == "by_time" and pairs(step, read["node_ids"]) >= nest
    circuit = libsonata.CircuitConfig.from_file(str(tmp_path / "circuit_config.json"))
    assert circuit.node_populations == {"internal", "external"}
    edges = circuit.edge_population("external_to_internal_2")
    assert edges.size == 20_844 and edges.source == "external"


def test_positions_go_there_and_back(tmp_path):
    net, rng = Network(dt=0.1), np.random.default_rng(1)
    for name, axes in (("flat", 2), ("deep", 3)):
        ports = {"ex": AlphaCurrent(2.0), "in": AlphaCurrent(2.0)}
        at = rng.normal(size=(5, axes))
        net.population(name, 5, "lif", receptors=ports, positions=at)
    net.source("inputs", 4, SpikeTrain([1.0]), positions=rng.normal(size=(4, 3)))
    net.population("nowhere", 2, "lif", receptors=ports)
    again = from_sonata(to_sonata(net, tmp_path, 10.0)).net
    for name in ("flat", "deep", "inputs"):
        assert np.array_equal(again[name].positions, net[name].positions)
    assert again["nowhere"].space is None
    with h5py.File(tmp_path / "network/flat_nodes.h5", "a") as file:
        file["nodes/flat/0/x"][2] = np.nan  # one node without a place: none has one
    assert from_sonata(tmp_path / "simulation_config.json").net["flat"].space is None


def test_reports(published, tmp_path):
    simulation, result, _ = published
    simulation.config.output["spikes_file_csv"] = "spikes.csv"
    spikes, table, report = simulation.write(result, tmp_path)
    assert [spikes.name, report.name] == ["spikes.h5", "membrane_potential.h5"]
    # The table reads as an input does.
    for path, module in ((spikes, "h5"), (table, "csv")):
        nodes, times = read_spikes(path, module, ["internal"], None)["internal"]
        sent = simulation.spikes(result)["internal"]
        assert np.array_equal(nodes, sent[0]) and np.allclose(times, sent[1], rtol=1e-9)
    simulation.config.output["overwrite_output_dir"] = False
    for call in (simulation.require_writable, lambda folder: simulation.write(result, folder)):
        with pytest.raises(SpikecudaError, match=r"overwrite_output_dir is false, and .*spikes.h5"):
            call(tmp_path)
    assert "output.log_file: no such file is written" in simulation.ignored
    libsonata = pytest.importorskip("libsonata")
    frames = libsonata.ElementReportReader(str(report))["internal"]
    assert frames.data_units == "mV" and frames.get_node_ids() == [0, 80, 160, 240, 270]
    read = frames.get(node_ids=[160], tstart=0.1, tstop=100.0)
    here = result.traces["internal"]["v"][: len(read.times), 2]
    assert np.allclose(np.ravel(read.data), here, atol=1e-5)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The files of a network of four neurons and two sources; nothing is compiled for it."""
    net = Network(dt=0.1, precision="float64")
    ports = {"ex": AlphaCurrent(2.0), "in": AlphaCurrent(2.0)}
    net.population("cells", 4, "lif", {"v_th": np.linspace(-50.0, -47.0, 4)}, receptors=ports)
    net.source("inputs", 2, SpikeTrain([5.0, 6.0], [0, 1]))
    net.connect(
        "inputs", "cells", Pairs([0, 1, 1], [0, 1, 3]), np.array([5.0, 6.0, 7.0]), 1.5, "ex"
    )
    net.connect("cells", "cells", Pairs([0], [2]), -3.0, 1.0, "in")
    folder = tmp_path_factory.mktemp("sonata")
    to_sonata(net, folder, 10.0)
    return folder


NODES, EDGES = "network/cells_nodes.h5", "network/inputs_to_cells_0_edges.h5"
TYPES = "network/cells_node_types.csv"
IN_EDGES, IN_NODES = "/edges/inputs_to_cells_0", "/nodes/cells"


def array(file, name, values):
    """Return a change that puts other values in an array's place."""

    def change(root):
        with h5py.File(root / file, "a") as opened:
            attributes = dict(opened[name].attrs) if name in opened else {}
            if name in opened:
                del opened[name]
            opened[name] = values
            opened[name].attrs.update(attributes)

    return change


def text(file, before, after):
    def change(root):
        path = root / file
        content = path.read_text(encoding="utf-8")
        assert before in content
        path.write_text(content.replace(before, after), encoding="utf-8")

    return change


def setting(file, *keys, value):
    """Return a change of a JSON file."""

    def change(root):
        path = root / file
        content = json.loads(path.read_text(encoding="utf-8"))
        inner = content
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = value
        path.write_text(json.dumps(content), encoding="utf-8")

    return change


def hollow(root):
    """Let an array declare a thousand million values of which the file stores none."""
    with h5py.File(root / NODES, "a") as file:
        del file[f"{IN_NODES}/node_type_id"]
        file.create_dataset(f"{IN_NODES}/node_type_id", (10**9,), np.int64, chunks=(1000,))


def elsewhere(root):
    with h5py.File(root / EDGES, "a") as file:
        del file[f"{IN_EDGES}/edge_type_id"]
        file[f"{IN_EDGES}/edge_type_id"] = h5py.ExternalLink("other.h5", "/x")


def elsewhere_by_a_detour(root):
    with h5py.File(root / EDGES, "a") as file:
        del file[f"{IN_EDGES}/edge_type_id"]
        file["/detour"] = h5py.ExternalLink("cells_nodes.h5", IN_NODES)
        file[f"{IN_EDGES}/edge_type_id"] = h5py.SoftLink("/detour/node_type_id")


def of_others(root):
    with h5py.File(root / "inputs/inputs.h5", "a") as file:
        file.move("/spikes/inputs", "/spikes/others")


def table(content, **options):
    """Return a change that gives the input's spikes as a text."""

    def change(root):
        (root / "spikes.csv").write_bytes(content)
        given = {"module": "csv", "input_file": "$BASE_DIR/spikes.csv", **options}
        for key, value in given.items():
            setting(SIM, "inputs", "inputs", key, value=value)(root)

    return change


def cut(root):
    path = root / EDGES
    path.write_bytes(path.read_bytes()[:-700])


BIOPHYSICAL = text(TYPES, "point_neuron", "biophysical")
CLAMP = {"input_type": "current_clamp", "module": "IClamp", "node_set": "cells"}
SIM, CIRCUIT = "simulation_config.json", "circuit_config.json"
BAD = {
    "biophysical": (BIOPHYSICAL, r"cells_nodes.h5, /nodes/cells, row 0: model_type .*biophysical"),
    "template": (
        text(TYPES, "iaf_psc_alpha", "iaf_psc_alpa"),
        r"row 0: model_template .*alpa.*did you mean 'nest:iaf_psc_alpha'",
    ),
    "parameter": (
        text("cell_models/cells.json", '"tau_m"', '"tau_mm"'),
        r"cells.json: nest:iaf_psc_alpha has no parameter 'tau_mm'; did you mean 'tau_m'",
    ),
    "negative": (
        text("cell_models/cells.json", '"tau_m": 20.0', '"tau_m": -20.0'),
        r"cells_nodes.h5, /nodes/cells, row 0: tau_m must be > 0",
    ),
    "own parameter": (
        array(NODES, f"{IN_NODES}/0/dynamics_params/V_x", np.zeros(4)),
        r"row 0: lif has no .*'V_x'",
    ),
    "missing type": (
        array(NODES, f"{IN_NODES}/node_type_id", np.array([100, 100, 7, 100])),
        r"cells_nodes.h5, /nodes/cells, row 2: node_type_id .*cells_node_types.csv \(got 7",
    ),
    "source out of range": (
        array(EDGES, f"{IN_EDGES}/source_node_id", np.array([0, 1, 2])),
        r"edges.h5, /edges/inputs_to_cells_0, row 2: source_node_id .*inputs.* has 2 \(got 2",
    ),
    "target out of range": (
        array(EDGES, f"{IN_EDGES}/target_node_id", np.array([0, 2**62, 3])),
        r"row 1: target_node_id",
    ),
    "lengths": (
        array(EDGES, f"{IN_EDGES}/source_node_id", np.array([0, 1])), r"must have 3 rows.*got 2",
    ),
    "place": (
        array(EDGES, f"{IN_EDGES}/edge_group_index", np.array([0, 1, 9])),
        r"row 2: edge_group_index must be from 0 to 2",
    ),
    "declares and stores nothing": (hollow, r"declares 1,000,000,000 values.*got 0 bytes"),
    "another file": (elsewhere, r"must be in this file \(got a link to 'other.h5'"),
    "another file by a detour": (
        elsewhere_by_a_detour, r"must be in this file \(got a link to 'cells_nodes.h5'",
    ),
    "cut": (cut, r"must be SONATA edges \(got .*edges.h5: .*(truncated|eof)"),
    "kind": (
        array(EDGES, f"{IN_EDGES}/source_node_id", np.array([0.0, 1.0, 1.0])), r"must be integers",
    ),
    "weight": (
        array(EDGES, f"{IN_EDGES}/0/syn_weight", np.array([1.0, np.nan, 2.0])),
        r"row 1: syn_weight must be a finite number \(got none\)",
    ),
    "delay 0": (
        array(EDGES, f"{IN_EDGES}/0/delay", np.array([1.0, 1.0, 0.0])),
        r"row 2: delay must be >= dt = 0.1 ms \(got 0\)",
    ),
    "synapse": (
        text("network/inputs_to_cells_0_edge_types.csv", "static_synapse", "ht_synapse"),
        r"row 0: model_template .*stdp_synapse.*got 'ht_synapse'",
    ),
    "ids twice": (
        array(NODES, f"{IN_NODES}/node_id", np.array([0, 1, 1, 3])), r"row 2: .*once \(got 1 again",
    ),
    "columns": (text(TYPES, "100 ", "100 e "), r"line 2: must have 4 columns.*got 5"),
    "spikes at 0": (
        array("inputs/inputs.h5", "/spikes/inputs/timestamps", np.array([5.0, 0.0])),
        r"inputs.h5, spikes of inputs, row 1: .* > 0 ms",
    ),
    "spikes of nobody": (
        array("inputs/inputs.h5", "/spikes/inputs/node_ids", np.array([5, 0])),
        r"row 0: .*has 2 \(got 5",
    ),
    "spikes of others": (of_others, r"inputs.h5: must have spikes of inputs, .*got others"),
    "spikes in Latin-1": (
        table("timestamps node_ids\n1.0 0 # \u00e9\n".encode("latin-1")),
        r"spikes.csv must be a table of spikes, text in UTF-8 \(got 0xe9",
    ),
    "spikes of no node": (
        table(b"timestamps node_ids\n1.0 0\n1.5 99999999999999999999\n"),
        r"spikes.csv, line 3: must be timestamps, node_ids.*got '1.5 9999",
    ),
    "spikes at infinity": (
        table(b"timestamps node_ids\ninf 0\n"), r"spikes.csv, spikes of inputs, row 0: .*got inf",
    ),
    "sources of nothing": (
        table(
            b"timestamps population node_ids\n1.0 inputs 0\n",
            node_set={"population": "inputs", "node_id": {"$gt": 5}},
        ),
        r"inputs.inputs: node_set must have virtual nodes.*got none",
    ),
    "clamp of nothing": (
        setting(SIM, "inputs", "x", value={
            **CLAMP, "amp": 1.0, "delay": 1.0, "duration": 1.0,
            "node_set": {"population": "cells", "node_id": {"$gt": 5}},
        }),
        r"inputs.x: node_set must have neurons \(got none",
    ),
    "rule of a node set": (
        setting(SIM, "inputs", "inputs", "node_set", value={"node_id": [None]}),
        r"inputs.inputs: node_id must be numbers \(got None",
    ),
    "population of a node set": (
        setting(SIM, "inputs", "inputs", "node_set", value={"population": [["inputs"]]}),
        r"inputs.inputs: there is no population \['inputs'\]",
    ),
    "node set": (
        setting(SIM, "inputs", "inputs", "node_set", value="inptus"),
        r"inputs.inputs: there is no node set 'inptus'; did you mean 'inputs'",
    ),
    "not virtual": (
        setting(SIM, "inputs", "inputs", "node_set", value="cells"), r"must be of virtual nodes",
    ),
    "input": (
        setting(SIM, "inputs", "x", value={"input_type": "extracellular", "module": "xstim"}),
        r"inputs.x: input_type must be spikes, or current_clamp .*'extracellular'",
    ),
    "clamp": (
        setting(SIM, "inputs", "x", value={**CLAMP, "amp": 1.0, "delay": [1, 2], "duration": 1}),
        r"amp, delay and duration must be of one length \(got 1, 2, 1\)",
    ),
    "report": (
        setting(SIM, "reports", "r", value={"cells": "cells", "variable_name": "V_n"}),
        r"reports.r: variable_name .*'V_n'; did you mean 'V_m'",
    ),
    "reports in one file": (
        setting(SIM, "reports", "r", value={
            "cells": "cells", "variable_name": "V_m", "file_name": "spikes.h5"
        }),
        r"reports.r: file_name must be one that nothing else is written to \(got 'spikes.h5'",
    ),
    "variable of no receptor": (
        setting(SIM, "reports", "r", value={"cells": "cells", "variable_name": "g_ex"}),
        r"iaf_psc_alpha has no variable g_ex",
    ),
    "variable": (
        setting(CIRCUIT, "components", "point_neuron_models_dir", value="$MODELS"),
        r"circuit_config.json: components.point_neuron_models_dir names \$MODELS",
    ),
    "no JSON": (text(SIM, '"run"', '"run'), r"simulation_config.json must be .*no JSON: .*line"),
    "order": (setting(SIM, "output", "spikes_sort_order", value="up"), r"spikes_sort_order .*'up'"),
    "orders": (setting(SIM, "output", "spikes_sort_order", value=["id"]), r"order .*\['id'\]"),
    "folder": (setting(SIM, "output", "output_dir", value=5), r"output_dir must be a text .*5"),
    "digits": (setting(SIM, "run", "tstop", value=10**400), r"no JSON: the number 1000.* 64 bits"),
    "time": (setting(SIM, "run", "tstop", value="long"), r"run.tstop must be a number in ms"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refused_before_anything_is_built(name, small, tmp_path):
    change, message = BAD[name]
    root = shutil.copytree(small, tmp_path / "files")
    change(root)
    with pytest.raises(SpikecudaError, match=message):
        from_sonata(root / SIM)


def test_what_sonata_cannot_say_is_refused(tmp_path):
    net = Network()
    net.population("a", 2, "lif", receptors={"one": AlphaCurrent(2.0), "two": Delta()})
    with pytest.raises(SpikecudaError, match=r"a: lif must have receptors of one kind"):
        to_sonata(net, tmp_path, 1.0)
    net = Network()
    net.population("b", 2, "adex")
    with pytest.raises(SpikecudaError, match=r"b: SONATA takes lif, .*got adex euler"):
        to_sonata(net, tmp_path, 1.0)
    net = Network()
    net.population("c", 2, "lif", receptors={"one": AlphaCurrent(2.0)})
    net.connect("c", "c", "all_to_all", 1.0, 0.0)
    with net, pytest.raises(SpikecudaError, match=r"c -> c.*order must be 'nest', since SONATA"):
        to_sonata(net, tmp_path, 1.0)
