"""The collector waits while kernels are compiled, and is afterwards as it was."""

import gc
import threading

import pytest

from spikecuda.common import garbage
from spikecuda.common.garbage import collect_later, old_left_out


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


class Collector:
    """What garbage.py uses of gc: the tests themselves have frozen what there is."""

    def __init__(self, frozen):
        self.frozen = frozen

    def get_freeze_count(self):
        return self.frozen

    def freeze(self):
        self.frozen += 100

    def unfreeze(self):
        self.frozen = 0


def test_old_objects_are_left_out_and_come_back(monkeypatch):
    monkeypatch.setattr(garbage, "gc", collector := Collector(0))
    for _ in range(2):
        with old_left_out():
            with pytest.raises(ValueError), old_left_out():
                assert collector.frozen == 100
                raise ValueError
            assert collector.frozen == 100
        assert collector.frozen == 0


def test_what_the_program_froze_stays_so(monkeypatch):
    monkeypatch.setattr(garbage, "gc", collector := Collector(7))
    with old_left_out():
        assert collector.frozen == 7
    assert collector.frozen == 7
