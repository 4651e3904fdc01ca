"""What the columns are, and whether a table fits."""
