"""Operations on laws: separating the noise, listing the outcomes, and quadrature over the noise.

R rows are the first axis of a law's batch, unless the law is shared by all rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch import distributions as d
from torch.distributions import constraints

from svgbench.scg.graph import GraphError, log_prob

LIMIT = 2**24  # rows of an enumeration

PLAIN = tuple(
    law.rsample
    for law in (
        d.Independent,
        d.TransformedDistribution,
        d.MultivariateNormal,
        d.Normal,
        d.Laplace,
        d.Cauchy,
        d.Uniform,
        d.Exponential,
    )
)

Placed = Callable[[Tensor], Tensor]
"""Maps noise to the value that it makes."""


def noise_of(law: Any) -> tuple[Any, Placed] | None:
    """A law without parameters and the map that makes `law` of it (section 5.2.1), or None if none is known.

    Known: normal, uniform, Laplace, Cauchy and exponential laws, the normal with a covariance, and what `Independent`
    and `TransformedDistribution` make of them.
    """
    if getattr(type(law), "rsample", None) not in PLAIN:
        return None  # a subclass that draws otherwise
    if isinstance(law, d.Independent):
        inner = noise_of(law.base_dist)
        return inner and (d.Independent(inner[0], law.reinterpreted_batch_ndims), inner[1])
    if isinstance(law, d.TransformedDistribution):
        inner = noise_of(law.base_dist)
        return inner and (inner[0], lambda e: reduce(lambda x, f: f(x), law.transforms, inner[1](e)))
    if type(law) is d.MultivariateNormal:
        unit = d.Normal(torch.zeros_like(law.loc), 1.0, validate_args=False)
        return d.Independent(unit, 1), lambda e: law.loc + (law.scale_tril @ e.unsqueeze(-1)).squeeze(-1)
    if type(law) in (d.Normal, d.Laplace, d.Cauchy):
        zero, one = torch.zeros_like(law.loc), torch.ones_like(law.loc)
        return type(law)(zero, one, validate_args=False), lambda e: law.loc + law.scale * e
    if type(law) is d.Uniform:
        zero, one = torch.zeros_like(law.low), torch.ones_like(law.low)
        return d.Uniform(zero, one, validate_args=False), lambda e: law.low + (law.high - law.low) * e
    if type(law) is d.Exponential:
        return d.Exponential(torch.ones_like(law.rate), validate_args=False), lambda e: e / law.rate
    return None


def of_one_row(unit: Any) -> Any:
    """A law of noise without its first axis, the rows."""
    if isinstance(unit, d.Independent):
        return d.Independent(of_one_row(unit.base_dist), unit.reinterpreted_batch_ndims)
    return type(unit)(**{name: getattr(unit, name)[0] for name in unit.arg_constraints}, validate_args=False)


def moves(law: Any) -> bool:
    """Whether the support depends on a value that carries a gradient, as Uniform(0, theta)'s does."""
    try:
        found = law.support
    except (AttributeError, NotImplementedError):
        return False
    return any(limit.requires_grad for limit in _limits(found))


def tells_support(law: Any) -> bool:
    """Whether `support` can be trusted: a `TransformedDistribution` reports its last step's, and a user's law none."""
    while isinstance(law, d.Independent):
        law = law.base_dist
    return type(law).__module__.startswith("torch.distributions.") and type(law) is not d.TransformedDistribution


def known_path(law: Any) -> bool:
    """Whether the law is torch's, whose `rsample` is a reparameterisation of its density."""
    while isinstance(law, d.Independent | d.TransformedDistribution):
        if type(law).rsample not in PLAIN:
            return type(law).__module__.startswith("torch.distributions.")
        law = law.base_dist
    return type(law).__module__.startswith("torch.distributions.")


def _limits(part: Any) -> Iterator[Tensor]:
    if isinstance(part, Tensor):
        yield part
    elif isinstance(part, list | tuple):
        for one in part:
            yield from _limits(one)
    elif isinstance(part, constraints.Constraint):
        for one in vars(part).values():
            yield from _limits(one)


