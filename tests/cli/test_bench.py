"""spikecuda bench."""

import json

import pytest

from spikecuda.cli import bench
from spikecuda.errors import NumericalError

QUICK = ("--seconds", "0.02", "--repeats", "2", "--device", "cpu")


def test_table(cli):
    code, out, err = cli("bench", "-m", "lif", "-n", "500", "3k", "--threads", 1, *QUICK)
    assert code == 0, err
    assert "500" in out and "3,000" in out and "same bits" in out


def test_json(cli):
    code, out, _ = cli("bench", "-m", "adex", "-n", "200", "--json", *QUICK)
    data = json.loads(out)
    (point,) = data["points"]
    assert code == 0 and data["validated"]
    assert point["model"] == "adex" and point["neurons"] == 200
    assert point["best_rate"] >= point["median_rate"] > 1e5


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("-m", "hh"), "--models must be among"),
        (("-p", "float8"), "precision must be"),
        (("-n", "none"), "--sizes must be a whole number"),
        (("--seconds", "0"), "--seconds must be in"),
        (("--device", "tpu"), "device must be one of"),
    ],
)
def test_refusals(cli, argv, message):
    code, _, err = cli("bench", *argv)
    assert code == 2 and message in err


def test_a_wrong_bit_is_noticed():
    from spikecuda.report.measure import open_pool
    from spikecuda.report.workloads import WORKLOADS

    current = WORKLOADS["lif"].current(100)
    with open_pool("lif", "float32", 100) as pool:
        bench.validate(pool, current)
        pool.reset()
        pool.state["v"] = -60.0
        with pytest.raises(NumericalError, match="v, refrac differ from one thread"):
            bench.validate(pool, current)
