"""What all engines share: neurons, partitions, windows, traces, the exchange of spikes."""
