"""Merge evidence and curated notes into the registry: estimates, comparisons, statuses."""
