"""Kernels: model steps, the templates around them, the maths they share and their oracles.

Imported as ``spikecuda.kernels`` only.
"""
