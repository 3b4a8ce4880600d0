"""Turns records into typed results: frames, machines, ratios and limits."""
