"""What is suspicious in the data."""
