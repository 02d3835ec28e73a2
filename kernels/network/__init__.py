"""What the CPU's network loops are made of: plain njit functions without a cache of their own.

The entry points in ``kernels/cpu_loops/network_*.py`` compile them in; the name of their cache
covers these files too (``compile.dependencies``).
"""
