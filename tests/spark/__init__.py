"""What runs on Spark; skipped where pyspark or Java is missing."""
