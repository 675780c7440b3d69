"""Ten seeds of a small actor-critic update: in one block, in two blocks of five, and one seed per process.

All three run the same program and differ only in S, the number of seeds in a process, and in threads. The update
is a critic step by temporal difference with target networks, a policy step through the critic, Adam on both
and both targets, with nets of 2 x 100 tanh units and batches of 32, on random data. Throughput is seed-updates
a second over all processes of an arrangement, which run at the same time on two cores.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from benchmarks.result import Result
from benchmarks.turns import rates_in_turns

if TYPE_CHECKING:
    from torch import Tensor

OBS, ACTION, HIDDEN, BATCH = 4, 1, 100, 32
GAMMA, TAU, LR = 0.99, 0.01, 1e-3
WARM_UP = 50  # updates
SECONDS = 0.6  # of timed work in each process of each repeat
REPEATS = 11

# name -> (the seeds of each process, threads of each process)
Arrangement = tuple[Sequence[Sequence[int]], int]
PEER = "one seed a process, two at a time"
ARRANGEMENTS: dict[str, Arrangement] = {
    PEER: ([[0], [1]], 1),
    "one_block_of_ten": ([range(10)], 2),
    "two_blocks_of_five": ([range(5), range(5, 10)], 1),
}
TARGETS = {"one_block_of_ten": 2.3, "two_blocks_of_five": 2.6}


def make_update(seeds: Sequence[int]) -> Callable[[], None]:
    """The update that is timed, for these seeds."""
    import torch

    from svgbench.nn import MLP, Adam, Streams, polyak_, target_copy

    S = len(seeds)
    init, data = Streams(seeds, "init"), Streams(seeds, "data")
    actor = MLP(init, [OBS, HIDDEN, HIDDEN, ACTION], "tanh", output_activation="tanh")
    critic = MLP(init, [OBS + ACTION, HIDDEN, HIDDEN, 1], "tanh")
    actor_target, critic_target = target_copy(actor), target_copy(critic)
    adam_actor, adam_critic = Adam(actor.parameters(), LR), Adam(critic.parameters(), LR)

    replay = 1000
    widths = (OBS, ACTION, 1, OBS)  # observation, action, reward, next observation
    transitions = data.normal((replay, sum(widths))).flatten(0, 1)  # [S * replay, ...]
    first_S11 = replay * torch.arange(S).view(S, 1, 1)
    draws: Iterator[Tensor] = iter(())

    def minibatches() -> None:
        nonlocal draws
        draws = iter((first_S11 + data.integers((200, BATCH), replay)).transpose(0, 1).flatten(1))

    def update() -> None:
        index = next(draws, None)  # [S * B]
        if index is None:
            minibatches()
            index = next(draws)
        batch = transitions.index_select(0, index).view(S, BATCH, -1)
        o_SBO, a_SBA, r_SB1, next_o_SBO = batch.split(widths, dim=-1)

        with torch.no_grad():
            next_a_SBA = actor_target(next_o_SBO)
            y_SB1 = r_SB1 + GAMMA * critic_target(torch.cat([next_o_SBO, next_a_SBA], dim=-1))
        q_SB1 = critic(torch.cat([o_SBO, a_SBA], dim=-1))
        adam_critic.backward((q_SB1 - y_SB1).square().mean(dim=(1, 2)))
        adam_critic.step()

        q_SB1 = critic(torch.cat([o_SBO, actor(o_SBO)], dim=-1))
        adam_actor.backward(-q_SB1.mean(dim=(1, 2)))
        adam_actor.step()

        polyak_(critic_target, critic, TAU)
        polyak_(actor_target, actor, TAU)

    return update


def child(seeds: Sequence[int], threads: int, seconds: float) -> None:
    """Warm up, say "ready", wait for a line, then run updates for that long and print seed-updates a second."""
    import torch

    torch.set_num_threads(threads)
    update = make_update(seeds)
    for _ in range(WARM_UP):
        update()
    print("ready", flush=True)
    for _ in sys.stdin:
        start, updates = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            for _ in range(5):
                update()
            updates += 5
        print(updates * len(seeds) / (time.perf_counter() - start), flush=True)


def measure(repeats: int = REPEATS, seconds: float = SECONDS) -> list[Result]:
    """Median seed-updates a second of each arrangement against the peer; repeats are interleaved."""
    commands = {
        name: [_command(seeds, threads, seconds) for seeds in blocks]
        for name, (blocks, threads) in ARRANGEMENTS.items()
    }
    rates = rates_in_turns(commands, repeats)
    peer = statistics.median(rates[PEER])
    return [
        Result(
            name=f"seed_axis/{name}",
            value=(value := statistics.median(rates[name])),
            unit="seed-updates/s",
            reference=PEER,
            reference_value=peer,
            ratio=value / peer,
            target=f">= {target}",
        )
        for name, target in TARGETS.items()
    ]


def _command(seeds: Sequence[int], threads: int, seconds: float) -> list[str]:
    words = [sys.executable, "-m", "benchmarks.seed_axis", "--child", *(str(seed) for seed in seeds)]
    return [*words, "--threads", str(threads), "--seconds", str(seconds)]


def main() -> None:
    """Print the results, or be the child of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", type=int, nargs="+", metavar="SEED", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of timed work in each repeat")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args()
    if options.child is not None:
        child(options.child, options.threads, options.seconds)
        return
    for result in measure(options.repeats, options.seconds):
        print(result.text())


if __name__ == "__main__":
    main()
