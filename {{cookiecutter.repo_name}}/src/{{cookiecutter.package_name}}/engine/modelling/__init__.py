"""What is behind a candidate."""
