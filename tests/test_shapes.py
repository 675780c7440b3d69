"""The checks of shapes that `conftest.py` switches on: that they are on, and that every tensor has a shape."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Iterator

import pytest
import torch
from checked_shapes import CALLS
from jaxtyping import TypeCheckError

from svgbench.nn.returns import discounted_sums, time_means

SHAPED = ("svgbench.nn", "svgbench.models", "svgbench.memory")
REWARD, ENDED = torch.ones(2, 3, 4), torch.zeros(2, 3, 4, dtype=torch.bool)


def test_a_wrong_shape_fails_where_it_would_broadcast():
    assert discounted_sums(REWARD, ENDED, torch.zeros(2, 3, 4), 0.9).shape == (2, 3, 4)
    with pytest.raises(TypeCheckError, match="parameter 'tail'"):
        discounted_sums(REWARD, ENDED, torch.zeros(2, 3, 1), 0.9)


def test_a_wrong_dtype_fails_where_it_would_be_converted():
    time_means(REWARD, torch.zeros(2, 3, 4, dtype=torch.int64), ~ENDED)
    with pytest.raises(TypeCheckError, match="parameter 'elapsed'"):
        time_means(REWARD, torch.zeros(2, 3, 4), ~ENDED)


@pytest.mark.parametrize("repeat", [1, 2])
def test_a_functions_first_calls_in_a_test_are_checked(repeat):
    with pytest.raises(TypeCheckError):
        discounted_sums(REWARD, ENDED, torch.zeros(2, 3, 1), 0.9)
    for _ in range(CALLS):
        discounted_sums(REWARD, ENDED, torch.zeros(2, 3, 4), 0.9)
    discounted_sums(REWARD, ENDED, torch.zeros(2, 3, 1), 0.9)


@pytest.mark.usefixtures("unchecked_shapes")
def test_without_checks_the_wrong_ones_pass():
    discounted_sums(REWARD, ENDED, torch.zeros(2, 3, 1), 0.9)
    time_means(REWARD, torch.zeros(2, 3, 4), ~ENDED)


@pytest.mark.parametrize("package", SHAPED)
def test_every_tensor_of_a_signature_has_a_shape(package):
    """Hints must also be ones that resolve: jaxtyping passes over the others without a word."""
    found = {f"{owner}.{name}" for owner, name, hint in hints(package) if torch.Tensor in parts(hint)}
    assert not found


def hints(package: str) -> Iterator[tuple[str, str, object]]:
    """Of the package's functions, methods, properties and classes: owner, name, and what stands as its type."""
    path = importlib.import_module(package).__path__
    for info in pkgutil.walk_packages(path, package + "."):
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if getattr(value, "__module__", None) != info.name:
                continue
            members = [value, *vars(value).values()] if inspect.isclass(value) else [value]
            for member in members:
                member = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if (inspect.isfunction(member) or inspect.isclass(member)) and not is_state(member):
                    own = inspect.get_annotations(member)  # not what a class inherits
                    for word, hint in typing.get_type_hints(member).items():
                        if word in own:
                            yield f"{info.name}.{getattr(member, '__qualname__', name)}", word, hint


def is_state(member: object) -> bool:
    """States are dicts of many things; their functions check them."""
    return getattr(member, "__name__", "") in ("state_dict", "load_state_dict")


def parts(hint: object) -> Iterator[object]:
    """The hint and whatever is nested in it."""
    yield hint
    for inner in typing.get_args(hint):
        for one in inner if isinstance(inner, list) else [inner]:  # a Callable's arguments are a list
            yield from parts(one)
