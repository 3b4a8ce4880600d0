"""What is asked for: axes, jobs, grids, workloads and requests."""
