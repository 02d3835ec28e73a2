"""spikecuda report."""
def add(commands, common): pass
