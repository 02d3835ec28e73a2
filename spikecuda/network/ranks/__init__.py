"""A network over the processes of an MPI job: each owns some neurons and the synapses onto them."""
