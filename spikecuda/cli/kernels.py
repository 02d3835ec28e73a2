"""spikecuda kernels."""
def add(commands, common): pass
