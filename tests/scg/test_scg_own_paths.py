"""Laws of somebody else's as `path`: their `rsample` must move the values as `log_prob` says."""

from __future__ import annotations

import pytest
import torch
from scg_kit import accepted, parameter, refused, within
from torch.distributions import Independent, Normal

from svgbench import scg


class LocDetached(Normal):
    def rsample(self, shape=()):
        return self.loc.detach() + self.scale * torch.randn(self._extended_shape(shape), dtype=self.loc.dtype)


class ScaleDetached(Normal):
    def rsample(self, shape=()):
        return self.loc + self.scale.detach() * torch.randn(self._extended_shape(shape), dtype=self.loc.dtype)


class Own(Normal):
    def rsample(self, shape=()):
        return self.loc + self.scale * torch.randn(self._extended_shape(shape), dtype=self.loc.dtype)


def of_law(law, estimator, through_noise=False):
    graph = scg.Graph()
    theta = graph.input("theta")
    if through_noise:
        theta = graph.stochastic("noise", lambda t: Normal(t, 0.1 * torch.ones_like(t)), theta, estimator="path")
    x = graph.stochastic("x", law, theta, estimator=estimator)
    graph.cost("c", lambda x: x.square().reshape(len(x), -1).sum(1), x)
    return graph


LAWS = {
    "location": lambda t: LocDetached(t, 1.0),
    "scale": lambda t: ScaleDetached(0.0, t),
    "vector": lambda t: Independent(LocDetached(t.unsqueeze(-1).expand(*t.shape, 3), 1.0), 1),
}


@pytest.mark.parametrize("through_noise", [False, True], ids=["one law", "a law for each sample"])
@pytest.mark.parametrize("name", LAWS)
def test_a_law_whose_values_do_not_follow_its_density_is_not_a_path(name, through_noise):
    words = "theta|noise) -> x gives values whose (mean|square) has the derivative .* by rsample and"
    refused(of_law(LAWS[name], "path", through_noise), f"the edge ({words}", {"theta": parameter(1.0)})


@pytest.mark.parametrize("through_noise", [False, True], ids=["one law", "a law for each sample"])
@pytest.mark.parametrize(
    "law",
    [
        lambda t: Own(t, 1.0),
        lambda t: Own(0.0, t),
        lambda t: Independent(Own(t.unsqueeze(-1).expand(*t.shape, 3), 1.0), 1),
    ],
    ids=["location", "scale", "vector"],
)
def test_a_law_whose_values_follow_its_density_is(law, through_noise):
    accepted(of_law(law, "path", through_noise), {"theta": parameter(1.0)})


def test_auto_takes_the_score_of_such_a_law():
    graph = of_law(LAWS["location"], "auto")
    torch.manual_seed(0)
    run = accepted(graph, {"theta": parameter(1.0)}, 20_000)
    assert run.plan.report["x"].what == "score"
    assert within(scg.gradient(run, "theta"), 2.0)


def test_auto_looks_at_the_edges_into_a_node_too():
    """The law of a floor of noise has no path, and its refusal does not advise one."""

    class Floored(Normal):
        def rsample(self, shape=()):
            return super().rsample(shape).floor()

    values = {"theta": parameter(1.0)}
    refused(of_law(lambda t: Floored(t, 1.0), "path"), "the edge theta -> x gives values .*: name x score", values)
    line = scg.explain(of_law(lambda t: Floored(t, 1.0), "auto"), values, 50)["x"]
    assert (line.what, line.why[:33]) == ("score", "auto: the edge theta -> x gives v")
