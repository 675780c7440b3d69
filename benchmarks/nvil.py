"""Neural variational inference on 4 x 4 bars: an update through `svgbench.scg` against the same loop written by hand.

Both have the networks of `scg/fig13-nvil` with two layers of bits, learned baselines and Adam, in float64. The tensors
are small, so that the library's overhead is visible. The two are timed in turns, because a machine's speed drifts, in
one process with one thread and the environment variables of the lab's blocks. Waiting for a core does not count.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.result import Result
from svgbench.lab.platform import environment

if TYPE_CHECKING:
    from torch import Tensor

    from svgbench.baselines.scg.scg_nvil import Nvil

ROOT = Path(__file__).parents[1]
TURN, REPEATS = 30, 61  # updates of a turn; turns of each


def trainee() -> Nvil:
    """A seed of the experiment, with log q in its costs, which then share what the inference network computes."""
    from svgbench.baselines.scg.scg_nvil import Config, Nvil, bars

    return Nvil(Config(baseline="learned", direct_terms=True), 0, bars())


def library_loss(one: Nvil) -> Tensor:
    """The surrogate loss of a batch, through the library."""
    from svgbench import scg

    run = one.draw()
    assert isinstance(one.baseline, scg.Learned)
    return scg.surrogate(run, "log", one.baseline).mean() + one.baseline.loss(run)


def hand_loss(one: Nvil) -> Tensor:
    """The same, written by hand."""
    import torch
    from torch.distributions import Bernoulli

    below = one.data[torch.randint(len(one.data), (one.config.batch,))]
    costs, log_probs, guesses = [], [], []
    for k, guess in enumerate(one.guesses, 1):
        law = Bernoulli(logits=one.phi.logits(k, below), validate_args=False)
        h = law.sample()
        log_probs.append(law.log_prob(h).sum(1))
        costs.append(log_probs[-1] - one.theta.log_prob(k, below, h))
        guesses.append(guess(below[None])[0, :, 0])
        below = h
    q = torch.stack(costs).detach().flip(0).cumsum(0).flip(0)  # the costs of a layer and of those above it
    error = q - torch.stack(guesses)
    return ((torch.stack(log_probs) * error.detach()).sum(0) + sum(costs)).mean() + error.square().sum(0).mean()


def step(one: Nvil, loss: Callable[[Nvil], Tensor]) -> None:
    """An update of all parameters."""
    one.adam.backward(loss(one))
    one.adam.step()


def child(turn: int, repeats: int) -> None:
    """Print the seconds of an update, of each kind and turn."""
    import torch

    torch.set_num_threads(1)
    kinds = {"library": library_loss, "hand": hand_loss}
    trainees = {name: trainee() for name in kinds}
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for repeat in range(repeats + 1):
        for name in list(kinds)[:: 1 if repeat % 2 else -1]:
            start = time.process_time()
            for _ in range(turn):
                step(trainees[name], kinds[name])
            seconds[name].append((time.process_time() - start) / turn)
    print(json.dumps({name: found[1:] for name, found in seconds.items()}))


def measure(repeats: int = REPEATS, turn: int = TURN) -> list[Result]:
    """The median update, and the median of the ratios of neighbouring turns."""
    words = [sys.executable, "-m", "benchmarks.nvil", "--child", "--repeats", str(repeats), "--turn", str(turn)]
    done = subprocess.run(words, cwd=ROOT, env=environment(1), stdout=subprocess.PIPE, text=True, check=True)
    seconds: dict[str, list[float]] = json.loads(done.stdout)
    ratio = statistics.median(a / b for a, b in zip(seconds["library"], seconds["hand"], strict=True))
    library, hand = (1e3 * statistics.median(seconds[name]) for name in ("library", "hand"))
    return [Result("nvil/update", library, "ms", "the same loop by hand", hand, ratio, "<= 1.2")]


def main() -> None:
    """Print the result, or be the process that is timed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--turn", type=int, default=TURN, help="updates of a turn")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="turns of each")
    options = parser.parse_args()
    if options.child:
        child(options.turn, options.repeats)
    else:
        for result in measure(options.repeats, options.turn):
            print(result.text())


if __name__ == "__main__":
    main()
