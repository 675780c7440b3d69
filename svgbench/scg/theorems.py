"""What chapter 5 proves, in its order: Theorem 1, Corollary 1, Algorithm 4, and sections 5.3.3 and 5.9.

Estimators are computed from their own equations, sample by sample. Training needs only a surrogate loss. Theorem 2 is
in `baselines`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from svgbench.scg import laws
from svgbench.scg.autodiff import Value, by_rows, differentiably, flat_slope, leaves, only_once, per_sample, shaped
from svgbench.scg.evaluate import Drawn, called, carries_gradient, evaluate
from svgbench.scg.graph import GraphError, Node, log_prob, one_of
from svgbench.scg.kinks import kink_behind
from svgbench.scg.laws import aligned
from svgbench.scg.plan import GraphPlan
from svgbench.scg.run import Baseline, Run, check_baseline, refuse_changed


@differentiably
def gradient(
    run: Run,
    theta: Node | str,
    form: Literal["downstream", "upstream"] = "downstream",
    baseline: Baseline | None = None,
) -> Tensor:
    """One estimate of d E[sum of costs] / d theta for each sample: [n, *theta.shape], of a module [n, P].

    Of an input with an axis of samples it is one estimate for each row of data, without the factor 1 / n that the mean
    over rows has (`exact`, `hvp`).

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
        weight = run.less(baseline)
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


@differentiably
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
    if torch.is_inference_mode_enabled():
        raise GraphError(f"a derivative by {theta} in torch.inference_mode(), expected it outside")
    if theta.index not in run.plan.wrt:
        if carries_gradient(run.record.value[theta.index]):
            raise GraphError(f"the run was drawn under torch.no_grad(), expected it outside: {theta} has no derivative")
        raise GraphError(f"{theta} is not differentiated by the run, expected an input that requires a gradient")
    return run.record.value[theta.index]


