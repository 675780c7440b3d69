"""`python -m svgbench` is the program `svgbench`."""

from svgbench.cli import main

main()
