"""Synapses of SONATA that learn or tire, beside NEST: what they send at each spike."""

import json

import numpy as np
import pytest

from spikecuda import Network
from spikecuda.errors import SpikecudaError
from spikecuda.formats import from_sonata, to_sonata
from spikecuda.formats.sonata.export_files import write_edges, write_nodes
from spikecuda.network import Delta, FixedInDegree, SpikeTrain
from spikecuda.network.results.sonata import write_spikes
from spikecuda.plasticity import STDP, GutigSTDP, TripletSTDP, Tsodyks2000

SENT = {0: [5.0, 12.0, 13.5, 30.0, 47.3, 48.0, 75.0], 1: [9.0, 33.0, 60.0]}
IAF = {"C_m": 100.0, "tau_m": 10.0, "t_ref": 2.0, "E_L": -70.0, "V_th": -55.0, "V_reset": -70.0}
EDGES = {
    # Two sources, whose first one fires at each of its spikes, and whose second one never.
    "virtual_to_sources": ([0, 1], [0, 1], [20.0, 1.0], 1.0, "static_synapse", "none.json"),
    "virtual_to_targets": ([1], [0], [20.0], 1.0, "static_synapse", "none.json"),
    "sources_to_targets": ([0, 0], [0, 1], [10.0, 12.0], 1.5, "recorded", "learn.json"),
    "sources_to_tired": ([0], [0], [4.0], 1.0, "tsodyks_synapse", "tired.json"),
}
FILES = {
    "iaf": IAF,
    "minus": IAF | {"tau_minus": 35.0},
    "none": {},
    "learn": {"lambda": 0.1, "mu_plus": 0.5, "mu_minus": 0.2, "alpha": 1.1, "tau_plus": 15.0,
              "Wmax": 30.0},
    "tired": {"U": 0.4, "tau_rec": 50.0, "tau_fac": 20.0, "tau_psc": 3.0},
}  # fmt: skip
# The Brain Modeling Toolkit 1.2 with NEST 3.10, run in such a folder: weights by target and time,
# with NEST's three decimals, and V_m by number of a sample.
WEIGHTS = {
    0: {6.0: 10.0, 13.0: 9.079, 31.0: 7.59, 48.3: 7.665, 76.0: 6.142},
    1: {6.0: 12.0, 13.0: 12.0, 31.0: 13.222, 48.3: 12.109, 76.0: 11.613},
}
TIRED = {60: -70.0, 140: -67.788, 160: -68.189, 320: -68.621, 490: -69.748, 770: -68.913}
SPIKES = {"sources": [6.0, 13.0, 31.0, 48.3, 76.0], "targets": [10.0, 14.5, 34.0, 61.0]}
DECIMALS = 5.1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make(tmp_path_factory.mktemp("learning"))


