"""One file per page type: each turns the registry into views, one per page."""
