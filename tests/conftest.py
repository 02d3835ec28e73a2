"""Hypothesis profiles, and the targets that the tests of kernels run on.

``HYPOTHESIS_PROFILE=thorough`` takes more and other examples, and all of each product of models,
precisions and architectures (``thorough.py``).  ``SPIKECUDA_TARGETS=cpu,cuda-emu``
(``cuda`` where there is a GPU) runs the same tests on other targets.
"""

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("full", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("thorough", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "full"))

# Compiled kernels stay, and with them millions of objects that the collector need not look through.
gc.set_threshold(100_000, 50, 100)

# What a pool needs to be told to run on each target.
POOL_OPTIONS = {
    "cpu": {"device": "cpu", "threads": 1},
    "cuda-emu": {"device": "cuda-emu"},
    "cuda": {"device": "cuda:0"},
}
TARGETS = os.environ.get("SPIKECUDA_TARGETS", "cpu").split(",")
# Files that take longest where nothing is cached come first, so that no core waits at the end for
# one of them; the first two compile nothing that the other needs.
HERE = Path(__file__).parent
LONGEST = (
    "inputs/test_splits.py", "inspection/test_kernels.py", "oracle/test_models.py",
    "docs/test_examples.py", "plasticity/test_cuda_bits.py", "emulated/test_equivalence.py",
    "plasticity/test_saved_learning.py", "package/test_distribution.py", "oracle/test_bits.py",
    "inspection/test_network_kernels.py", "oracle/test_newer_models.py",
    "physics/test_networks_that_learn.py", "network/test_many_receptors.py",
    "physics/test_spike_times.py", "plasticity/test_engine_peers.py", "package/test_first_run.py",
    "package/test_cache.py", "network/test_network_bits.py", "plasticity/test_dopamine.py",
    "plasticity/test_rule_mistakes.py", "plasticity/test_engine_oracle.py",
    "network/test_vanishing_receptors.py", "report/test_report.py", "facts/test_facts.py",
)  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def threads_are_side_by_side():
    """Let networks as small as the tests' be advanced by all of their threads, too."""
    from spikecuda.network.cpu import engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "ALONE", 0)
        yield


def pytest_collection_modifyitems(items):
    first = {HERE / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: first.get(item.path, len(first)))


@pytest.fixture(scope="module", autouse=True)
def kernels_are_no_garbage():
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", params=TARGETS)
def target(request):
    """Keyword arguments of GPUNeuronPool that choose the target."""
    return POOL_OPTIONS[request.param]
