"""A tiny report, measured once for all tests."""

import pytest

from spikecuda.report.build import measure
from spikecuda.report.settings import Settings
from spikecuda.report.write import write_report

TINY = Settings(
    level="quick", sizes=(1_000, 4_000), seconds=0.02, repeats=2, accuracy_neurons=24,
    accuracy_duration=60.0, thread_counts=(1, 2), thread_neurons=8_000, startup_repeats=1,
    cold_start=False, system_neurons=6_000, partition_counts=(1, 2),
    precisions=("float16", "float32"), devices=("cpu",), realtime_networks=("balanced",),
    realtime_seconds=0.1, realtime_duration=10.0, peers=False,
)  # fmt: skip


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Return (report, gallery, folder, phases)."""
    folder = tmp_path_factory.mktemp("made") / "report"
    phases = []
    report, gallery = measure(TINY, lambda phase, what: phases.append((phase, what)))
    write_report(report, gallery, folder)
    return report, gallery, folder, phases
