"""Other simulators beside spikecuda: the same network, made in a process of their own Python."""
