"""Examples take their published numbers as keyword arguments, and pictures cover one window."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from spikecuda.cli.runexample import pictures
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.examples import NAMES, brunel, find, izhikevich2003, microcircuit
from spikecuda.examples.setting import Setting
from spikecuda.network.network import Network

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = pytest.mark.parametrize("example", [find(name) for name in NAMES], ids=NAMES)
# Whatever is asked of a network, unbuilt: its dt, neurons, drives and projections.
SMALL = {
    "microcircuit": {"scale": 0.02},
    "multi_area": {"scale": 0.002, "areas": ["V1", "V2"]},
}


def described(net):
    """Return all that an unbuilt network says of itself, as text."""
    text = [repr(net.dt)]
    for name, population in net.populations.items():
        if population.neuron_spec is not None:
            parameters = {k: v.tolist() for k, v in population.neurons.params.items()}
            state = next(iter(population.neurons.model.states))
            start = population.neurons.start(state).tolist()
            text.append(f"{population!r} {parameters} {start} {net._drives.get(name)}")
    text += [f"{p!r} {p.rule} {vars(p.weight)} {vars(p.delay)} {p.plasticity!r}" for p in net.wired]
    text += [f"{train.times.tolist()} {train.weight!r} {count}" for _, train, count in net._sources]
    return "\n".join(text)


def another(setting: Setting) -> float:
    """Return another number that a setting may have."""
    value = setting.default
    if setting.whole:
        return value - 1 if value > 1 else value + 1
    if setting.at_most < np.inf:
        return value * 0.5 if value > 0 else value * 2.0
    return value * 2.0 if value > 0 else value / 2.0 or 0.5


@EXAMPLES
def test_every_published_number_can_be_set_and_changes_the_network(example):
    assert example.settings
    options = {"seed": 1, "threads": 1, **SMALL.get(example.name, {})}
    published = described(example.network(**options))
    assert described(example.network(**options)) == published
    assert all(s.doc for s in example.settings.values())
    for name, setting in example.settings.items():
        value = another(setting) if (name, setting.default) != ("delay", 0.0) else 1.0
        # A reset and a threshold must keep their order, delays must be multiples of the step.
        lower, higher = {name: setting.default - 1.0}, {name: setting.default + 1.0}
        changed = (
            lower if name.startswith("v_reset") else higher if name == "v_th" else {name: value}
        )
        if name == "dt" and example.name in ("cuba", "coba", "vogels2011", "mongillo2008"):
            changed = {"dt": 0.05}
        found = described(example.network(**options, **changed))
        assert found != published, name
        with pytest.raises(SpikecudaError, match=rf"^{name} must be"):
            example.network(**options, **{name: float("nan")})
        with pytest.raises(SpikecudaTypeError, match=rf"^{name} must be a number"):
            example.network(**options, **{name: "much"})


@EXAMPLES
def test_unknown_names_are_refused_with_the_nearest(example):
    with pytest.raises(SpikecudaTypeError, match=r"has no parameter 'sede'; did you mean 'seed'"):
        example.network(sede=1)
    name = next(iter(example.settings))
    with pytest.raises(SpikecudaTypeError, match=rf"did you mean '{name}'"):
        example.network(**{name + "x": 1.0})
    # Whatever Network takes, an example takes, but for dt where it is not free.
    for option in inspect.signature(Network).parameters:
        assert option == "dt" or option not in example.settings


def test_brunels_g():
    net = brunel.network(g=4.0)
    weights = [p.weight.a for p in net.projections]
    assert weights == [0.1, -0.4, 0.1, -0.4]
    assert [p.weight.a for p in brunel.network("SR").projections] == [0.1, -0.1 * 3.0] * 2
    with pytest.raises(SpikecudaValueError, match="g must be >= 0"):
        brunel.network(g=-1.0)
    with pytest.raises(SpikecudaValueError, match="n_e must be a whole number"):
        brunel.network(n_e=10.5)


def test_the_microcircuits_potential_has_a_limit():
    near = [microcircuit.psc({**microcircuit.PUBLISHED, "tau_syn": t}) for t in (10.0, 10.001)]
    assert near[0] == pytest.approx(near[1], rel=1e-3)


def test_settings_on_the_command_line(cli):
    small = ("--set", "n_e=80", "--set", "n_i=20")
    code, out, err = cli("run", "izhikevich2003", *small, "-t", 100, "-o", "none")
    assert code == 0, err
    assert "100 neurons, 10,000 synapses" in out and "n_e 80, n_i 20" in out
    assert "with the published numbers, 0 to 100 ms" in " ".join(out.split())
    for argv, message in (
        (("brunel", "--set", "gg=4"), "brunel has no parameter 'gg'; did you mean 'g'?"),
        (("brunel", "--set", "g"), "--set takes NAME=VALUE"),
        (("brunel", "--set", "g=x"), "--set g must be a number (got 'x')"),
        (("brunel", "--set", "g=-1"), "g must be >= 0 (got -1.0)"),
        (("cuba", "--variant", "brian", "--set", "kicked=1"), "has no parameter 'kicked'"),
        (("--set", "g=1"), "--set is for examples"),
    ):
        code, out, err = cli("run", *argv)
        assert code == 2 and out == "" and message in err, err


@EXAMPLES
def test_the_docs_say_which_options_an_example_takes(example, cli):
    """The table of docs/cli.md: an option in a row is taken, one that is not there is refused."""
    text = (DOCS / "cli.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith(f"| `{example.name}` |"))
    options = row.split("|")[3]
    assert ("--scale" in options) == example.scales
    assert ("--variant" in options) == bool(example.variants)
    assert re.findall(r"`(\w[\w-]*)`", options) == list(example.variants)
    for option, value in (("scale", 0.5), ("variant", "x")):
        if f"--{option}" not in options:
            code, _, err = cli("run", example.name, f"--{option}", value)
            assert code == 2 and "one" in err


@EXAMPLES
def test_the_docs_list_all_settings(example):
    text = (DOCS / "examples.md").read_text()
    section = text.split(f"\n## {example.name}\n")
    if len(section) == 1:
        section = text.split("\n## cuba, coba\n")
    section = section[1].split("\n## ")[0]
    listed = re.search(
        r"^Parameters[^:]*: (.+?)\n\n", section + "\n", re.MULTILINE | re.DOTALL
    ).group(1)
    assert set(re.findall(r"`(\w+)`", listed)) >= set(example.settings)


def test_pictures_lie_in_the_window_of_the_table():
    net = izhikevich2003.network(n_e=20, n_i=5, seed=1, threads=1)
    result = net.run(400.0)
    for name in NAMES:
        example = find(name)
        for start, stop in pictures(example, result).values():
            assert start >= min(example.settle, result.stop) and stop == result.stop


def test_figures_and_tables_say_which_window_they_cover(capsys):
    net = izhikevich2003.network(n_e=20, n_i=5, seed=1, threads=1)
    net.record("E", ["spikes", "v"])
    net.record("I")
    result = net.run(400.0)
    label = "time (ms), 100 to 300 ms"
    assert result.raster(start=100.0, stop=300.0).axes[-1].get_xlabel() == label
    labels = [ax.get_xlabel() for ax in result.plot_rates(start=100.0, stop=300.0).axes]
    assert label in labels
    assert result.raster().axes[-1].get_xlabel() == "time (ms), 0 to 400 ms"
    assert result.plot_traces().axes[-1].get_xlabel() == "time (ms), 1 to 400 ms"
    result.summary(start=100.0, stop=300.0)
    assert "100 to 300 ms" in capsys.readouterr().out
    result.summary()
    assert "0 to 400 ms" in capsys.readouterr().out


@pytest.mark.parametrize("example", [brunel, microcircuit], ids=["brunel", "microcircuit"])
@pytest.mark.parametrize("name", ["tau_m", "c_m"])
def test_what_an_example_divides_by_is_above_0(example, name):
    if name in example.SETTINGS:
        with pytest.raises(SpikecudaValueError, match=rf"{name} must be > 0"):
            example.network(**{name: 0.0})


def test_a_threshold_at_rest_and_a_scale_that_is_no_number_are_refused():
    with pytest.raises(SpikecudaValueError, match="v_th must be > v_rest"):
        brunel.network(v_rest=20.0)
    for scale in (None, "x", True, [0.1]):
        with pytest.raises(SpikecudaTypeError, match="scale must be a number"):
            microcircuit.network(scale=scale)
