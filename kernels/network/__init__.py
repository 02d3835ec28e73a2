"""What the CPU's network loops are made of: plain njit functions without a cache of their own.

The entry points in ``kernels/host/network_*.py`` compile them in; their cache's name covers these
files too (``kernels.dependencies``).
"""
