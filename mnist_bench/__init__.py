"""The MNIST workload: data, models, loops, grids, and the figures published in 2020."""
