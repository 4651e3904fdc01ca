"""`python -m <package> VERB`, and the script `<package>`: the whole project without make."""

import atexit
import gc
import os

# Looking for garbage while modules are imported, and once more at the end, took 15 of the 80 ms of CPU that a command
# with nothing to do takes.
gc.set_threshold(100_000)
atexit.register(gc.freeze)
# A thread that waits for others asks them 30,000 times, not 300,000, and sleeps: on two cores that six others want,
# one boosting of 60,000 rows took 1.2 to 1.5 CPU s for 4.7 to 9.8, and as long as before where nobody wanted them.
for name, value in (("GOMP_SPINCOUNT", "30000"), ("OPENBLAS_THREAD_TIMEOUT", "4")):
    os.environ.setdefault(name, value)

try:
    from .cli import main
except SyntaxError as error:  # as a conflict of an update leaves it; what words errors elsewhere may not be read
    cure = "Mend that line; a conflict of an update stands between <<<<<<< and >>>>>>>."
    raise SystemExit(f"Error: {error.filename}, line {error.lineno}: {error.msg}.\n{cure}") from None

if __name__ == "__main__":
    main()
