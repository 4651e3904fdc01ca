"""Parameters, files, records, locks, git."""
