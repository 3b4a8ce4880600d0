"""The workload and the command line: data, models, loops, grids, annex tables."""
