"""What the documentation says is run, linked and read here."""
