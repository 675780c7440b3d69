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

Read `graph` and `theorems` beside the chapter: definitions and Condition 1, then what the chapter proves. `baselines`
is Theorem 2, `exact` the expectation without sampling, `run` what a hat means. `plan`, `dry_run` and `probe` test a
graph before its first run; `transforms` makes graphs of graphs.
The graph is functions only; a run is a record that nothing changes; an estimate is a function of a run. Samples are the
first axis of every sampled value. What would silently be zero or wrong is refused (`GraphError`).
"""

from svgbench.scg.autodiff import per_sample
from svgbench.scg.baselines import Constant, Learned, LeaveOneOut, Running, optimal
from svgbench.scg.exact import Exact, exact
from svgbench.scg.graph import Graph, GraphError, Node, condition_1
from svgbench.scg.plan import Report, explain
from svgbench.scg.run import Baseline, Run, observe, sample, seeds
from svgbench.scg.theorems import backward_pass, bound, gradient, hvp, surrogate
from svgbench.scg.transforms import Q_HAT, reparameterised, surrogate_graph

__all__ = [
    "Q_HAT",
    "Baseline",
    "Constant",
    "Exact",
    "Graph",
    "GraphError",
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
    "observe",
    "optimal",
    "per_sample",
    "reparameterised",
    "sample",
    "seeds",
    "surrogate",
    "surrogate_graph",
]
