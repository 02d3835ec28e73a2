"""FilterNet: rates beside the Brain Modeling Toolkit's, spikes of these rates, what is refused."""

import json

import h5py
import numpy as np
import pytest

from spikecuda import SpikecudaError
from spikecuda.formats import from_filternet, read_spikes

SLOW = {"opt_wts": [4.2, -2.4], "opt_kpeaks": [8.5, 23.2], "opt_delays": [0, 0]}
FAST = {"opt_wts": [3.5, -2.0], "opt_kpeaks": [10.0, 60.0], "opt_delays": [15, 20]}
FILES = {"slow.json": SLOW, "fast.json": FAST}
# model_template, dynamics_params, non_dom_params, sf_sep: a node of each.
TYPES = (
    ("tON_TF8", "slow.json", "", ""), ("sOFF_TF4", "fast.json", "", ""),
    ("sONsOFF_001", "fast.json", "slow.json", "6.0"), ("sONtOFF", "slow.json", "fast.json", "4.0"),
    ("LGNOnOFFCell", "slow.json", "", ""),
)  # fmt: skip
NODES = {
    "x": [10.2, 25.7, 20.0, 30.4, 18.9], "y": [12.0, 3.3, 11.5, 14.7, 9.1],
    "spatial_size": [3.0, 9.0, 6.0, 4.5, 2.0], "tuning_angle": [0.0, 0.0, 70.0, 200.0, 0.0],
    "sigma_on": [[2.0, 2.5]] * 5, "sigma_off": [[4.0, 4.0]] * 5,
    **{f"{name}_dom_{i}": [SLOW[key][i]] * 5 for i in (0, 1)
       for name, key in (("weight", "opt_wts"), ("kpeaks", "opt_kpeaks"),
                         ("delay", "opt_delays"))},
}  # fmt: skip
SIZE = {"row_size": 24, "col_size": 41}
MOVIES = {
    "grating": {"module": "graiting", **SIZE, "gray_screen_dur": 20.0, "cpd": 0.06,
                "temporal_f": 5.0, "theta": 30.0, "contrast": 0.7},
    "flash": {"module": "full_field_flash", **SIZE, "t_on": 60.0, "t_off": 150.0,
              "max_intensity": 2.0, "frame_rate": 500.0,
              "evaluation_options": {"separable": True}},
    "looming": {"module": "looming", **SIZE, "frame_rate": 1000.0, "t_looming": 0.1},
    "movie": {"module": "movie", "data_file": "$BASE/movie.npy", "frame_rate": 1000.0,
              "evaluation_options": {"t_min": 0.1, "t_max": 0.3, "downsample": 2}},
}  # fmt: skip


