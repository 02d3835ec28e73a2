"""The collector waits while kernels are compiled, and is afterwards as it was."""

import gc
import threading

import pytest

from spikecuda.common.garbage import collect_later


@pytest.mark.parametrize("on", [True, False])
def test_it_is_afterwards_as_it_was(on):
    was = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        with collect_later():
            assert not gc.isenabled()
            with pytest.raises(ValueError), collect_later():
                raise ValueError
            assert not gc.isenabled()
        assert gc.isenabled() == on
    finally:
        (gc.enable if was else gc.disable)()


def test_it_waits_for_the_last_of_several_threads():
    inside, leave = threading.Event(), threading.Event()

    def work():
        with collect_later():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=work)
    with collect_later():
        thread.start()
        assert inside.wait(10)
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()
