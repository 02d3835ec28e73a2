"""``spikecuda run sonata``."""

import json
from pathlib import Path

import h5py

from spikecuda.cli import main

CONFIG = Path(__file__).parents[1] / "formats" / "data" / "300_pointneurons" / "config.json"


def test_a_simulation_is_run_and_written(tmp_path, capsys):
    command = ["run", "sonata", str(CONFIG), "--duration", "30", "--precision", "float64"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    with h5py.File(tmp_path / "out" / "spikes.h5") as file:
        assert file["spikes/internal/timestamps"].shape[0] > 10
    told = " ".join(capsys.readouterr().out.split())
    assert "300 neurons, 48,432 synapses" in told and "conditions: v of point neurons" in told


def test_what_is_wrong_is_said(tmp_path, capsys):
    assert main(["run", "sonata"]) == 2
    assert "spikecuda run sonata config.json" in capsys.readouterr().err
    assert main(["run", "sonata", str(CONFIG), "--scale", "2"]) == 2
    assert "--scale is not for SONATA" in capsys.readouterr().err
    assert main(["run", "brunel", str(CONFIG)]) == 2
    assert "is the file of sonata" in capsys.readouterr().err
    (tmp_path / "c.json").write_text(json.dumps({"networks": {"nodes": []}}), encoding="utf-8")
    assert main(["run", "sonata", str(tmp_path / "c.json")]) == 2
    assert "networks.nodes must name" in capsys.readouterr().err
