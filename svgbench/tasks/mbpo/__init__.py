"""The tasks of MBPO (Janner et al. 2019), on which Amos et al. 2020 compare."""

from svgbench import moved

__getattr__ = moved.contents(__name__)
