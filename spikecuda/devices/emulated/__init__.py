"""An emulated CUDA device."""
