"""``spikecuda plan``: what it prints, what it refuses."""

import json

import pytest

CLUSTER = """
like = "zen5"
name = "a cluster"
[node]
cores = 64
memory_gb = 512
bandwidth_gb = 400
[exchange]
network_latency_us = 2.0
network_bandwidth_gb = 12.5
"""


@pytest.fixture
def cluster(tmp_path):
    path = tmp_path / "cluster.toml"
    path.write_text(CLUSTER, encoding="utf-8")
    return path


def test_one_prediction_has_parts_and_a_wall(cli):
    code, out, err = cli(
        "plan", "brunel", "--machine", "zen5", "--ranks", 2, "--threads", 1, "--rate", 37.5
    )
    assert code == 0 and err == ""
    for word in ("delivery", "look-up", "exchange", "waiting", "real-time factor", "heads of rows",
                 "12,500 neurons", "none is a GPU's"):  # fmt: skip
        assert word in out
    assert "wall" in out and "of the time" in out


def test_ranks_print_a_table_and_json(cli, cluster):
    code, out, _ = cli(
        "plan", "--weak", "--machine", cluster, "--ranks", "1,256", "--layout", "both", "--json"
    )
    assert code == 0
    found = json.loads(out)
    assert [(p["ranks"], p["layout"]) for p in found] == [
        (1, "dense"), (1, "short"), (256, "dense"), (256, "short")
    ]  # fmt: skip
    assert found[2]["neurons"] == 25_600_000
    assert found[2]["memory_bytes"] > found[3]["memory_bytes"]
    code, out, _ = cli("plan", "--weak", "--machine", cluster, "--ranks", "1,4", "--layout", "both")
    assert code == 0 and "short" in out and "a cluster" in out


def test_rates_by_population_and_a_function(cli, tmp_path):
    file = tmp_path / "net.py"
    file.write_text(
        "from spikecuda import Network\nfrom spikecuda.network import ExpCurrent\n"
        "from spikecuda import Poisson\n\ndef make(n=100):\n"
        "    net = Network(0.1, 1, devices='cpu')\n"
        "    net.population('E', int(n), 'lif', receptors={'syn': ExpCurrent(5.0)})\n"
        "    net.drive('E', Poisson(8000.0, 40.0))\n    return net\n\n"
        "def other():\n    return 3\n",
        encoding="utf-8",
    )
    command = ("plan", f"{file}:make", "--set", "n=4096", "--machine", "zen5", "--json")
    code, out, _ = cli(*command, "--rate", "E=12.5")
    (found,) = json.loads(out)
    assert code == 0 and found["neurons"] == 4096 and found["mean_rate"] == 12.5
    code, _, err = cli("plan", f"{file}:other", "--machine", "zen5", "--rate", "1")
    assert code == 2 and "must return a Network" in err
    code, _, err = cli(*command, "--rate", "1", "--set", "m=1")
    assert code == 2 and "--set must name the arguments" in err and "'m'" in err
    code, _, err = cli(*command, "--rate", "I=3")
    assert code == 2 and "no population 'I'" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("brunel",), "needs a machine"),
        (("--machine", "zen5"), "needs a NETWORK, or --weak"),
        (("--weak", "--machine", "zen5", "--scale", "3"), "--scale is for a NETWORK"),
        (("--weak", "--machine", "zen5", "--set", "a=3"), "--set is for a NETWORK"),
        (("--weak", "--machine", "zen5", "--run", "3"), "--run is for a NETWORK"),
        (("--measure", "here.toml", "--machine", "zen5"), "--machine is for a prediction"),
        (("--measure", "no/such/folder/here.toml"), "no/such/folder"),
        (("brunel", "--machine", "zen5", "--neurons", "5"), "--neurons is for --weak"),
        (("pool.toml", "--machine", "zen5"), "networks of synapses"),
        (("brunell", "--machine", "zen5"), "unknown example"),
        (("brunel", "--machine", "zen5", "--ranks", ","), "--ranks must be"),
        (("brunel", "--machine", "zen5", "--ranks", "2,1,2"), "each number of processes once"),
        (("brunel", "--machine", "zen5", "--ranks", "3", "--rate", "30"), "must be <= its 2 cores"),
        (("brunel", "--machine", "zen5", "--rate", "30", "--run", "5"), "--run is to find rates"),
        (("x.py:f", "--machine", "zen5", "--scale", "0.1"), "--scale is for published"),
        (("song2000", "--machine", "zen5", "--rate", "30"), "weights stay"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused(cli, arguments, says):
    code, _, err = cli("plan", *arguments)
    assert code == 2 and says in err


def test_a_measured_file_is_not_overwritten(cli, cluster):
    code, _, err = cli("plan", "--measure", cluster)
    assert code == 2 and "exists; name a NETWORK" in err
