"""What every room needs: arguments checked, seeds, distributions, threads, memory of the host."""
