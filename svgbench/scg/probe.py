"""Tests of one function along a line: does it jump, and is autograd's derivative its derivative?

`requires_grad` cannot tell. A comparison loses it, rounding keeps it and returns zero, and both are constant almost
everywhere, so a small finite difference sees nothing. Bisection finds a jump: each halving removes half of a continuous
change, but a jump stays. A test misses a jump that none of its lines crosses; declare it (`smooth=False`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from svgbench.scg.graph import GraphError

At = Callable[[float], tuple[float, float]]
"""The value of a function at t in [0, 1], and its derivative by t according to autograd."""

MOVES = "moves the support of the law, so grad log p misses what happens at its end"
PLACES = (0.137, 0.391, 0.618, 0.853)
HALVINGS = 20
DRAWS = 1024  # of a law, for the mean of its score


class OutsideDomainError(Exception):
    """The function has no value there: shorten the line."""


class SupportMovesError(Exception):
    """A value with a density has none there."""


def jump(at: At, eps: float) -> str | None:
    """A jump between t = 0 and 1, if there is one. eps: of the floating-point type."""
    low, high = 0.0, 1.0
    (f_low, s_low), (f_high, s_high) = at(low), at(high)
    size, swing, largest, last = max(abs(f_low), abs(f_high)), abs(f_high - f_low), 0.0, 0.0
    for _ in range(HALVINGS if eps < 1e-10 else HALVINGS - 4):
        middle, half = (low + high) / 2, (high - low) / 2
        f, s = at(middle)
        # the part that the slopes do not explain
        left, right = abs(f - f_low - half * (s_low + s) / 2), abs(f_high - f - half * (s + s_high) / 2)
        last, size = max(left, right), max(size, abs(f))
        largest, swing = max(largest, last), max(swing, abs(f - f_low), abs(f_high - f))
        if last <= 1e-5 * swing + 1e3 * eps * size:
            return None
        if left > right:
            high, f_high, s_high = middle, f, s
        else:
            low, f_low, s_low = middle, f, s
    if last <= 3e-3 * largest:
        return None
    return f"has a jump (of about {last:.2g} in a step of {high - low:.0e})"


def wrong_derivative(at: At, eps: float) -> str | None:
    """Whether autograd and finite differences disagree at most places."""
    h = eps ** (1 / 3) / 3
    wrong = []
    for t in PLACES:
        f, slope = at(t)
        wide, narrow = ((at(t + step)[0] - at(t - step)[0]) / (2 * step) for step in (h, h / 2))
        rounding = 20 * eps * abs(f) / h
        # their difference is more than the error of the narrow one, if that is the curvature's
        if abs(narrow - slope) > eps**0.25 * max(abs(narrow), abs(slope)) + 2 * abs(wide - narrow) + rounding:
            wrong.append((slope, narrow))
    if len(wrong) < 3:  # at a kink it may differ
        return None
    return f"has the derivative {wrong[0][0]:.4g} by autograd and {wrong[0][1]:.4g} by finite differences"


def score_fault(log_p: Callable[[float], Tensor], eps: float) -> str | None:
    """Whether the mean of a law's score is not zero, as it is where the support moves and torch does not know it.

    log_p: of values drawn at t = 0, under the law at t, [draws]; a step of 1 is of the parameters' own size. Rare
    outcomes that were not drawn change the mean by less than their probability.
    """
    h = eps ** (1 / 3)
    score = (log_p(h) - log_p(-h)) / (2 * h)
    if not score.isfinite().all():
        return MOVES
    mean, error = score.mean().item(), score.std().item() / len(score) ** 0.5
    if abs(mean) <= 8 * error + 0.02:
        return None
    return f"gives the law a score whose mean is {mean:.2g}, not 0: its support moves, or its density lacks a factor"


def along(x: Tensor, t: Tensor) -> Tensor | None:
    """dx / dt [draws, ...] of draws by a number; None if torch gives their sum alone."""
    if not x.requires_grad:
        return torch.zeros_like(x)
    v = torch.ones_like(x, requires_grad=True)
    total = torch.autograd.grad((x * v).sum(), t, create_graph=True, allow_unused=True, materialize_grads=True)[0]
    if not total.requires_grad:
        return None if total.any() else torch.zeros_like(x)
    return torch.autograd.grad(total, v)[0]


def path_fault(x: Tensor, slope: Tensor, log_p: Callable[[float], Tensor], eps: float) -> str | None:
    """Whether values move otherwise than their density, in their means or their squares.

    x, slope: draws and their derivatives [draws, ...]; log_p: of the draws, as of `score_fault`. For every function f,
    E[f'(x) slope] = E[f(x) score].
    """
    h = eps ** (1 / 3)
    score = (log_p(h) - log_p(-h)) / (2 * h)
    x, slope = x.flatten(1) if x.dim() > 1 else x[:, None], slope.reshape(len(x), -1)
    apart = x - x.mean(0)
    square = apart.square() / 2
    for name, f, change in (("mean", apart, slope), ("square", square - square.mean(0), apart * slope)):
        asked = f * score[:, None]
        off, error = change - asked, (change - asked).std(0) / len(x) ** 0.5
        wrong = off.mean(0).abs() > 8 * error + 0.02 * (1 + change.abs().mean(0))
        if off.isfinite().all() and wrong.any():
            i = int(wrong.int().argmax())
            a, b = change.mean(0)[i].item(), asked.mean(0)[i].item()
            return f"gives values whose {name} has the derivative {a:.2g} by rsample and {b:.2g} by log_prob"
    return None


def fault_along(start: list[Tensor], rows: bool, function: Callable[[list[Tensor]], Tensor], eps: float) -> str | None:
    """The fault of a scalar function of tensors on lines from `start`, or None.

    rows: the first axis is samples; a line then goes to another sample's value, else a random way. eps: of the coarsest
    floating-point type in the function.
    """
    for number, way in enumerate(_ways(start, rows)):
        for shorter in (1.0, 0.3, 0.1, 0.03, 0.01, 0.001):
            line = _line(start, [shorter * w for w in way], function)
            try:
                found = jump(line, eps) or (None if number else wrong_derivative(line, eps))
            except OutsideDomainError:
                continue
            except SupportMovesError:
                return MOVES
            if found:
                return found
            break
    return None


def kink_along(start: list[Tensor], rows: bool, function: Callable[[list[Tensor]], Tensor], eps: float) -> str | None:
    """A jump of the first derivative of a scalar function on lines from `start`, as of `fault_along`, or None."""
    for way in _ways(start, rows):
        for shorter in (1.0, 0.3, 0.1, 0.03, 0.01, 0.001):
            try:
                found = jump(_slope_line(start, [shorter * w for w in way], function), eps)
            except (OutsideDomainError, SupportMovesError):
                continue
            if found:
                return found
            break
    return None


def wrong_curvature(
    start: list[Tensor], rows: bool, function: Callable[[list[Tensor]], Tensor], eps: float
) -> str | None:
    """Whether autograd's second derivative at `start` is another than that of the slopes around it, or None.

    It is so at single points, such as a logit of 0, where a formula with |x| is smooth and autograd takes |x|' = 0.
    """
    h = eps**0.25
    for way in _ways(start, rows):
        line = _slope_line(start, way, function)
        try:
            (low, _), (middle, curvature), (high, _) = line(-h), line(0.0), line(h)
        except (OutsideDomainError, SupportMovesError):
            continue
        left, right = (middle - low) / h, (high - middle) / h
        slack = 0.05 * max(abs(left), abs(right)) + 1e3 * eps * max(abs(low), abs(high)) / h
        if abs(left - right) <= slack and abs((left + right) / 2 - curvature) > slack:  # else it is a kink
            return f"has the second derivative {curvature:.4g} by autograd and {(left + right) / 2:.4g} by differences"
    return None


def _ways(start: list[Tensor], rows: bool) -> Iterator[list[Tensor]]:
    generator = torch.Generator().manual_seed(0)
    if rows and not torch.equal(start[0], start[0].roll(1, 0)):
        yield [x.roll(1, 0) - x for x in start]
    for length in (0.3, 1.0, -1.0):
        steps = [torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x) for x in start]
        yield [length * (1 + x.abs()) * step for x, step in zip(start, steps, strict=True)]


def _line(start: list[Tensor], way: list[Tensor], function: Callable[[list[Tensor]], Tensor]) -> At:
    def at(t: float) -> tuple[float, float]:
        with torch.enable_grad():
            there = [(x + t * w).detach().requires_grad_() for x, w in zip(start, way, strict=True)]
            try:
                y = function(there)
            except GraphError:
                raise
            except ValueError as error:  # a law whose parameters are not valid
                raise OutsideDomainError from error
            if not torch.isfinite(y):
                raise OutsideDomainError
            if not y.requires_grad:
                return y.item(), 0.0
            slopes = torch.autograd.grad(y, there, allow_unused=True)
        return y.item(), sum((g * w).sum().item() for g, w in zip(slopes, way, strict=True) if g is not None)

    return at


def _slope_line(start: list[Tensor], way: list[Tensor], function: Callable[[list[Tensor]], Tensor]) -> At:
    """The first derivative along a line, and the second."""

    def at(t: float) -> tuple[float, float]:
        with torch.enable_grad():
            place = start[0].new_tensor(t).requires_grad_()
            try:
                y = function([x + place * w for x, w in zip(start, way, strict=True)])
            except GraphError:
                raise
            except ValueError as error:  # a law whose parameters are not valid
                raise OutsideDomainError from error
            if not torch.isfinite(y):
                raise OutsideDomainError
            if not y.requires_grad:
                return 0.0, 0.0
            slope = torch.autograd.grad(y, place, create_graph=True, materialize_grads=True, allow_unused=True)[0]
            if not slope.requires_grad:
                return slope.item(), 0.0
            curvature = torch.autograd.grad(slope, place, materialize_grads=True, allow_unused=True)[0]
        return slope.item(), curvature.item()

    return at
