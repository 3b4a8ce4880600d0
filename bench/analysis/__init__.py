"""Records in, typed results out: frames, machines, ratios, limits."""
