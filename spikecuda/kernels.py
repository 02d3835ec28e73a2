"""Finds ``kernels/`` where the symbolic link ``spikecuda/kernels -> ../kernels`` is missing.

A folder is imported before a module of the same name (PEP 420), so this file is read only in a
source tree without links: an unpacked sdist, a source zip, or a checkout with
``core.symlinks=false``. It is not installed.
"""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parents[1] / "kernels")]
