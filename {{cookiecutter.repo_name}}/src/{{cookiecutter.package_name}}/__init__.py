"""The project's package: `python -m <package> --help` lists what it does."""
