"""What the tests of the tasks share: every task, as gymnasium's registry lists them, and random actions."""

from __future__ import annotations

import sys
from contextlib import chdir
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from types import ModuleType

import gymnasium
import numpy as np

import svgbench.tasks  # noqa: F401  (registers)
from svgbench.lab.block import resolve

FACTORIES = {
    environment: spec.kwargs["make"]
    for environment, spec in gymnasium.registry.items()
    if environment.startswith("svgbench/")
}


OPTIONS = {
    environment: {name: value for name, value in gymnasium.registry[environment].kwargs.items() if name != "make"}
    for environment in FACTORIES
}


def make(environment, **options):
    return resolve(FACTORIES[environment])(**OPTIONS[environment] | options)


def reference_env(environment, **options):
    """An environment of gymnasium's, bare.

    It imports imageio for its viewer's snapshots, which nothing here takes, and its cheetah makes MuJoCo write a
    warning to a file in the working folder.
    """
    if "imageio" not in sys.modules and find_spec("imageio") is None:
        sys.modules["imageio"] = ModuleType("imageio")
    with TemporaryDirectory() as folder, chdir(folder):
        return gymnasium.make(environment, **options).unwrapped


def random_actions(task, T, N, seed=0):
    """[T, N, A]: half of them at full strength, so that things move and fall."""
    rng = np.random.default_rng(seed)
    actions = rng.uniform(-1, 1, (T, N, task.action_dim))
    return np.where(rng.random((T, N, 1)) < 0.5, np.sign(actions), actions)


def assert_same(one, other):
    """Two steps are equal bit for bit."""
    for name, left, right in zip(one._fields, one, other, strict=True):
        np.testing.assert_array_equal(left, right, err_msg=name)


def row(step, i):
    """One simulation's part of a step, still with its axis."""
    return type(step)(*(field[i : i + 1] for field in step))
