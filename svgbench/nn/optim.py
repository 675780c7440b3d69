"""Optimisation of many members at once: Adam on one flat buffer, clipping per seed, target networks."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Float32, Float64, Shaped
from torch import Tensor, nn

from svgbench.nn.flat import check_members, flat_view, flatten_, members_of, views

M = TypeVar("M", bound=nn.Module)

CLIP_EPS = 1e-6  # as torch.nn.utils.clip_grad_norm_


class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1), as `torch.optim.Adam`, for every member of every seed.

    The parameters are moved into one buffer `flat` and their gradients into another, `grad`: each
    `p` and `p.grad` becomes a view. There are two ways to fill `grad`:

    * `adam.backward(loss)` writes the gradient of this optimiser's parameters and of no others;
    * `adam.zero_grad()` and then `loss.backward()` accumulates as usual. That is slower, and torch warns once
      that the views are not contiguous.

    parameters: `shape` are the first axes of each; of one dtype and device.
    lr: step size, a number or a tensor that broadcasts over `shape` (a tensor may be changed in place).
    shape: (S,) or (S, E), the axes that keep members apart; by default (S, E) if every parameter has four
        axes, else (S,).
    """

    def __init__(
        self,
        parameters: Iterable[Float[nn.Parameter, "S ..."]],
        lr: float | Float[Tensor, "..."],
        *,
        shape: tuple[int, ...] | None = None,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.parameters = list(parameters)
        self.shape = members_of(self.parameters) if shape is None else tuple(shape)
        check_members(self.parameters, self.shape)
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas are {betas}, expected each in [0, 1)")
        self.lr = lr
        self.betas = betas
        self.eps = eps
        self.flat: Float[Tensor, "*members P"] = flatten_(self.parameters, self.shape)
        self.grad: Float[Tensor, "*members P"] = torch.zeros(
            self.flat.shape, dtype=self.flat.dtype, device=self.flat.device
        )
        self._grads = views(self.grad, self.parameters)
        for p, grad in zip(self.parameters, self._grads, strict=True):
            p.grad = grad
        self._places = [p.data_ptr() for p in self.parameters]
        self._exp_avg = torch.zeros_like(self.grad)
        self._exp_avg_sq = torch.zeros_like(self.grad)
        # Until a mask is passed all members have taken the same number of steps: one fused kernel does them.
        self._common_step: Float32[Tensor, ""] | None = torch.zeros((), dtype=torch.float32, device=self.flat.device)
        self._steps = torch.zeros(self.shape, dtype=torch.float64, device=self.flat.device)

    @property
    def steps(self) -> Float64[Tensor, "*members"]:
        """How many steps each member has taken."""
        return self._steps if self._common_step is None else self._common_step.double().expand(self.shape)

    def backward(self, loss: Float[Tensor, "..."], *, retain_graph: bool = False) -> None:
        """Set the gradients to those of the sum of `loss`; no other parameter gets one.

        Parameters that the loss does not depend on get zero.
        """
        backward_together(loss, [self], retain_graph=retain_graph)

    def zero_grad(self) -> None:
        """Set all gradients to zero, in place."""
        self.grad.zero_()

    def clip_grad_norm_(self, max_norm: float) -> Float[Tensor, "S"]:
        """Scale each seed's gradient to a norm of at most `max_norm`; return the norms before.

        With an ensemble the norm is that of all of a seed's members together.
        """
        return _clip_([self.grad], max_norm)

    @torch.no_grad()
    def step(self, active: Bool[Tensor, "S ..."] | None = None) -> None:
        """One step. Where `active` (`shape`, or "S") is False, parameters, moments and count stay.

        The gradients of those members are set to zero.
        Raises RuntimeError if a parameter or its gradient no longer lies in this optimiser's buffers.
        """
        self._check_places()
        if active is None and self._common_step is not None and not isinstance(self.lr, Tensor):
            self._common_step_of_all(self.lr)
        else:
            self._step_of_each(active)

    def _common_step_of_all(self, lr: float) -> None:
        assert self._common_step is not None
        self._common_step += 1
        torch._fused_adam_(
            [self.flat],
            [self.grad],
            [self._exp_avg],
            [self._exp_avg_sq],
            [],
            [self._common_step],
            lr=lr,
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=0.0,
            eps=self.eps,
            amsgrad=False,
            maximize=False,
        )

    def _step_of_each(self, active: Bool[Tensor, "S ..."] | None) -> None:
        if self._common_step is not None:
            self._steps, self._common_step = self.steps.clone(), None
        beta1, beta2 = self.betas
        m, v, g = self._exp_avg, self._exp_avg_sq, self.grad
        lr = self._per_member(self.lr) if isinstance(self.lr, Tensor) else self.lr
        decay1: float | Float[Tensor, "*members 1"] = beta1
        decay2: float | Float[Tensor, "*members 1"] = beta2
        if active is None:
            self._steps += 1
        else:
            on = self._per_member(active).bool()  # [*shape, 1]
            self._steps += on.squeeze(-1)
            g.masked_fill_(~on, 0)  # not a product: a stopped member's gradient may be NaN
            ones = torch.ones(on.shape, dtype=g.dtype, device=g.device)
            decay1, decay2 = ones.masked_fill(on, beta1), ones.masked_fill(on, beta2)
        taken = self._steps.unsqueeze(-1).clamp(min=1)
        rate = (lr / (1 - beta1**taken)).to(g.dtype)
        bias2_sqrt = (1 - beta2**taken).sqrt().to(g.dtype)
        if active is not None:
            rate = rate.masked_fill(~on, 0)

        m.mul_(decay1).add_(g, alpha=1 - beta1)
        v.mul_(decay2).addcmul_(g, g, value=1 - beta2)
        denominator = v.sqrt().div_(bias2_sqrt).add_(self.eps)
        self.flat.sub_(torch.div(m, denominator, out=denominator).mul_(rate))

    def _per_member(self, x: Shaped[Tensor, "..."]) -> Shaped[Tensor, "*members 1"]:
        if x.dim() > len(self.shape):
            raise ValueError(f"shape {list(x.shape)} does not broadcast over members {self.shape}")
        missing = (1,) * (len(self.shape) - x.dim() + 1)
        return x.reshape(*x.shape, *missing).expand(*self.shape, 1)

    def _check_places(self) -> None:
        for p, place, grad in zip(self.parameters, self._places, self._grads, strict=True):
            if p.data_ptr() != place:
                raise RuntimeError("a parameter was moved to other memory after Adam was made")
            if p.grad is not grad:
                raise RuntimeError("a parameter's .grad was replaced: clear gradients with Adam.zero_grad()")

    def forget(self) -> None:
        """Start anew: moments and step counts are zero. The parameters stay."""
        self._exp_avg.zero_()
        self._exp_avg_sq.zero_()
        self._steps.zero_()
        self._common_step = torch.zeros((), dtype=torch.float32, device=self.flat.device)

    def state_dict(self) -> dict[str, Any]:
        """Moments ("*members P"), step counts ("*members") and whether all share one; copies, without parameters."""
        return {
            "exp_avg": self._exp_avg.clone(),
            "exp_avg_sq": self._exp_avg_sq.clone(),
            "steps": self.steps.clone(),
            "common": self._common_step is not None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken. Raises ValueError if the shapes differ."""
        for name in ("exp_avg", "exp_avg_sq"):
            if state[name].shape != self.flat.shape:
                raise ValueError(f"{name} has shape {list(state[name].shape)}, expected {list(self.flat.shape)}")
        self._exp_avg.copy_(state["exp_avg"])
        self._exp_avg_sq.copy_(state["exp_avg_sq"])
        self._steps.copy_(state["steps"])
        self._common_step = self._steps.flatten()[0].float().clone() if state["common"] else None


def backward_together(loss: Float[Tensor, "..."], adams: Sequence[Adam], *, retain_graph: bool = False) -> None:
    """`Adam.backward` of one loss for the parameters of several optimisers, in one pass."""
    grads = torch.autograd.grad(
        loss if loss.dim() == 0 else loss.sum(),
        [p for adam in adams for p in adam.parameters],
        retain_graph=retain_graph,
        allow_unused=True,
        materialize_grads=True,
    )
    first = 0
    for adam in adams:
        own, first = grads[first : first + len(adam.parameters)], first + len(adam.parameters)
        torch.cat([grad.flatten(len(adam.shape)) for grad in own], dim=-1, out=adam.grad)


@torch.no_grad()
def clip_grad_norm_(parameters: Iterable[Float[Tensor, "S ..."]], max_norm: float) -> Float[Tensor, "S"]:
    """Scale each seed's gradient, over all parameters together, to a norm of at most `max_norm`.

    Parameters without a gradient are left out. Returns the norms before. A seed whose norm is not finite gets a
    gradient that is NaN or zero; the others are not touched by it. Raises ValueError if no parameter has a gradient.
    """
    grads = [p.grad for p in parameters if p.grad is not None]
    if not grads:
        raise ValueError("no parameter has a gradient: expected at least one")
    check_members(grads, tuple(grads[0].shape[:1]))
    return _clip_(grads, max_norm)


@torch.no_grad()
def _clip_(grads: list[Float[Tensor, "S ..."]], max_norm: float) -> Float[Tensor, "S"]:
    if not max_norm > 0:
        raise ValueError(f"max_norm is {max_norm}, expected a positive number")
    norms = [torch.linalg.vector_norm(grad.flatten(1), dim=1) for grad in grads]
    norm = norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms), dim=0)  # [S]
    scale = (max_norm / (norm + CLIP_EPS)).clamp(max=1.0)
    for grad in grads:
        grad.mul_(scale.view(-1, *(1,) * (grad.dim() - 1)))
    return norm


def target_copy(module: M) -> M:
    """A copy of the module for `polyak_`. Its parameters are in one buffer and require no gradient."""
    target = copy.deepcopy(module).requires_grad_(False)
    parameters = list(target.parameters())
    flatten_(parameters, members_of(parameters))
    return target


@torch.no_grad()
def polyak_(target_module: nn.Module, online_module: nn.Module, tau: float) -> None:
    """target <- (1 - tau) target + tau online: `tau` is the weight of the online network, 1 copies it.

    Parameters only. One kernel if both modules' parameters lie side by side (`target_copy`, `Adam`).
    Raises ValueError if the modules' parameters differ in shape, or tau is outside [0, 1].
    """
    if not 0 <= tau <= 1:
        raise ValueError(f"tau is {tau}, expected a number in [0, 1], the weight of the online network")
    target: list[Float[Tensor, "S ..."]] = list(target_module.parameters())
    online: list[Float[Tensor, "S ..."]] = list(online_module.parameters())
    if [p.shape for p in target] != [p.shape for p in online]:
        raise ValueError(
            f"the target has shapes {_shapes(target)}, expected those of the online module, {_shapes(online)}"
        )
    shape = members_of(target)
    flat_target, flat_online = flat_view(target, shape), flat_view(online, shape)
    if flat_target is None or flat_online is None:
        torch._foreach_lerp_(target, online, tau)
    else:
        flat_target.lerp_(flat_online, tau)


def _shapes(parameters: list[Float[Tensor, "S ..."]]) -> list[list[int]]:
    return [list(p.shape) for p in parameters]
