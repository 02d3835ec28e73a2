"""Loops that the host runs on the CPU whatever the device: drawing, draining, checking.

The modules here are compiled from a copy in the cache folder (``render.import_cpu_loop``), which is
named by a hash of what they use, and so are the entries of their machine code.
"""
