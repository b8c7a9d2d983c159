"""The evidence store, and the sums that SQL takes from it."""
