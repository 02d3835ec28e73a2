"""A real CUDA GPU, through cuda.core."""
