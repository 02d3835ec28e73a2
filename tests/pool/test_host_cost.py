"""What the host spends on a window, measured with a null launcher."""

import importlib.util
import sys
from pathlib import Path

from calls import calls, small_heap

import spikecuda

BENCH = Path(spikecuda.__file__).resolve().parents[1] / "bench" / "windows.py"


def bench():
    spec = importlib.util.spec_from_file_location("bench_windows", BENCH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_replayed_window_costs_less_than_five_microseconds_of_python():
    windows = bench()
    device = windows.NullDevice()
    with small_heap():
        assert windows.least(lambda: windows.replayed(device, 300.0, 500), 30) < 5.0
    device.close()


def test_a_replayed_window_costs_at_most_forty_calls_of_python():
    """36 calls take 2 to 4 us, depending on the machine; the number depends on nothing."""
    windows = bench()
    device = windows.NullDevice()

    def made(count):
        return calls(lambda: windows.replayed(device, 300.0, count))

    made(20)
    assert made(120) - made(20) <= 100 * 40
    device.close()


def test_the_null_launcher_is_told_everything():
    """Each window is one replay of a kernel and the clock, nothing is launched besides."""
    windows = bench()
    device = windows.NullDevice()
    before = device.launches
    windows.replayed(device, 300.0, 20)
    assert device.launches - before == 21 * 2
    device.close()


def test_a_short_run_works_nothing_out_again():
    with spikecuda.GPUNeuronPool(100, "lif", device="cpu", threads=1) as pool:
        noise = spikecuda.Noise(100.0, mean=300.0)
        for _ in range(2):
            pool.run(steps=10, input=noise)
        # 667 when the kernel's structure was worked out for every run.
        assert calls(lambda: pool.run(steps=10, input=noise)) < 610
        spec = pool.neuron_spec.spec
        assert spec(None) is spec(None)
