"""The cluster's part of a run: what its file says, whether it is up, and how it is followed."""
