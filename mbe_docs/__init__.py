"""Model behavior documentation from eval logs: one registry, and everything else a view of it."""

__version__ = "0.1.0"
