"""Ensembles: replicas of a network that are advanced together."""
