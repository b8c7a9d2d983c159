"""The records and nothing else: what is authored, what is stored, what is published."""
