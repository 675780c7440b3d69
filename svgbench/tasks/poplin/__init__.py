"""The tasks of POPLIN and PETS (Wang and Ba 2020, Chua et al. 2018), on which Amos et al. 2020 compare."""

from svgbench import moved

__getattr__ = moved.contents(__name__)
