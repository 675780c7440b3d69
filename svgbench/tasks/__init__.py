"""The environments, as batches of simulations, and in gymnasium's registry under `svgbench/`.

Importing this package registers them, and imports no physics: that waits until one is made.
"""

from typing import Any

from gymnasium.envs.registration import register, registry

_FACTORIES = {  # environment: factory in this package
    **{f"poplin-{n}": f"poplin.robots:make_{n}" for n in ("ant", "hopper", "swimmer", "cheetah", "walker2d")},
    "poplin-pets-cheetah": "poplin.robots:make_pets_cheetah",
    **{f"mbpo-{n}": f"mbpo.robots:make_{n}" for n in ("hopper", "walker2d", "ant", "cheetah", "humanoid")},
    "trpo-cart-pole": "trpo.cart_pole:make_cart_pole",
    "trpo-cart-pole-barto": "trpo.cart_pole:make_cart_pole_barto",
    **{f"trpo-{n}": f"trpo.robots:make_{n}" for n in ("swimmer", "hopper", "walker")},
    "gae-biped": "gae.robots:make_biped",
    "gae-quadruped": "gae.robots:make_quadruped",
    "gae-biped-standing": "gae.robots:make_biped_standing",
    **{f"gymnasium-{n}": f"gymnasium.v5:make_{n}" for n in ("swimmer", "hopper")},
    "svg-hand": "svg.hand:make_hand",
    "svg-cart-pole": "svg.cart_pole:make_cart_pole",
    **{f"svg-swimmer-{links}": "svg.swimmer:make_swimmer" for links in (3, 5, 7)},
    **{f"svg-reacher-{target}": "svg.arm:make_reacher" for target in ("4-target", "moving")},
    "svg-gripper": "svg.gripper:make_gripper",
    **{f"svg-{n}": f"svg.legged:make_{n}" for n in ("monoped", "cheetah", "walker")},
    "svg-cheetah-no-springs": "svg.legged:make_cheetah",
}

_OPTIONS: dict[str, dict[str, Any]] = {  # of a factory that makes several environments
    **{f"svg-swimmer-{links}": {"links": links} for links in (3, 5, 7)},
    "svg-reacher-4-target": {"target": "corners"},
    "svg-reacher-moving": {"target": "moving"},
    "svg-cheetah-no-springs": {"springs": False},
}

_HORIZONS = {  # control steps; 1000 unless said here
    **{f"gae-{n}": 2000 for n in ("biped", "quadruped", "biped-standing")},
    "svg-cart-pole": 125,
    **{f"svg-reacher-{target}": 100 for target in ("4-target", "moving")},
    "svg-monoped": 200,
    **{f"svg-{n}": 150 for n in ("swimmer-3", "swimmer-5", "swimmer-7", "gripper")},
    **{f"svg-{n}": 300 for n in ("cheetah", "cheetah-no-springs", "walker")},
}

_VERSIONS = {"svg-cart-pole": 1}  # 0 unless said here: VERSION of the task's module less 1

for _name, _factory in _FACTORIES.items():
    _id = f"svgbench/{_name}-v{_VERSIONS.get(_name, 0)}"
    if _id not in registry:
        register(
            id=_id,
            entry_point="svgbench.tasks.gym_envs:SingleEnv",
            vector_entry_point="svgbench.tasks.gym_envs:BatchEnv",
            max_episode_steps=_HORIZONS.get(_name, 1000),
            kwargs={"make": f"svgbench.tasks.{_factory}"} | _OPTIONS.get(_name, {}),
        )
