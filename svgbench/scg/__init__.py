"""Stochastic computation graphs: chapter 5 of Schulman 2016, and Schulman, Heess, Weber, Abbeel 2015.

    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda t: Bernoulli(logits=t), theta)
    cost = graph.cost("cost", lambda x: (x - 0.45) ** 2, x)

    inputs = {theta: torch.tensor(1.0, requires_grad=True)}
    print(scg.explain(graph, inputs))                                # who gets which estimator, and why
    run = scg.sample(graph, inputs, n=1000)
    scg.gradient(run, theta)                                         # eq. (38), for each sample
    scg.surrogate(run, "log", scg.LeaveOneOut()).mean().backward()   # Corollary 1 with Theorem 2

The files to read beside the chapter are `graph`, `run`, `estimators`, `surrogate`, `surrogate_graph`, `baselines`,
`exact` and `reparameterise`. `plan`, `dry_run` and `probe` test a graph before its first run.
The graph is functions only; a run is a record that nothing changes; an estimate is a function of a run. Samples are the
first axis of every sampled value. What would silently be zero or wrong is refused (`GraphError`).
"""

from svgbench.scg.autodiff import per_sample
from svgbench.scg.baselines import Constant, Learned, LeaveOneOut, Running, optimal
from svgbench.scg.estimators import backward_pass, gradient
from svgbench.scg.exact import Exact, exact
from svgbench.scg.graph import Graph, GraphError, Node
from svgbench.scg.layout import Layout, layout
from svgbench.scg.plan import Report, condition_1, explain
from svgbench.scg.reparameterise import reparameterised
from svgbench.scg.run import Baseline, Run, observe, sample, seeds
from svgbench.scg.surrogate import bound, hvp, surrogate
from svgbench.scg.surrogate_graph import Q_HAT, surrogate_graph

__all__ = [
    "Q_HAT",
    "Baseline",
    "Constant",
    "Exact",
    "Graph",
    "GraphError",
    "Layout",
    "Learned",
    "LeaveOneOut",
    "Node",
    "Report",
    "Run",
    "Running",
    "backward_pass",
    "bound",
    "condition_1",
    "exact",
    "explain",
    "gradient",
    "hvp",
    "layout",
    "observe",
    "optimal",
    "per_sample",
    "reparameterised",
    "sample",
    "seeds",
    "surrogate",
    "surrogate_graph",
]
