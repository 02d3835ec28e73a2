"""Loops that the host runs on the CPU whatever the device: drawing, draining, checking.

The modules here are compiled from a copy in the cache folder (``render.import_cpu_loop``), so that
numba's disk cache works wherever the package is installed.
"""
