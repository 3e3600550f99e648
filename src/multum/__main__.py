"""`python -m multum` is the command `multum`."""

from multum.cli import main

main()
