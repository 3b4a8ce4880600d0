"""Reports as plain tables, and the modules that render and write them."""
