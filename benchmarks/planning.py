"""One planning step of MAAC at test time: 5 iterations of 256 candidates of 5 model steps, at the sizes of cheetah.

The ensemble is MAAC's: eight members of four layers of 200. Policy and critics have two layers of 256. It plans for one
state of one seed, as in a single evaluation episode, and for ten states of each of five seeds.

The limit is the least arithmetic of such a step at the rate of a large float32 product, timed in turns with it in one
process of one thread, because a machine's speed drifts. The least arithmetic: every candidate passes through one member
a step and is valued once, by the policy's action and both critics; the search starts along one path. The rest is small
products (32 rows a member where one state is planned for), their activations, and random numbers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.result import Result
from benchmarks.turns import SIZE, beside_product
from svgbench.lab.platform import environment

ROOT = Path(__file__).parents[1]
SHAPES = {"one_state": (1, 1), "five_seeds_of_ten": (5, 10)}  # seeds, states of each
OBSERVATION, ACTION = 17, 6  # poplin/cheetah
MODEL_HIDDEN, MEMBERS, HIDDEN = (200, 200, 200, 200), 8, (256, 256)
WARM_UP, REPEATS = 1, 9  # planning steps


def make_step(S: int, N: int, **search: int) -> tuple[Callable[[], Any], int]:
    """A planning step for N states of each of S seeds; its least multiplications. search: settings that differ."""
    from svgbench.baselines.actor_critic._soft_actor_critic import Actor, TwinCritic
    from svgbench.models.gaussian_ensemble import GaussianEnsemble
    from svgbench.nn.streams import Streams
    from svgbench.planning.action_sequences import SequenceSearch
    from svgbench.planning.model_returns import ReturnSettings
    from svgbench.planning.planned_policy import PlannedPolicy, PlanningSettings, PolicyAndCritics
    from svgbench.tasks.poplin.robots import make_cheetah

    streams = Streams(range(S), "benchmark")
    model = GaussianEnsemble(
        streams, OBSERVATION + ACTION, 1 + OBSERVATION,
        hidden=MODEL_HIDDEN, activation="silu", members=MEMBERS, log_var_bounds=(-10.0, 0.5),
    )  # fmt: skip
    actor = Actor(streams, OBSERVATION, ACTION, HIDDEN, (-20.0, 2.0), orthogonal=False)
    critic = TwinCritic(streams, OBSERVATION, ACTION, HIDDEN, orthogonal=False)
    settings = PlanningSettings(SequenceSearch(**search), ReturnSettings(gamma=0.99))
    planned = PlannedPolicy(
        settings, PolicyAndCritics(actor, critic.smaller, lambda obs: obs), model, range(S), "benchmark",
        reward=make_cheetah().reward_function,
    )  # fmt: skip
    obs = streams.normal((N, OBSERVATION))
    candidates = settings.search.iterations * settings.search.population
    return lambda: planned.act(obs), S * N * least(candidates, settings.returns.horizon)


def least(candidates: int, H: int) -> int:
    """Multiplications of a planning step for one state: paths of candidates with their values, and the first path."""
    from benchmarks.arithmetic import network

    model = network((OBSERVATION + ACTION, *MODEL_HIDDEN, 2 * (1 + OBSERVATION)))
    actor, critic = network((OBSERVATION, *HIDDEN, 2 * ACTION)), network((OBSERVATION + ACTION, *HIDDEN, 1))
    return candidates * (H * model + actor + 2 * critic) + H * actor + (H - 1) * model


def child(shape: str, threads: int, repeats: int) -> None:
    """Print the seconds of a step, the rate of the product, multiplications a second, and the least work."""
    step, work = make_step(*SHAPES[shape])
    seconds, rate = beside_product(step, threads, WARM_UP, repeats)
    print(json.dumps([seconds, rate, work]))


def measure(threads: int = 1, repeats: int = REPEATS) -> list[Result]:
    """Both shapes, one after the other."""
    return [_measure(shape, threads, repeats) for shape in SHAPES]


def _measure(shape: str, threads: int, repeats: int) -> Result:
    words = [sys.executable, "-m", "benchmarks.planning", "--child", shape]
    words += ["--threads", str(threads), "--repeats", str(repeats)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment(threads))
    seconds, rate, work = json.loads(done.stdout.splitlines()[-1])
    limit = work / rate
    reference = f"{2e-9 * work:.1f} GFLOP at the {2e-9 * rate:.0f} GFLOP/s of a float32 product of {SIZE} x {SIZE}"
    return Result(f"planning/{shape}", seconds, "s", reference, limit, seconds / limit)


def main() -> None:
    """Print the results, or be the child of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", choices=SHAPES, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help="threads of the process (a block has one)")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="planning steps that are timed")
    options = parser.parse_args()
    if options.child is not None:
        child(options.child, options.threads, options.repeats)
        return
    for result in measure(options.threads, options.repeats):
        print(result.text())


if __name__ == "__main__":
    main()
