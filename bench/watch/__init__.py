"""Watches the conditions while a job runs, and looks at a machine before a run."""
