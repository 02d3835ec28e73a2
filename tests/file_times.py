"""The option ``--file-times N``: which N test files take most processor time, not time itself.

The time of processes that a test starts and waits for is the test's.
"""

import os
from collections import Counter

import pytest


class FileTimes:
    """Seconds of processor time of each file, of all workers together."""

    def __init__(self, most):
        self.most, self.seconds = most, Counter()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        before = sum(os.times()[:4])
        try:
            return (yield)
        finally:
            self.seconds[item.location[0]] += sum(os.times()[:4]) - before

    def pytest_sessionfinish(self, session):
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["file_times"] = dict(self.seconds)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        self.seconds.update(getattr(node, "workeroutput", {}).get("file_times", {}))

    def pytest_terminal_summary(self, terminalreporter):
        total = self.seconds.total()
        terminalreporter.section(f"processor time of files, {total:.0f} s in all")
        for file, seconds in self.seconds.most_common(self.most):
            terminalreporter.write_line(f"{seconds:7.1f} s  {file}")
