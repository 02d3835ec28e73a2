"""Synapses as they are stored: built, looked at, changed."""
