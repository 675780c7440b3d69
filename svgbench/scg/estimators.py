"""The gradient estimators as the thesis writes them: Theorem 1 in both forms, Theorem 2, Algorithm 4.

Each is computed from its own equation, sample by sample. Training needs none of them: differentiate a surrogate loss.
"""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from svgbench.scg import laws
from svgbench.scg.autodiff import by_rows, leaves, per_sample, shaped
from svgbench.scg.evaluate import called
from svgbench.scg.graph import GraphError, Node, log_prob, one_of
from svgbench.scg.run import Baseline, Run


def gradient(
    run: Run,
    theta: Node | str,
    form: Literal["downstream", "upstream"] = "downstream",
    baseline: Baseline | None = None,
) -> Tensor:
    """One estimate of d E[sum of costs] / d theta for each sample: [n, *theta.shape], of a module [n, P].

    downstream: eq. (38), grad log p times the costs below, with Theorem 2's baseline if there is one.
    upstream: eq. (39), costs times the grad log p above them. The same numbers, summed in another order.
    """
    one_of("form", form, ("downstream", "upstream"))
    theta, plan = run.graph.find(theta), run.plan
    reached = [theta.index in above for above in plan.deterministically_above]
    scored = [k for k, w in enumerate(plan.scored) if reached[w]]
    direct = [j for j, c in enumerate(plan.costs) if reached[c]]
    total = by_row(run, run.cost_values[direct].sum(0), theta)
    if form == "downstream":
        weight = run.q_values if baseline is None else run.q_values - baseline.values(run)
        for k in scored:
            total = total + _times(by_row(run, run.log_probs[k], theta), weight[k])  # eq. (38)
    elif baseline is not None:
        raise GraphError("a baseline with the form upstream, expected the form downstream: Theorem 2 is of eq. (38)")
    else:
        below = plan.below(run.cost_values)
        for j in range(len(plan.costs)):
            above = [k for k in scored if below[k, j]]
            scores = by_row(run, run.log_probs[above].sum(0), theta)
            total = total + _times(scores, run.cost_values[j].detach())  # eq. (39)
    return run.by_sample(total)


def by_row(run: Run, y: Tensor, theta: Node) -> Tensor:
    """dy_i / d theta [R, *theta.shape] of y [R], for an input that the run differentiates."""
    x = differentiated(run, theta)
    if not theta.sampled:
        return per_sample(y, x)
    if run.rows != len(x):
        raise GraphError(f"{theta} has {len(x)} samples and the run {run.rows} rows, expected an input that is shared")
    return by_rows(y, x)


def differentiated(run: Run, theta: Node) -> Any:
    """The value of an input. Refuses inputs that did not require a gradient."""
    if theta.index not in run.plan.wrt:
        raise GraphError(f"{theta} is not differentiated by the run, expected an input that requires a gradient")
    return run.record.value[theta.index]


def _times(x: Tensor, weight: Tensor) -> Tensor:
    """x [R, ...] times weight [R]."""
    return x * weight.view(-1, *(1,) * (x.dim() - 1))


def backward_pass(
    run: Run, form: Literal["corrected", "printed"] = "corrected", baseline: Baseline | None = None
) -> dict[Node, Tensor]:
    """Algorithm 4: g_v of the differentiated inputs, [n, *theta.shape], in one explicit backward traversal.

    printed: the score of v is multiplied by Q-hat of the *parent* w that receives it, as the thesis prints it. That is
    unbiased and differs from eq. (38) sample by sample: it credits v with costs that v does not influence. corrected:
    by Q-hat_v. The definition of g_v sums over costs with v < c; the initial 1 at the costs means v <= c, in both.
    """
    one_of("form", form, ("corrected", "printed"))
    plan, R = run.plan, run.rows
    weight = run.q_values if baseline is None else run.q_values - baseline.values(run)
    q = dict(zip(plan.scored, weight, strict=True))
    g: dict[int, Tensor] = {c: run.cost_values.new_ones(R) for c in plan.costs}
    for v in reversed(run.graph.nodes):
        parents = {p.index: p for p in v.parents if p.index in plan.attached}
        if not parents or (v.index not in q and v.index not in g):
            continue
        local = {p.index: _apart(run, p) for p in v.parents}
        out = _local(run, v, [local[p.index] for p in v.parents])
        y = out if v.index in q else (out * g[v.index]).reshape(R, -1).sum(1)
        for i, w in parents.items():
            slope = by_rows(y, local[i]) if w.sampled else per_sample(y, local[i])
            if v.index in q:
                slope = _times(slope, run.q(w) if form == "printed" else q[v.index])
            g[i] = g[i] + slope if i in g else slope
    return {run.graph.nodes[i]: run.by_sample(g[i] if i in g else _zeros(run, i)) for i in sorted(plan.wrt)}


def _apart(run: Run, node: Node) -> Any:
    """The value of a node as a variable of its own, [R, ...] if it is sampled."""
    value = run[node]
    if not isinstance(value, Tensor):
        return value
    return value.detach().clone().requires_grad_(node.index in run.plan.attached)


def _local(run: Run, v: Node, args: list[Any]) -> Tensor:
    """The value of v, or of a scored node log p(v) [R], as a function of its parents alone."""
    out = called(v, args)
    if v.kind != "stochastic":
        result: Tensor = out
        return result
    if run.plan.passes(v):
        return laws.placed(v.name, out, run.record.drawn[v.index].noise, run.rows)
    return log_prob(out, run[v])


def _zeros(run: Run, theta: int) -> Tensor:
    x = differentiated(run, run.graph.nodes[theta])
    return shaped(run.cost_values.new_zeros(run.rows, sum(t.numel() for t in leaves(x))), x)
