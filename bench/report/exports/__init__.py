"""The results in the formats of other programs, a module a format."""
