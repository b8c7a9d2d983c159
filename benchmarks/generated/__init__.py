"""Inputs of the benchmarks that are made on the spot."""
