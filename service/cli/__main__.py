"""`python -m service.cli`: the same as `leverboard`, where the script is not on the path."""

from service.cli import main

main()
