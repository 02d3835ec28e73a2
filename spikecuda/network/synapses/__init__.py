"""Stored synapses: build, read, change."""
