"""From a kernel spec to machine code, and the cache that keeps it."""
