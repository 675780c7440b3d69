"""The environments, as batches of simulations, and in gymnasium's registry under `svgbench/`.

Importing this package registers them, and imports no physics: that waits until one is made.
"""

from gymnasium.envs.registration import register, registry

_FACTORIES = {  # environment: factory in this package
    **{f"poplin-{n}": f"poplin:make_{n}" for n in ("ant", "hopper", "swimmer", "cheetah", "walker2d")},
    "poplin-pets-cheetah": "poplin:make_pets_cheetah",
    **{f"mbpo-{n}": f"mbpo:make_{n}" for n in ("hopper", "walker2d", "ant", "cheetah", "humanoid")},
    "trpo-cart-pole": "cart_pole:make_rlr",
    "trpo-cart-pole-barto": "cart_pole:make_barto",
    **{f"trpo-{n}": f"trpo_robots:make_{n}" for n in ("swimmer", "hopper", "walker")},
    "gae-biped": "gae_robots:make_biped",
    "gae-quadruped": "gae_robots:make_quadruped",
    "gae-biped-standing": "gae_robots:make_biped_standing",
    **{f"gymnasium-{n}": f"gymnasium_v5:make_{n}" for n in ("swimmer", "hopper")},
}

for _name, _factory in _FACTORIES.items():
    _id = f"svgbench/{_name}-v0"
    if _id not in registry:
        register(
            id=_id,
            entry_point="svgbench.tasks.gym_envs:SingleEnv",
            vector_entry_point="svgbench.tasks.gym_envs:BatchEnv",
            max_episode_steps=2000 if _name.startswith("gae") else 1000,
            kwargs={"make": f"svgbench.tasks.{_factory}"},
        )
