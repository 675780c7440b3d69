"""The environments, as batches of simulations, and in gymnasium's registry under `svgbench/`.

Importing this package registers them, and imports no physics: that waits until one is made.
"""

from gymnasium.envs.registration import register, registry

_FACTORIES = {
    "poplin": ("ant", "hopper", "swimmer", "cheetah", "walker2d", "pets-cheetah"),
    "mbpo": ("hopper", "walker2d", "ant", "cheetah", "humanoid"),
}

for _family, _names in _FACTORIES.items():
    for _name in _names:
        _id = f"svgbench/{_family}-{_name}-v0"
        if _id not in registry:
            register(
                id=_id,
                entry_point="svgbench.tasks.gym_envs:SingleEnv",
                vector_entry_point="svgbench.tasks.gym_envs:BatchEnv",
                max_episode_steps=1000,
                kwargs={"make": f"svgbench.tasks.{_family}:make_{_name.replace('-', '_')}"},
            )
