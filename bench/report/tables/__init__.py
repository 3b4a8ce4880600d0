"""A builder for each table of the report."""
