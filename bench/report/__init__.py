"""Reports: plain tables, and what renders and writes them."""
