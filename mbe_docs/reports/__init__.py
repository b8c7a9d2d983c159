"""One file per report format of a diff."""
