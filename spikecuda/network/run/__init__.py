"""What both engines share: neurons, partitions, windows, traces, and the exchange of spikes."""
