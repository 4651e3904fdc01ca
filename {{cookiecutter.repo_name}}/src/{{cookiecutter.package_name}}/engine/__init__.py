"""The machinery behind the verbs, from the template: read it when you like; an update replaces it.

Eight rooms. A module imports from its own room and from rooms above it in this list, never from below, and nothing in
here imports from the front of the package.

- project: parameters, files that are written whole or not at all, records, locks, git
- sources: from an address to a table of cells
- columns: what the columns are, and whether a table fits
- modelling: what is behind a candidate
- checks: what is suspicious in the data
- runs: the memory: runs, champions, comparisons, the team's store
- report: what the pages say
- steps: what happens when a verb is typed
"""
