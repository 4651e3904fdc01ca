"""`python -m <package> VERB` is the whole project without make."""

from .cli import main

main()
