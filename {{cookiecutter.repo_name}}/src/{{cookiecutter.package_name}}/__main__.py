"""`python -m <package> VERB`, and the script `<package>`: the whole project without make."""

import atexit
import gc

# Looking for garbage while modules are imported, and once more at the end, took 15 of the 80 ms of CPU that a command
# with nothing to do takes.
gc.set_threshold(100_000)
atexit.register(gc.freeze)

try:
    from .cli import main
except SyntaxError as error:  # as a conflict of an update leaves it; what words errors elsewhere may not be read
    cure = "Mend that line; a conflict of an update stands between <<<<<<< and >>>>>>>."
    raise SystemExit(f"Error: {error.filename}, line {error.lineno}: {error.msg}.\n{cure}") from None

if __name__ == "__main__":
    main()
