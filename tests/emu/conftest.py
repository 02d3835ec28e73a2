"""Each test session translates afresh: its cache of machine code is its own and starts empty."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    import os

    before = os.environ.get("SPIKECUDA_CACHE_DIR")
    os.environ["SPIKECUDA_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["SPIKECUDA_CACHE_DIR"]
    else:
        os.environ["SPIKECUDA_CACHE_DIR"] = before
