"""Small learners of SAC and SAC-SVG on the point task, and what tests of all online learners share."""

from __future__ import annotations

from learner_laws import agrees_alone_and_in_a_block, finish
from point import Point
from torch.utils._python_dispatch import TorchDispatchMode

from svgbench.baselines.actor_critic import sac_svg
from svgbench.lab.source import declared

SMALL = {
    "actor_hidden": (16, 16),
    "critic_hidden": (16, 16),
    "head_hidden": (16,),
    "encoder_hidden": (16,),
    "decoder_hidden": (16,),  # the paper's profile has a decoder, the code's a linear one
    "recurrent_width": 12,
    "step_batch": 16,
    "window_batch": 8,
    "model_updates": 2,
    "random_steps": 14,
    "learning_starts": 13,
    "model_free_steps": 18,
    "eval_every": 20,
    "eval_episodes": 3,
    "steps_per_slice": 7,
    "target_entropy_init": 0.0,
    "target_entropy_final": -2.0,
    "target_entropy_decay": 0.5,
}

TINY = {
    "actor_hidden": (6,),
    "critic_hidden": (6,),
    "head_hidden": (6,),
    "encoder_hidden": (6,),
    "decoder_hidden": (6,),
    "recurrent_width": 5,
    "step_batch": 8,
    "window_batch": 4,
    "model_updates": 1,
    "random_steps": 12,
    "learning_starts": 10,
    "model_free_steps": 20,
    "eval_episodes": 1,
}

STEPS = 39  # 5 updates of SAC alone, at steps 13 to 17, and 21 with the model
UPDATES = STEPS - SMALL["learning_starts"]
FIFTY = SMALL["learning_starts"] + 50  # steps with 50 updates


def learner(seeds=(0, 1, 2), total_steps=STEPS, module=sac_svg, profile="code", task=None, device="cpu", **config):
    known = declared(f"{module.__name__}:make")
    layers = {name: value for name, value in {**SMALL, **config}.items() if name in known.types}
    return module.make(
        known.config(layers, profile=profile), task or Point(), seeds, {"total_steps": total_steps}, device
    )


def tiny(seeds=(0, 4), total_steps=40, **config):
    """For laws that need many steps of a learner and nothing of what it learns."""
    return learner(seeds, total_steps, **{**TINY, **config})


def updates(one):
    """How many updates the critics have had."""
    return one.agent.critic_adam.steps.min()


def follows_the_seed_law(tolerance, **how):
    agrees_alone_and_in_a_block(
        lambda seeds: learner(seeds, total_steps=FIFTY, **how), parameters, updates, tolerance, exactly=50
    )


class NoWaiting(TorchDispatchMode):
    """Refuses what would make a GPU's host wait: reading a value, and shapes that depend on values."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal", "is_nonzero"):
            raise AssertionError(f"{name} inside an update")
        return func(*args, **(kwargs or {}))


def aims(one, method):
    """Finish; the target entropies during this method of the agent, which makes updates, by environment step."""
    seen, update = {}, getattr(one.agent, method)

    def noted(*how):
        seen[one.step] = one.agent._target_entropy.flatten().unique().tolist()
        update(*how)

    setattr(one.agent, method, noted)
    finish(one)
    return seen


def parameters(one):
    agent = one.agent
    modules = [agent.actor, agent.critic, agent.target_critic]
    world = getattr(agent, "world", None)
    modules += [world.dynamics, world.heads] if world is not None else []
    return [p for m in modules for p in m.parameters()] + [agent.temperature.log_alpha]