def make(root):
    """Write a network of virtual nodes, sources and targets."""
    nodes, edges = [], []
    for name, size in {"virtual": 2, "sources": 2, "targets": 2, "tired": 1}.items():
        write_nodes(root / f"{name}.h5", name, size, {})
        file = "minus" if name == "targets" else "iaf"
        types = (
            "node_type_id model_type\n100 virtual\n" if name == "virtual" else
            "node_type_id model_type model_template dynamics_params\n"
            f"100 point_neuron nest:iaf_psc_delta {file}.json\n"
        )  # fmt: skip
        (root / f"{name}.csv").write_text(types, encoding="utf-8")
        nodes.append({"nodes_file": f"$BASE/{name}.h5", "node_types_file": f"$BASE/{name}.csv"})
    for name, (source, target, weight, delay, model, file) in EDGES.items():
        found = {"source": np.array(source), "target": np.array(target)}
        found |= {"weight": np.array(weight), "delay": np.full(len(source), delay)}
        write_edges(root / f"{name}.h5", name, tuple(name.split("_to_")), found, 1.0)
        table = f"edge_type_id model_template dynamics_params\n100 {model} {file}\n"
        (root / f"{name}.csv").write_text(table, encoding="utf-8")
        edges.append({"edges_file": f"$BASE/{name}.h5", "edge_types_file": f"$BASE/{name}.csv"})
    for name, values in FILES.items():
        (root / f"{name}.json").write_text(json.dumps(values), encoding="utf-8")
    ids = np.concatenate([np.full(len(times), node) for node, times in SENT.items()])
    times = np.concatenate(list(SENT.values()))
    write_spikes(root / "spikes.h5", {"virtual": (ids, times)})
    weights = {"module": "weight_recorder", "nest_model": "stdp_synapse",
               "model_template": "recorded", "file_name": "weights.csv"}  # fmt: skip
    v = {"variable_name": "V_m", "cells": {"population": "tired"}, "module": "multimeter_report"}
    config = {
        "manifest": {"$BASE": "${configdir}"},
        "target_simulator": "NEST",
        "components": {"point_neuron_models_dir": "$BASE", "synaptic_models_dir": "$BASE"},
        "networks": {"nodes": nodes, "edges": edges},
        "run": {"tstop": 100.0, "dt": 0.1},
        "inputs": {"s": {"input_type": "spikes", "module": "h5", "node_set": "virtual",
                         "input_file": "$BASE/spikes.h5"}},
        "reports": {"w": weights, "v": v},
        "output": {"output_dir": "$BASE/out", "spikes_file": "spikes.h5"},
    }  # fmt: skip
    (root / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return root


def test_what_is_sent_is_what_nest_sends(folder):
    simulation = from_sonata(folder / "config.json", precision="float64")
    result = simulation.run()
    for name, times in SPIKES.items():
        assert np.allclose(simulation.spikes(result)[name][1], times, atol=1e-9)
    (
        *_,
        weights,
    ) = simulation.write(result, folder / "here")
    head, *lines = weights.read_text(encoding="utf-8").splitlines()
    assert (
        head == "source_node_id source_population target_node_id target_population time_ms weights"
    )
    found = {0: {}, 1: {}}
    for line in lines:
        source, of, target, to, time, weight = line.split()
        assert (source, of, to) == ("0", "sources", "targets")
        found[int(target)][float(time)] = float(weight)
    for target, expected in WEIGHTS.items():
        assert found[target] == pytest.approx(expected, abs=DECIMALS)
    v = result.traces["tired"]["v"][:, 0]
    assert {step: v[step] for step in TIRED} == pytest.approx(TIRED, abs=DECIMALS)


def learn(**values):
    return "learn.json", lambda text: json.dumps(json.loads(text) | values)


def tired(model, **values):
    return (
        ("sources_to_tired.csv", lambda text: text.replace("tsodyks_synapse", model)),
        ("tired.json", lambda text: json.dumps({"U": 0.4, "tau_rec": 50.0} | values)),
    )


BAD = {
    "beyond": ([learn(Wmax=11.0)], r"sources_to_targets, row 1: syn_weight must be from 0 to Wmax"),
    "sign": ([learn(Wmax=-30.0)], r"row 0: syn_weight must be from 0 to Wmax = -30 \(got 10\)"),
    "value": ([learn(tau_plus=0.0)], r"row 0, stdp_synapse: tau_plus must be > 0 ms"),
    "name": ([learn(lamda=0.1)], r"learn.json: stdp_synapse .*'lamda'; did you mean"),
    "of another": (
        [("none.json", lambda text: '{"tau_plus": 5.0}')],
        r"none.json: static_synapse has no parameter 'tau_plus'",
    ),
    "start": (tired("tsodyks2_synapse", u=0.1), r"row 0: u of tsodyks2_synapse .*at U .*0.1"),
    "equal": (tired("tsodyks_synapse", tau_psc=50.0), r"tsodyks_synapse: tau_psc must differ"),
    "what is recorded": (
        [("config.json", lambda text: text.replace("stdp_synapse", "static_synapse"))],
        r"reports.w: nest_model must be stdp_synapse, .*got 'static_synapse'",
    ),
    "name of a model": (
        [("config.json", lambda text: text.replace('"recorded"', '"stdp_synapse"'))],
        r"reports.w: model_template must be a name of its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refused_by_name(name, tmp_path):
    root = make(tmp_path)
    changes, message = BAD[name]
    for file, change in changes:
        path = root / file
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(SpikecudaError, match=message):
        from_sonata(root / "config.json")


def test_node_ids_is_another_name_of_node_id(folder):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["inputs"]["i"] = {
        "input_type": "current_clamp", "module": "IClamp", "amp": 1.0, "delay": 1.0,
        "duration": 1.0, "node_set": {"population": "sources", "node_ids": [1]},
    }  # fmt: skip
    (folder / "ids.json").write_text(json.dumps(config), encoding="utf-8")
    circuit = from_sonata(folder / "ids.json")
    assert circuit.net["sources"].size == 2


def learning(**changes):
    """Return a network whose synapses learn or tire."""
    net = Network(dt=0.1, seed=2, precision="float64")
    params = {"tau_m": 10.0, "c_m": 100.0, "v_reset": -70.0, "v_rest": -70.0, "v_th": -55.0}
    for name, size in (("a", 6), ("b", 4), ("c", 2)):
        net.population(name, size, "lif", params, receptors={"in": Delta()})
    net.source("inputs", 6, SpikeTrain.poisson(6, rate=80.0, start=1.0, stop=100.0, seed=3))
    net.connect("inputs", "a", "one_to_one", 20.0, 1.0)
    given = {"w_max": 15.0, "lam": 0.05, "tau_minus": 30.0}
    rule = changes.pop("rule", None) or STDP(**given, **changes)
    net.connect("a", "b", "all_to_all", 6.0, 1.5, plasticity=rule)
    other = GutigSTDP(w_max=12.0, mu_plus=0.5, tau_minus=30.0)
    net.connect("a", "b", FixedInDegree(2), 5.0, 1.0, plasticity=other)
    tired = Tsodyks2000(U=0.4, tau_rec=50.0, tau_psc=3.0)
    net.connect("a", "c", "all_to_all", 8.0, 1.0, plasticity=tired)
    return net


def test_rules_go_there_and_back(tmp_path):
    net = learning()
    config = to_sonata(net, tmp_path, 100.0)
    result = net.run(100.0)
    simulation = from_sonata(config, precision="float64")
    again = simulation.run()
    assert simulation.ignored == () and result.num_spikes > 60
    for name in ("a", "b", "c"):
        assert np.array_equal(result.spikes[name].step, again.spikes[name].step)
    for ours, theirs in zip(net.projections[1:3], simulation.net.projections[1:3], strict=True):
        pairs = ours.connections(), theirs.connections()
        order = [np.lexsort((found["target"], found["source"])) for found in pairs]
        assert np.ptp(ours.weights) > 0.1
        assert np.allclose(ours.weights[order[0]], theirs.weights[order[1]], rtol=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timing": "brian"}, r"a -> b.*: timing must be nest in SONATA.*'brian'"),
        ({"w_min": 1.0}, r"w_min must be 0.0 in SONATA"),
        ({"rule": TripletSTDP(w_max=15.0)}, r"must be static or learn by STDP, .*Triplet"),
        ({"rule": STDP(w_max=15.0)}, r"b: rules of all synapses onto it must have one tau_minus"),
    ],
)
def test_rules_that_nest_has_not_are_refused(changes, message, tmp_path):
    with pytest.raises(SpikecudaError, match=message):
        to_sonata(learning(**changes), tmp_path, 100.0)


@pytest.mark.parametrize("base", ["$BASE", "."])
def test_files_may_be_named_with_the_folder_of_results(base, tmp_path):
    root = make(tmp_path)
    config = json.loads((root / "config.json").read_text(encoding="utf-8"))
    config["output"] = {"output_dir": f"{base}/out", "spikes_file": f"{base}/out/s.h5"}
    config["reports"]["w"]["file_name"] = f"{base}/out/more/w.csv"
    config["run"]["tstop"] = 10.0
    (root / "config.json").write_text(json.dumps(config), encoding="utf-8")
    simulation = from_sonata(root / "config.json", precision="float64")
    result = simulation.run()
    for folder, to in ((None, root / "out"), (root / "other", root / "other")):
        (to / "more").mkdir(parents=True)
        assert simulation.write(result, folder) == [to / "s.h5", to / "v.h5", to / "more/w.csv"]
        lines = (to / "more/w.csv").read_text(encoding="utf-8").splitlines()
        assert len(lines) == 3 and all((to / name).is_file() for name in ("s.h5", "v.h5"))
