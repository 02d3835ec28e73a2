"""Hypothesis profiles, and the targets that the tests of kernels run on."""

import os

import pytest
from hypothesis import settings

settings.register_profile("full", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("thorough", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "full"))

# What a pool needs to be told to run on each target: the same tests for all of them.
TARGETS = {"cpu": {"use_gpu": False}}


@pytest.fixture(scope="session", params=sorted(TARGETS))
def target(request):
    """Keyword arguments of GPUNeuronPool that choose the target."""
    return TARGETS[request.param]
