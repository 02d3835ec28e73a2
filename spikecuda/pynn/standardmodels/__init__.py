"""PyNN's standard models: cells, receptors, synapses and electrodes."""
