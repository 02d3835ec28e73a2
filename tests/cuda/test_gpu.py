"""The kernels on a real GPU: run with ``pytest -m gpu``; skipped only where none can be set up."""

from dataclasses import replace

import pytest

from spikecuda.devices.open import gpu_status, open_device
from spikecuda.verify import settings_for, verify
from spikecuda.verify.cases import all_cases
from spikecuda.verify.correctness import Comparer, Variation, variations

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not gpu_status().usable, reason=f"{gpu_status().reason}; {gpu_status().remedy}"
    ),
]
FULL = settings_for(quick=False, emulated=False)


@pytest.fixture(scope="module")
def comparer():
    device = open_device("cuda:0")
    made = Comparer(device)
    yield made
    made.close()
    device.close()


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_a_kernel_has_the_bits_of_the_cpu(comparer, case):
    found = comparer.compare(case, Variation(FULL.neurons, FULL.splits[0]))
    assert found.equal, found.difference
    assert found.spikes > 0


@pytest.mark.parametrize("case", FULL.varied, ids=lambda case: case.name)
def test_launches_do_not_change_the_bits(comparer, case):
    wrong = [f for f in (comparer.compare(case, w) for w in variations(FULL)) if not f.equal]
    assert not wrong


def test_the_whole_check_passes(comparer):
    found = verify(comparer.device, replace(settings_for(True, False), speed_sizes=(10_000,)))
    assert found.passed
    assert all(t.fraction is None or 0 < t.fraction < 1 for t in found.throughput)
