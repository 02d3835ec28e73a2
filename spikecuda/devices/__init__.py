"""Devices: one interface, and an implementation of it in a file each."""
