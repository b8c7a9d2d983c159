"""One file per eval format."""
