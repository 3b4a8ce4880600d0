"""The command line: requests, plans, campaigns and progress."""
