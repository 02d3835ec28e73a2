"""Cells of SONATA beside NEST: spikes and potentials of three models, with spikes and a clamp."""

import json

import numpy as np
import pytest

from spikecuda.formats import from_sonata
from spikecuda.formats.sonata.export_files import write_edges, write_nodes
from spikecuda.network.results.sonata import write_spikes

IAF = {
    "I_e": 0.0, "tau_m": 22.1, "C_m": 117.0, "t_ref": 3.0, "E_L": -78.0, "V_th": -47.0,
    "V_reset": -50.0,
}  # fmt: skip
ASC = {
    "C_m": 58.72, "g": 9.43, "E_L": -78.85, "V_th": -51.68, "V_reset": -78.85, "t_ref": 3.75,
    "after_spike_currents": True, "spike_dependent_threshold": False, "adapting_threshold": False,
    "tau_syn": [2.0, 5.0],
}  # fmt: skip
# NEST 3.10, dt 0.1 ms: a step_current_generator from 10 to 90 ms (pA), a spike at 3.14 ms with
# weight and delay 1.5 ms (to receptor 2 of glif_psc); spike times until 100 ms; V_m at step: mV.
NEST = {
    "iaf_psc_exp": (
        IAF, 190.0, 20.0, [50.6, 64.2, 77.8], {51: -71.58722232591805, 501: -47.10755143904648},
    ),
    "iaf_psc_delta": (
        IAF, 190.0, 20.0, [35.2, 48.8, 62.4, 76.0, 89.6], {51: -52.007353426693925, 501: -50.0},
    ),
    "glif_psc": (
        ASC, 400.0, 200.0, [12.6, 25.4, 43.7, 62.5, 81.9],
        {51: -78.71253258248124, 301: -76.60515072415656, 501: -72.87175088351044},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A network with one cell of each model, and one source for all of them."""
    root = tmp_path_factory.mktemp("cells")
    write_nodes(root / "s.h5", "s", 1, {})
    (root / "s.csv").write_text("node_type_id model_type\n100 virtual\n", encoding="utf-8")
    write_spikes(root / "spikes.h5", {"s": (np.array([0]), np.array([3.14]))})
    nodes, edges = [{"nodes_file": "s.h5", "node_types_file": "s.csv"}], []
    spikes = {"input_type": "spikes", "module": "h5", "input_file": "spikes.h5", "node_set": "s"}
    inputs = {"spikes": spikes}
    for name, (params, amplitude, weight, _, _) in NEST.items():
        write_nodes(root / f"{name}.h5", name, 1, {})
        types = f"100 point_neuron nest:{name} {name}.json"
        head = "node_type_id model_type model_template dynamics_params"
        (root / f"{name}.csv").write_text(f"{head}\n{types}\n", encoding="utf-8")
        (root / f"{name}.json").write_text(json.dumps(params), encoding="utf-8")
        one = {"source": np.zeros(1, int), "target": np.zeros(1, int), "delay": np.array([1.5])}
        one["weight"] = np.array([weight / 2])
        ends = "s", name
        write_edges(root / f"{name}_edges.h5", f"s_to_{name}", ends, one, 1.0)
        # Two synapses at the same place, half as strong: nsyns.
        types = "edge_type_id nsyns dynamics_params\n100 2 " + (
            "port.json\n" if name == "glif_psc" else "NULL\n"
        )
        (root / f"{name}_edges.csv").write_text(types, encoding="utf-8")
        nodes.append({"nodes_file": f"{name}.h5", "node_types_file": f"{name}.csv"})
        edges.append({"edges_file": f"{name}_edges.h5", "edge_types_file": f"{name}_edges.csv"})
        inputs[name] = {
            "input_type": "current_clamp", "module": "IClamp", "node_set": {"population": name},
            "amp": amplitude, "delay": 10.0, "duration": 80.0,
        }  # fmt: skip
    (root / "port.json").write_text('{"receptor_type": 2}', encoding="utf-8")
    config = {
        "components": {"point_neuron_models_dir": ".", "synaptic_models_dir": "."},
        "networks": {"nodes": nodes, "edges": edges},
        "run": {"tstop": 100.0, "dt": 0.1},
        "inputs": inputs,
        "reports": {"r": {"variable_name": "V_m", "cells": {"population": list(NEST)}}},
    }
    (root / "config.json").write_text(json.dumps(config), encoding="utf-8")
    simulation = from_sonata(root / "config.json", precision="float64")
    return simulation, simulation.run()


@pytest.mark.parametrize("name", NEST)
def test_a_cell_has_the_spikes_and_the_potential_of_nest(name, run):
    simulation, result = run
    _, _, _, spikes, potentials = NEST[name]
    assert np.allclose(simulation.spikes(result)[name][1], spikes, atol=1e-9)
    trace = result.traces[name]["v"][:, 0]
    for step, v in potentials.items():
        assert trace[step - 1] == pytest.approx(v, abs=1e-11)


def test_steps_are_short_for_events_of_neuron(tmp_path, monkeypatch):
    """At dt 0.1 ms, which has no meaning for it, 300_intfire has 20 times NEURON's spikes."""
    said = []
    monkeypatch.setattr("spikecuda.formats.sonata.simulation.notice", lambda *a: said.append(a[0]))
    write_nodes(tmp_path / "n.h5", "n", 1, {})
    (tmp_path / "n.csv").write_text(
        "node_type_id model_type model_template dynamics_params\n"
        "100 point_process nrn:IntFire1 n.json\n",
        encoding="utf-8",
    )
    (tmp_path / "n.json").write_text('{"tau": 0.024, "refrac": 0.003}', encoding="utf-8")
    config = {
        "components": {"point_neuron_models_dir": "."}, "run": {"tstop": 10.0, "dt": 0.12},
        "networks": {"nodes": [{"nodes_file": "n.h5", "node_types_file": "n.csv"}]},
    }  # fmt: skip
    (tmp_path / "c.json").write_text(json.dumps(config), encoding="utf-8")
    assert from_sonata(tmp_path / "c.json").net.dt == pytest.approx(0.04)
    assert from_sonata(tmp_path / "c.json", dt=0.1).net.dt == 0.1
    assert from_sonata(tmp_path / "c.json", dt=0.05).net.dt == 0.05
    assert len(said) == 2 and "rounded to dt = 0.04 ms" in said[0] and "nearer to it" in said[1]