def make(root, **movie):
    """Write a simulation of a node of each kind, who see a movie."""
    with h5py.File(root / "nodes.h5", "w") as file:
        of = file.create_group("nodes/lgn")
        of["node_id"], of["node_group_id"] = np.arange(5), np.zeros(5, int)
        of["node_group_index"], of["node_type_id"] = np.arange(5), np.arange(100, 105)
        for name, values in NODES.items():
            of[f"0/{name}"] = np.array(values)
    table = "node_type_id model_template dynamics_params non_dom_params sf_sep model_type\n"
    for number, (model, own, other, apart) in enumerate(TYPES):
        table += f"{100 + number} lgnmodel:{model} {own} {other} {apart} virtual\n"
    (root / "types.csv").write_text(table, encoding="utf-8")
    for name, content in FILES.items():
        (root / name).write_text(json.dumps(content), encoding="utf-8")
    rng = np.random.default_rng(4)
    np.save(root / "movie.npy", rng.uniform(-1.0, 1.0, (320, 24, 41)))
    config = {
        "manifest": {"$BASE": "${configdir}"},
        "target_simulator": "LGNModel",
        "run": {"tstop": 300.0, "dt": 0.1},
        "components": {"filter_models_dir": "$BASE"},
        "networks": {
            "nodes": [{"nodes_file": "$BASE/nodes.h5", "node_types_file": "$BASE/types.csv"}]
        },
        "inputs": {"m": {"input_type": "movie", **movie}},
        "output": {"output_dir": "$BASE/out", "rates_h5": "rates.h5", "spikes_file": "spikes.h5",
                   "spikes_csv": "spikes.csv", "rates_csv": "rates.csv"},
    }  # fmt: skip
    (root / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return root / "config.json"


# Rates (Hz) of the nodes at some samples: the Brain Modeling Toolkit 1.2, run in such a folder.
TOOLKIT = {
    "grating": ([75, 150, 225, 300], [
        [0.0, 6.02316, 4.05801, 0.0], [6.42777, 2.77067, 1.66966, 7.42922],
        [4.0, 4.4048, 2.28696, 10.31156], [2.75, 8.09034, 15.94066, 9.5964],
        [74.73129, 14.14799, 20.20915, 95.08533],
    ]),
    "flash": ([37, 75, 112, 150], [
        [26.73259, 4.69094, 2.37078, 2.6], [0.0, 1.58814, 3.90829, 3.67907],
        [4.0, 4.0, 5.42124, 7.61321], [5.5, 34.24254, 27.70645, 2.75],
        [482.65175, 41.81878, 4.58435, 0.0],
    ]),
    "looming": ([149, 299, 449, 599], [
        [2.6, 2.6, 2.6, 2.55357], [3.67907, 3.67907, 3.67907, 5.59157],
        [4.0, 4.0, 4.0, 4.03784], [5.5, 5.5, 5.5, 3.26976], [0.0, 0.0, 0.0, 54.45787],
    ]),
    "movie": ([25, 50, 75, 100], [
        [2.12607, 2.71967, 1.67795, 4.23217], [3.01801, 3.76861, 3.78151, 3.73343],
        [3.71564, 3.82638, 4.61583, 3.44404], [4.8337, 6.25298, 5.02867, 5.71854],
        [4.48686, 4.29652, 0.40592, 0.0],
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", MOVIES)
def test_rates_of_the_toolkit(name, tmp_path):
    simulation = from_filternet(make(tmp_path, **MOVIES[name]))
    samples, rates = TOOLKIT[name]
    # Five decimals, and frames in single precision: 2^-24 of the largest rate.
    assert np.allclose(simulation.rates["lgn"][:, samples], rates, rtol=1e-7, atol=6e-6)
    if name == "movie":
        assert simulation.times[[0, 1, -1]].tolist() == [100.0, 102.0, 300.0]


def test_spikes_have_the_rates_and_files_have_both(tmp_path):
    path = make(tmp_path, **MOVIES["flash"])
    simulation = from_filternet(path, seed=5)
    expected = simulation.rates["lgn"][:, :-1].sum(axis=1) * 0.002
    counts = np.zeros(5)
    for trial in range(200):
        nodes, times = simulation.spikes(trial)["lgn"]
        assert (np.diff(times) >= 0).all() and times.min() > 0 and times.max() <= 300.0
        counts += np.bincount(nodes, minlength=5)
    # Within 4.5 standard deviations of Poisson counts.
    assert (np.abs(counts - 200 * expected) < 4.5 * np.sqrt(200 * expected)).all()
    nodes, times = simulation.spikes()["lgn"]
    again = from_filternet(path, seed=5).spikes()["lgn"]
    assert np.array_equal(times, again[1]) and not np.array_equal(
        times, from_filternet(path, seed=6).spikes()["lgn"][1]
    )
    files = {file.name: file for file in simulation.write(tmp_path / "here")}
    assert set(files) == {"rates.h5", "rates.csv", "spikes.h5", "spikes.csv"}
    for name in ("spikes.h5", "spikes.csv"):
        found = read_spikes(files[name])["lgn"]
        assert np.array_equal(found[0], nodes) and np.array_equal(found[1], times)
    with h5py.File(files["rates.h5"]) as file:
        assert np.array_equal(file["firing_rates/lgn/firing_rates_Hz"], simulation.rates["lgn"].T)
    table = np.loadtxt(files["rates.csv"], skiprows=1, usecols=(0, 2, 3))
    assert np.allclose(table[:, 2], simulation.rates["lgn"].ravel(), rtol=1e-9)
    assert not simulation.ignored


def config(**changes):
    def change(root):
        found = json.loads((root / "config.json").read_text(encoding="utf-8"))
        found["inputs"]["m"] |= changes
        (root / "config.json").write_text(json.dumps(found), encoding="utf-8")

    return change


def typed(old, new):
    def change(root):
        path = root / "types.csv"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    return change


def node(name, row, value):
    def change(root):
        with h5py.File(root / "nodes.h5", "a") as file:
            file[f"nodes/lgn/0/{name}"][row] = value

    return change


def stored(array):
    def change(root):
        np.save(root / "movie.npy", array)
        config(module="movie", data_file="movie.npy")(root)
        path = root / "config.json"
        found = json.loads(path.read_text(encoding="utf-8"))
        found["inputs"]["m"] = {
            "input_type": "movie", "module": "movie", "data_file": "movie.npy", "frame_rate": 1000.0
        }  # fmt: skip
        path.write_text(json.dumps(found), encoding="utf-8")

    return change


BAD = {
    "module": (config(module="grateing"), r"inputs.m: module must be .*'grateing'; did you mean"),
    "option": (config(contrat=1.0), r"inputs.m: .*not known here \(got 'contrat'; did you mean"),
    "contrast": (config(contrast=1.5), r"inputs.m: contrast must be > 0 and at most 1 \(got 1.5"),
    "size": (config(row_size=1.5), r"inputs.m: row_size must be a whole number .*got 1.5"),
    "pixels": (config(degrees_per_pixel=100.0), r"from 2 to 99,999 pixels"),
    "gray": (config(gray_screen_dur=300.0), r"gray_screen_dur must end before the run, at 300 ms"),
    "rate": (config(frame_rate=0.0), r"inputs.m: frame_rate must be > 0 Hz"),
    "input": (config(input_type="audio"), r"inputs.m: input_type must be movie \(got 'audio'"),
    "times": (config(evaluation_options={"t_min": 0.4}), r"t_min and t_max must be in s.*to 0.3"),
    "step": (config(evaluation_options={"downsample": 0}), r"downsample must be >= 1 \(got 0"),
    "model": (typed("tON_TF8", "xON_TF8"), r"/nodes/lgn, row 0: model_template .*'xON_TF8'"),
    "class": (typed("tON_TF8", "tON_TF4"), r"row 0: spont_fr must be given for tON_TF4"),
    "neuron": (typed("lgnmodel:sOFF_TF4", "nest:x"), r"row 1: model_template .*see from_sonata"),
    "screen": (node("x", 1, 900.0), r"row 1: x and y must be on the screen, which ends at 41 and"),
    "place": (node("y", 3, np.nan), r"row 3: y must be a finite number"),
    "peaks": (node("kpeaks_dom_0", 0, 99.0), r"row 0: temporal filters must have kpeaks > 0"),
    "field": (node("spatial_size", 2, 0.0), r"row 2: spatial_size must be > 0 degrees"),
    "dimensions": (stored(np.zeros((5, 4))), r"movie.npy must be a movie, .*\(5, 4\)"),
    "finite": (stored(np.full((5, 24, 41), np.nan)), r"movie.npy must be finite"),
    "objects": (stored(np.array([{}])), r"movie.npy must be a movie, an .npy file of numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refused_by_name(name, tmp_path):
    make(tmp_path, **MOVIES["grating"])
    change, message = BAD[name]
    change(tmp_path)
    with pytest.raises(SpikecudaError, match=message):
        from_filternet(tmp_path / "config.json")
