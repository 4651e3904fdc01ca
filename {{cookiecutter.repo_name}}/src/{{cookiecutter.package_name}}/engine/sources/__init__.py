"""From an address to a table of cells."""
