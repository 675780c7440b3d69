"""svgbench: reruns published experiments on policy optimisation and says what holds."""

__version__ = "0.1.0"
