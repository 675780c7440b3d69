"""What gymnasium's registry is told of our tasks: derived from the factories, and what it was when it was written down.

The factories are in the words of that time; they still mean the same.
"""

from __future__ import annotations

import gymnasium
import pytest

import svgbench.tasks  # noqa: F401  (registers)
from svgbench import factories
from svgbench.lab import registry, source

BEFORE = {  # environment: max_episode_steps, factory, options
    "poplin-ant-v0": (1000, "poplin:make_ant", {}),
    "poplin-hopper-v0": (1000, "poplin:make_hopper", {}),
    "poplin-swimmer-v0": (1000, "poplin:make_swimmer", {}),
    "poplin-cheetah-v0": (1000, "poplin:make_cheetah", {}),
    "poplin-walker2d-v0": (1000, "poplin:make_walker2d", {}),
    "poplin-pets-cheetah-v0": (1000, "poplin:make_pets_cheetah", {}),
    "mbpo-hopper-v0": (1000, "mbpo:make_hopper", {}),
    "mbpo-walker2d-v0": (1000, "mbpo:make_walker2d", {}),
    "mbpo-ant-v0": (1000, "mbpo:make_ant", {}),
    "mbpo-cheetah-v0": (1000, "mbpo:make_cheetah", {}),
    "mbpo-humanoid-v0": (1000, "mbpo:make_humanoid", {}),
    "trpo-cart-pole-v0": (1000, "cart_pole:make_rlr", {}),
    "trpo-cart-pole-barto-v0": (1000, "cart_pole:make_barto", {}),
    "trpo-swimmer-v0": (1000, "trpo_robots:make_swimmer", {}),
    "trpo-hopper-v0": (1000, "trpo_robots:make_hopper", {}),
    "trpo-walker-v0": (1000, "trpo_robots:make_walker", {}),
    "gae-biped-v0": (2000, "gae_robots:make_biped", {}),
    "gae-quadruped-v0": (2000, "gae_robots:make_quadruped", {}),
    "gae-biped-standing-v0": (2000, "gae_robots:make_biped_standing", {}),
    "gymnasium-swimmer-v0": (1000, "gymnasium_v5:make_swimmer", {}),
    "gymnasium-hopper-v0": (1000, "gymnasium_v5:make_hopper", {}),
    "svg-hand-v0": (1000, "svg_hand:make_hand", {}),
    "svg-cart-pole-v1": (125, "svg_cart_pole:make_cart_pole", {}),
    "svg-swimmer-3-v0": (150, "svg_swimmer:make_swimmer", {"links": 3}),
    "svg-swimmer-5-v0": (150, "svg_swimmer:make_swimmer", {"links": 5}),
    "svg-swimmer-7-v0": (150, "svg_swimmer:make_swimmer", {"links": 7}),
    "svg-reacher-4-target-v0": (100, "svg_arm:make_reacher", {"target": "corners"}),
    "svg-reacher-moving-v0": (100, "svg_arm:make_reacher", {"target": "moving"}),
    "svg-gripper-v0": (150, "svg_gripper:make_gripper", {}),
    "svg-monoped-v0": (200, "svg_legged:make_monoped", {}),
    "svg-cheetah-v0": (300, "svg_legged:make_cheetah", {}),
    "svg-walker-v0": (300, "svg_legged:make_walker", {}),
    "svg-cheetah-no-springs-v0": (300, "svg_legged:make_cheetah", {"springs": False}),
}


def test_the_environments_are_those_that_there_were():
    now = {name.removeprefix("svgbench/") for name in gymnasium.registry if name.startswith("svgbench/")}
    assert now == set(BEFORE)


@pytest.mark.parametrize("environment", BEFORE)
def test_an_environment_is_what_it_was(environment):
    limit, factory, options = BEFORE[environment]
    spec = gymnasium.registry[f"svgbench/{environment}"]
    assert (spec.entry_point, spec.vector_entry_point) == (
        "svgbench.tasks.gym_envs:SingleEnv",
        "svgbench.tasks.gym_envs:BatchEnv",
    )
    assert spec.max_episode_steps == limit
    assert spec.kwargs == {"make": registry.name_of(f"svgbench.tasks.{factory}"), **options}
    assert spec.kwargs["make"] in factories.tasks()


@pytest.mark.parametrize("environment", BEFORE)
def test_what_is_read_from_the_source_is_what_the_factory_does(environment):
    spec = gymnasium.registry[f"svgbench/{environment}"]
    declared = source.declared(spec.kwargs["make"])
    assert spec.max_episode_steps == declared.option_defaults["horizon"]
    assert spec.version == declared.version - 1
    assert spec.kwargs.keys() - {"make"} <= declared.options.keys()


def test_an_environment_can_be_made_by_a_factorys_old_reference_and_new_name():
    old = gymnasium.make("svgbench/poplin-swimmer-v0", make="svgbench.tasks.poplin:make_swimmer")
    new = gymnasium.make("svgbench/poplin-swimmer-v0")
    assert old.unwrapped.task.id == new.unwrapped.task.id == "poplin/swimmer"
