"""The report's figures: one chart specification each, made from typed results."""