def aligned(x: Tensor, rows: int) -> Tensor:
    """x [R, ...] repeated to this number of rows: each row for all rows that come from it."""
    own = x.size(0)  # called several times on every run; `len` takes three times as long
    return x if own == rows else x.repeat_interleave(rows // own, 0)


def placed(name: str, law: Any, noise: Tensor | None, rows: int) -> Tensor:
    """The value [rows, ...] of noise [R, ...] under another law."""
    pulled = noise_of(law)
    if pulled is None or noise is None:
        raise GraphError(f"{name} is path and {type(law).__name__}, expected a law whose noise can be pulled out")
    return pulled[1](aligned(noise, rows))


def has_path(law: Any) -> bool:
    """Whether the law says that its values have a derivative, and they are not discrete.

    torch's straight-through laws have an `rsample`, but its derivative is not that of an expectation. That of the
    continuous Bernoulli is lost for probabilities near 1/2.
    """
    inner = law
    while isinstance(inner, d.Independent | d.TransformedDistribution):
        inner = inner.base_dist
    if isinstance(inner, d.ContinuousBernoulli):
        return False
    return bool(getattr(law, "has_rsample", False)) and not is_discrete(law)


def is_discrete(law: Any) -> bool:
    """Whether the law says that its support is discrete."""
    try:
        return bool(law.support.is_discrete)
    except (AttributeError, NotImplementedError):
        return False


def refuse_edge(name: str, law: Any) -> None:
    """Refuse differentiated probabilities of 0 or 1: torch clamps them there, and their derivative is lost."""
    while isinstance(law, d.Independent):
        law = law.base_dist
    if isinstance(law, d.MixtureSameFamily):
        refuse_edge(name, law.mixture_distribution)
        refuse_edge(name, law.component_distribution)
        return
    own = vars(getattr(law, "_categorical", law))  # a law of logits computes its probabilities when it is asked
    p = own.get("probs")
    given = isinstance(law, d.Geometric) and "logits" not in own
    if p is None or not (given or p is own.get("_param")) or not p.requires_grad:
        return
    eps = torch.finfo(p.dtype).eps
    if ((p < eps) | (p > 1 - eps)).any():
        raise GraphError(f"{name} has a probability of 0 or 1, where its derivative is lost, expected logits")


def refuse_clamped(name: str, law: Any, value: Tensor) -> None:
    """Refuse draws that torch has moved to the smallest number of their type: their score has not a mean of 0."""
    while isinstance(law, d.Independent):
        law = law.base_dist
    if isinstance(law, d.Gamma | d.Beta | d.Dirichlet):
        tiny = torch.finfo(value.dtype).tiny
        if (value <= tiny).any():
            raise GraphError(
                f"{name} has draws below {tiny:.1e} that torch moves there, so its score is wrong, expected a larger "
                "concentration, or path"
            )


def is_finite(law: Any) -> bool:
    """Whether the outcomes can be listed."""
    while isinstance(law, d.Independent):
        law = law.base_dist
    return bool(getattr(law, "has_enumerate_support", False))


class Outcomes(NamedTuple):
    """K values for each of R rows; row r * K + k has the k-th. Probabilities are in nats and carry gradients."""

    value: Tensor  # [R * K, ...]
    log_prob: Tensor | None  # [R * K]
    log_share: Tensor  # [R * K]: of the row among the K, to be exponentiated
    noise: Tensor | None = None  # [R * K, ...]


def outcomes(name: str, law: Any, shared: bool, rows: int) -> Outcomes:
    """All values of a finite support; for a vector, all combinations. Refuses other supports."""
    base = law
    while isinstance(base, d.Independent):
        base = base.base_dist
    try:
        support = base.enumerate_support(expand=False)
    except (AttributeError, NotImplementedError):
        raise GraphError(f"{name} is {type(base).__name__}, expected a finite support to enumerate") from None
    batch = base.batch_shape if shared else base.batch_shape[1:]
    each = support.reshape(len(support), *base.event_shape)
    chosen = _product(name, len(support), math.prod(batch), rows)
    value = each.to(support.device)[chosen].reshape(len(chosen), *batch, *base.event_shape)
    if not shared:
        value = value.unsqueeze(1).expand(-1, rows, *value.shape[1:])
    refuse_edge(name, law)
    log_p = _by_row(log_prob(law, value, 1 if shared else 2), shared, rows)
    return Outcomes(_by_row(value, shared, rows), log_p, log_p)


def quadrature(name: str, law: Any, shared: bool, rows: int, points: int, attached: bool) -> Outcomes:
    """Gauss-Hermite points of normal noise: exact for polynomials of the noise up to degree 2 `points` - 1.

    attached: whether the values carry the gradients of the law.
    """
    pulled = noise_of(law)
    unit = pulled and pulled[0]
    while isinstance(unit, d.Independent):
        unit = unit.base_dist
    if pulled is None or type(unit) is not d.Normal:
        raise GraphError(f"{name} is {type(law).__name__}, expected a finite support or normal noise")
    like = unit.loc
    shape = like.shape if shared else like.shape[1:]
    place, log_weight = _hermite(points, like)
    chosen = _product(name, points, math.prod(shape), rows)
    noise = place[chosen].reshape(len(chosen), *shape)
    if not shared:
        noise = noise.unsqueeze(1).expand(-1, rows, *shape)
    value = pulled[1](noise) if attached else pulled[1](noise).detach()
    share = log_weight[chosen].sum(-1)
    share = share if shared else share.unsqueeze(1).expand(-1, rows)
    return Outcomes(
        *(_by_row(x, shared, rows) for x in (value, log_prob(law, value, 1 if shared else 2), share, noise))
    )


def _by_row(x: Tensor, shared: bool, rows: int) -> Tensor:
    """x [K, ...] of a shared law, else [K, R, ...], as [R * K, ...]."""
    if shared:
        return x.expand(rows, *x.shape).flatten(0, 1)
    return x.transpose(0, 1).flatten(0, 1)


def _product(name: str, K: int, components: int, rows: int) -> Tensor:
    """Every choice of one of K for each component: int64 [K^components, components]."""
    if K**components * rows > LIMIT:
        raise GraphError(
            f"{name} makes {K}^{components} outcomes of each of {rows} rows, expected at most {LIMIT} rows"
        )
    return torch.cartesian_prod(*[torch.arange(K)] * components).reshape(-1, components)


def _hermite(points: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Places and log-weights of a standard normal variable: by eigenvalues (Golub and Welsch)."""
    side = torch.arange(1, points, dtype=torch.float64).sqrt()
    place, vectors = torch.linalg.eigh(torch.diag(side, 1) + torch.diag(side, -1))
    return place.to(like), vectors[0].square().log().to(like)
