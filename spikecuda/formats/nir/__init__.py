"""NIR: the Neuromorphic Intermediate Representation of spiking networks."""
