"""The memory: runs, champions, comparisons, the team's store."""
