"""Conditions while a job runs, and the look at a machine before a run."""
