"""What the tests of sweeps share."""

import concurrent.futures

import pytest


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        yield executor
