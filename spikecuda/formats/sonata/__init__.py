"""SONATA: networks and simulations of the Allen Institute and the Blue Brain Project."""
