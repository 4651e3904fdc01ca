"""`python -m <package> VERB`, and the script `<package>`: the whole project without make."""

import atexit
import gc

# Looking for garbage while modules are imported, and once more at the end, took 15 of the 80 ms of CPU that a command
# with nothing to do takes.
gc.set_threshold(100_000)
atexit.register(gc.freeze)

from .cli import main  # noqa: E402

if __name__ == "__main__":
    main()
