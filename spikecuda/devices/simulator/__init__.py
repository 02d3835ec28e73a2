"""Numba's CUDA simulator."""
