"""Reads machine facts; each module covers one subject."""
