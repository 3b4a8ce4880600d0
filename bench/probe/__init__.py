"""Machine facts, a module a subject."""
