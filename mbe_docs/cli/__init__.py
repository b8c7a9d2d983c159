"""One file per command: parse, call `Project`, print."""
