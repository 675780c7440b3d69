"""Surrogate losses: Corollary 1 (section 5.3.2), one of any order (5.3.3), and the upper bound of section 5.9."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor

from svgbench.scg import laws
from svgbench.scg.autodiff import Value, flat_slope, leaves
from svgbench.scg.estimators import differentiated
from svgbench.scg.evaluate import Drawn, called, evaluate
from svgbench.scg.graph import GraphError, Node, log_prob, one_of
from svgbench.scg.laws import aligned
from svgbench.scg.run import Baseline, Run


def surrogate(
    run: Run,
    kind: Literal["log", "ratio", "dice"] = "log",
    baseline: Baseline | None = None,
    baseline_order: Literal[1, 2] = 2,
) -> Tensor:
    """The surrogate loss of each sample, [n]; its mean is what to differentiate: `surrogate(run).mean().backward()`.

    log: sum_w log p(w | DEPS_w) Q-hat_w + sum_c c, Corollary 1. ratio: p / p-hat in the place of log p. The gradients
    of both are that of eq. (38). Their second derivatives are wrong: products of two scores are lost.
    dice: sum_c box(sum of log p(w) over w < c) c with box(x) = exp(x - x-hat); all its derivatives are unbiased, and
    its value is the sum of costs (Foerster et al. 2018).
    baseline: b_w is subtracted from Q-hat_w (Theorem 2). For dice it adds terms that are zero in expectation with all
    their derivatives: with `baseline_order` 1 sum_w (1 - box(log p(w))) b_w, which lowers the first derivative's
    variance; with 2 that times the box of everything scored above w (Mao et al. 2019), meant for the second too.
    Neither always lowers a variance.
    """
    one_of("kind", kind, ("log", "ratio", "dice"))
    if baseline_order not in (1, 2):
        raise GraphError(f"baseline_order is {baseline_order}, expected 1 or 2")
    log_p, costs = run.log_probs, run.cost_values
    if kind == "dice":
        total = (box(run.plan.below(costs).T @ log_p) * costs).sum(0)
        if baseline is not None:
            above = box(run.plan.upstream(costs) @ log_p) if baseline_order == 2 else 1.0
            total = total + (above * (1 - box(log_p)) * baseline.values(run)).sum(0)
        return run.by_sample(total)
    weight = run.q_values if baseline is None else run.q_values - baseline.values(run)
    factor = log_p if kind == "log" else box(log_p)
    return run.by_sample((factor * weight).sum(0) + costs.sum(0))


def box(x: Tensor) -> Tensor:
    """1, with all derivatives of exp(x - x-hat)."""
    return (x - x.detach()).exp()


def hvp(run: Run, theta: Node | str, vector: Tensor, baseline: Baseline | None = None) -> Tensor:
    """An unbiased estimate of the Hessian of the objective by theta times a vector (section 5.3.3).

    vector, result: as theta; of a module flat, [P]. The gradient-vector product of the dice loss is differentiated.
    """
    theta = run.graph.find(theta)
    x = differentiated(run, theta)
    P = sum(t.numel() for t in leaves(x))
    if vector.numel() != P:
        raise GraphError(f"the vector has {vector.numel()} numbers, expected {P} as {theta}")
    slope = flat_slope(run.expectation(surrogate(run, "dice", baseline)), x, create_graph=True)
    return flat_slope(slope @ vector.detach().flatten(), x).view_as(vector)


def bound(run: Run, new: Mapping[Any, Value]) -> Tensor:
    """Eq. (41): an upper bound on the objective at other parameters, a number with their gradient.

        E_old[sum_c c-hat + sum_v log(p(v | new) / p(v | old)) Q-hat_v]

    It touches the objective at the old parameters, with the same slope. The run is of the old ones; `new` has those
    inputs that change. In expectation the bound holds; of a sample it is an estimate. Refuses costs above zero, for
    which the inequality turns round, and costs that a changed input deterministically influences.
    """
    graph, plan = run.graph, run.plan
    changed = {graph.find(key): value for key, value in new.items()}
    above = plan.deterministically_above
    for theta in changed:
        if theta.kind != "input":
            raise GraphError(f"a new value is given for {theta}, expected inputs only, and {theta} is {theta.kind}")
        for c in graph.costs:
            if theta.index in above[c.index]:
                raise GraphError(
                    f"{theta} deterministically influences the cost {c}, expected it to act through laws only"
                )
    costs = run.cost_values.detach()
    for c, values in zip(graph.costs, costs, strict=True):
        if not (values <= 0).all():
            raise GraphError(f"the cost {c} is {values.max().item():.6g} in a sample, expected costs of at most 0")
    reached = {v.index for v in graph.nodes if any(theta.index in above[v.index] for theta in changed)}
    inputs = {v.index: changed.get(v, run.record.value[v.index]) for v in graph.nodes if v.kind == "input"}

    def draw(node: Node, args: list[Any], rows: int) -> Drawn:
        old = run.record.drawn[node.index]
        if node.index not in reached:
            return old._replace(law=None)
        each = len(old.value)  # more than `rows` where the node was enumerated
        law = called(node, [aligned(x, each) if p.sampled else x for x, p in zip(args, node.parents, strict=True)])
        if not plan.passes(node):
            return Drawn(old.value, law, log_prob(law, old.value), None, old.log_share)
        return Drawn(laws.placed(node.name, law, old.noise, each), law, log_share=old.log_share)

    moved = Run(plan, evaluate(graph, inputs, run.record.n, draw), run.n, run.weight)
    total = costs.sum(0)
    for v in graph.nodes:
        if v.index in reached and v.kind == "stochastic" and not plan.passes(v):
            total = total + (moved.log_prob(v) - run.log_prob(v).detach()) * run.q(v)
    return run.expectation(run.by_sample(total))
