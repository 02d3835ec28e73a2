"""The GPU check: every kernel's bits against the CPU's, memory faults, throughput, predictions.

``spikecuda verify --gpu`` runs it; ``docs/verify.md`` describes what it does and what it writes.
"""

from spikecuda.verify.run import verify
from spikecuda.verify.settings import Settings, settings_for

__all__ = ["Settings", "settings_for", "verify"]
