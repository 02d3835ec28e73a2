"""Threads that compile at once without a device do not take each other's answer away."""

import threading

from numba.cuda import dispatcher

from spikecuda.kernels.compile.offline import without_device


def test_threads_wait_for_each_other():
    before, found, entered = dispatcher.get_current_device, [], threading.Event()

    def other():
        with without_device((8, 6)):
            entered.set()
            found.append(dispatcher.get_current_device().compute_capability)

    thread = threading.Thread(target=other)
    with without_device((9, 0)):
        thread.start()
        assert not entered.wait(0.05)
        found.append(dispatcher.get_current_device().compute_capability)
    thread.join(10.0)
    assert found == [(9, 0), (8, 6)] and dispatcher.get_current_device is before