def differentiated_twice(run: Run, theta: Node, plan: GraphPlan | None = None) -> None:
    """Refuse nodes that have no second derivative with respect to an input. plan: another one than the run's."""
    x = differentiated(run, theta)
    for v in run.graph.nodes:
        if v.kind == "input" or theta.index not in run.plan.deterministically_above[v.index]:
            continue
        y = run.log_prob(v) if v.index in run.plan.scored else run[v]
        if y.requires_grad and only_once(y, x):
            raise GraphError(
                f"{v} can be differentiated once only, expected functions and laws with second derivatives"
            )
    plan, n = plan or run.plan, run.record.n
    value: Any = run.record.value  # of observed nodes tensors
    inputs = {v.index: value[v.index] for v in run.graph.nodes if v.kind == "input"}
    observed = {i: value[i][:: len(value[i]) // n] for i in plan.observed}  # once for each sample
    if kink := kink_behind(plan, theta, inputs, n, observed):
        raise GraphError(f"{kink}, so a second derivative of samples is wrong, expected functions and laws without")


def _times(x: Tensor, weight: Tensor) -> Tensor:
    """x [R, ...] times weight [R], in the type of x."""
    return x * weight.to(x.dtype).view(-1, *(1,) * (x.dim() - 1))


def surrogate(
    run: Run,
    kind: Literal["log", "ratio", "dice"] = "log",
    baseline: Baseline | None = None,
    baseline_order: Literal[1, 2] = 2,
) -> Tensor:
    """The surrogate loss of each sample, [n]; its mean is what to differentiate: `surrogate(run).mean().backward()`.

    log: sum_w log p(w | DEPS_w) Q-hat_w + sum_c c, Corollary 1. ratio: p / p-hat in the place of log p. The gradients
    of both are that of eq. (38). Their second derivatives are wrong: products of two scores are lost.
    dice: sum_c box(sum of log p(w) over w < c) c with box(x) = exp(x - x-hat); all its derivatives are unbiased where
    no function or density has a kink (`hvp` looks for them), and its value is the sum of costs (Foerster et al. 2018).
    baseline: b_w is subtracted from Q-hat_w (Theorem 2). For dice it adds terms that are zero in expectation with all
    their derivatives: with `baseline_order` 1 sum_w (1 - box(log p(w))) b_w, which lowers the first derivative's
    variance; with 2 that times the box of everything scored above w (Mao et al. 2019), meant for the second too.
    Neither always lowers a variance.
    Refuses a run in which no differentiated input acts on a cost.
    """
    one_of("kind", kind, ("log", "ratio", "dice"))
    if baseline_order not in (1, 2):
        raise GraphError(f"baseline_order is {baseline_order}, expected 1 or 2")
    if not run.plan.scored and run.plan.attached.isdisjoint(run.plan.costs):
        raise GraphError(_nothing_acts(run))
    log_p, costs = run.log_probs, run.cost_values
    if kind == "dice":
        total = (box(run.plan.below(costs).T @ log_p) * costs).sum(0)
        if baseline is not None:
            check_baseline(baseline)
            above = box(run.plan.upstream(costs) @ log_p) if baseline_order == 2 else 1.0
            total = total + (above * (1 - box(log_p)) * baseline.values(run)).sum(0)
        return run.by_sample(total)
    weight = run.less(baseline)
    factor = log_p if kind == "log" else box(log_p)
    return run.by_sample((factor * weight).sum(0) + costs.sum(0))


def _nothing_acts(run: Run) -> str:
    """Why a surrogate loss has no gradient."""
    names = [run.graph.nodes[i].name for i in sorted(run.plan.wrt)]
    if names:
        return f"no cost is influenced by {', '.join(names)}, expected a differentiated input that acts on a cost"
    if any(carries_gradient(run.record.value[v.index]) for v in run.graph.nodes if v.kind == "input"):
        return "the run was drawn under torch.no_grad(), expected it outside: its surrogate loss has no gradient"
    return "the run differentiates no input, expected one that requires a gradient for a surrogate loss"


def box(x: Tensor) -> Tensor:
    """1, with all derivatives of exp(x - x-hat)."""
    return (x - x.detach()).exp()


@differentiably
def backward_pass(
    run: Run, form: Literal["corrected", "printed"] = "corrected", baseline: Baseline | None = None
) -> dict[Node, Tensor]:
    """Algorithm 4: g_v of the differentiated inputs, [n, *theta.shape], in one explicit backward traversal.

    Refuses a run whose inputs were changed in place since, as by an optimiser: it calls the functions again.

    printed: the score of v is multiplied by Q-hat of the *parent* w that receives it, as the thesis prints it. That is
    unbiased and differs from eq. (38) sample by sample: it credits v with costs that v does not influence. corrected:
    by Q-hat_v. The definition of g_v sums over costs with v < c; the initial 1 at the costs means v <= c, in both.
    """
    one_of("form", form, ("corrected", "printed"))
    plan, R = run.plan, run.rows
    weight = run.less(baseline)
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
    """The value of a node as a separate variable, [R, ...] if it is sampled."""
    value = run[node]
    if not isinstance(value, Tensor):
        return value
    return value.detach().clone().requires_grad_(node.index in run.plan.attached)


def _local(run: Run, v: Node, args: list[Any]) -> Tensor:
    """The value of v, or of a scored node log p(v) [R], as a function of its parents alone."""
    out = called(v, args)
    if v.kind != "stochastic":
        result: Tensor = out
    elif run.plan.passes(v):
        result = laws.placed(v.name, out, run.record.drawn[v.index].noise, run.rows)
    else:
        result = log_prob(out, run[v])
        refuse_changed(str(v), result.detach(), run.log_prob(v).detach())
        return result
    refuse_changed(str(v), result.detach(), run[v].detach())
    return result


def _zeros(run: Run, theta: int) -> Tensor:
    x = differentiated(run, run.graph.nodes[theta])
    return shaped(run.cost_values.new_zeros(run.rows, sum(t.numel() for t in leaves(x))), x)


@differentiably
def hvp(run: Run, theta: Node | str, vector: Tensor, baseline: Baseline | None = None) -> Tensor:
    """An unbiased estimate of the Hessian of the objective by theta times a vector (section 5.3.3).

    vector, result: as theta; of a module flat, [P]. The gradient-vector product of the dice loss is differentiated.
    """
    theta = run.graph.find(theta)
    x = differentiated(run, theta)
    P = sum(t.numel() for t in leaves(x))
    if not isinstance(vector, Tensor):
        raise GraphError(f"the vector is of the type {type(vector).__name__}, expected a tensor of {P} numbers")
    if vector.numel() != P:
        raise GraphError(f"the vector has {vector.numel()} numbers, expected {P} as {theta}")
    differentiated_twice(run, theta)
    slope = flat_slope(run.expectation(surrogate(run, "dice", baseline)), x, create_graph=True)
    try:
        return flat_slope(slope @ vector.detach().flatten(), x).view_as(vector)
    except NotImplementedError as error:
        raise GraphError(f"torch has no second derivative of the graph ({error}), expected other laws") from error


def bound(run: Run, new: Mapping[Any, Value]) -> Tensor:
    """Eq. (41): an upper bound on the objective at other parameters, a number with their gradient.

        E_old[sum_c c-hat + sum_v log(p(v | new) / p(v | old)) Q-hat_v]

    It touches the objective at the old parameters, with the same slope. The run is of the old ones; `new` has those
    inputs that change. In expectation the bound holds; of a sample it is an estimate. Refuses costs above zero, for
    which the inequality turns round, costs that a changed input deterministically influences, and runs whose inputs
    were changed in place since.
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
        if node.index in run.plan.scored:
            _local(run, node, [run[p] for p in node.parents])  # which sees whether an input was changed in place
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
