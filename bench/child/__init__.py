"""The child process that runs one job, and the parent's side of it."""
