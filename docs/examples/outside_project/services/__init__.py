"""The project's own services; they know nothing of lan."""
