"""The checks of the command `doctor`, a module for each group; `checks` holds their table."""
