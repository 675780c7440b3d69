"""Numbers have the type that the config says, whatever torch's default type is."""

from __future__ import annotations

import on_policy_kit
import pytest
import sac_kit
import svg_kit
import torch
from learner_laws import finish
from point import Point

from svgbench.baselines.actor_critic import maac_gradient_error, sac, sac_svg
from svgbench.baselines.search import cma_es, cross_entropy
from svgbench.tasks.maac import double_integrator

SEARCH = {"hidden": (4,), "simulations": 8, "steps_per_slice": 5}
STUDY = {
    "stages": (50,), "horizons": (0, 1, 3), "start_states": 4, "paths": 8, "members": 2, "model_hidden": (8,),
    "critic_hidden": (8,), "critic_updates_per_step": 1, "updates_per_slice": 20, "validate_every": 10,
    "dynamics": "learned", "critic": "learned",
}  # fmt: skip


def searching(module):
    return lambda dtype: module.make({**SEARCH, "dtype": dtype}, Point(horizon=12), [0, 1], {"iterations": 3}, "cpu")


def study(dtype):
    task = double_integrator.make_double_integrator(gamma=0.9, gain=(0.25, 0.55), sigma=1.0, horizon=25)
    return maac_gradient_error.make({**STUDY, "dtype": dtype}, task, [0, 1], {"total_steps": 50}, "cpu")


LEARNERS = {
    **{name: lambda dtype, n=name: on_policy_kit.learner(n, (0, 1), 2, dtype=dtype) for name in on_policy_kit.LEARNERS},
    **{f"svg-{name}": lambda dtype, n=name: svg_kit.learner(n, (0, 1), 4, dtype=dtype) for name in svg_kit.LEARNERS},
    **{
        f"{module.__name__.rpartition('.')[2]}-{profile}": lambda dtype, m=module, p=profile: sac_kit.tiny(
            total_steps=24, module=m, profile=p, dtype=dtype, eval_every=20
        )
        for module in (sac, sac_svg)
        for profile in ("text", "code")
    },
    "cem": searching(cross_entropy),
    "cma": searching(cma_es),
    "study": study,
}


def tensors(state, found):
    """Every tensor of a nested state, and its name."""
    if isinstance(state, torch.Tensor):
        found.append(state)
    elif isinstance(state, dict):
        for value in state.values():
            tensors(value, found)
    elif isinstance(state, list | tuple):
        for value in state:
            tensors(value, found)
    return found


def trained(make, dtype, default):
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        one = make(dtype)
        return repr(finish(one)), tensors(one.state_dict(), [])
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LEARNERS)
def test_the_config_says_the_type_of_every_number(name, dtype):
    """Rows and the whole state agree in every bit and in type, under either default."""
    if name == "cma":
        pytest.importorskip("cma")
    rows, state = trained(LEARNERS[name], dtype, torch.float32)
    other_rows, other_state = trained(LEARNERS[name], dtype, torch.float64)
    assert rows == other_rows
    assert len(state) == len(other_state)
    for one, other in zip(state, other_state, strict=True):
        assert one.dtype == other.dtype
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", ["vpg", "natural", "rwr", "trpo"])
def test_a_reported_kl_is_not_below_zero(name):
    """In float32 that of a tiny step is rounding: before it was bounded, vpg reported -1.9e-8 here."""
    one = on_policy_kit.learner(
        name, (0, 1, 2), 3, init_std=0.95, learning_rate=1e-6, multiplier=1e6, max_kl=1e-9, evaluations=1
    )
    found = torch.tensor([row["kl"] for row in finish(one)])
    assert (found >= 0).all()
    if name == "vpg":
        assert (found == 0).any()
        assert (found > 0).any()


def test_a_kl_that_is_not_a_number_stays_so():
    one = on_policy_kit.learner("vpg", (0, 1), 1)
    one.agent.update = lambda batch: {"kl": torch.tensor([torch.nan, -1e-9])}
    rows = finish(one)
    assert repr([row["kl"] for row in rows]) == "[nan, 0.0]"
