"""spikecuda bench."""
def add(commands, common): pass
