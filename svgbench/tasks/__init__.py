"""The environments, as batches of simulations, and in gymnasium's registry under `svgbench/`.

Each folder holds the tasks of one work; parts that several works share stand beside the folders. Importing this package
registers the environments without importing the physics; making an environment does that.
"""

from gymnasium.envs.registration import register, registry

from svgbench.tasks._environments import environments

for _environment in environments():
    if _environment.id not in registry:
        register(
            id=_environment.id,
            entry_point="svgbench.tasks.gym_envs:SingleEnv",
            vector_entry_point="svgbench.tasks.gym_envs:BatchEnv",
            max_episode_steps=_environment.horizon,
            kwargs={"make": _environment.make} | _environment.options,
        )
