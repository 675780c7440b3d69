"""`python -m svgbench` is the program `svgbench`."""

from svgbench.cli import main

if __name__ == "__main__":
    main()
