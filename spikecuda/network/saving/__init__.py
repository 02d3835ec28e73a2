"""Networks in files: what was described, the synapses, what moves."""
