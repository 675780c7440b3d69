"""MBPO and MAAC: what a step and an update cost at two sizes, ten seeds against one, and rows through an ensemble.

The cost of a step of MBPO is that of its updates, with its share of the fit and of the rollouts that come every
`fit_every` steps. The sizes are those of `maac/fig2` on hopper, at `short` and at `paper` (the authors' code), for one
seed. The limit is the least arithmetic (`benchmarks.arithmetic`) at the rate of a large float32 product. The share of
the fit is that of the transitions at step `AT`, and of as many epochs as the budget allows, or as usual where it has no
cap. Of MAAC, an update is measured: policy and critics, with paths of the model and targets of all depths.

A profile of the same turns says what a step of MBPO and an update of MAAC cost beyond their products: element-wise work
(activations, losses, optimisers), rows that are drawn, gathered or copied, and calls (Python, autograd, views). Calls
cost more while they are profiled, so their share is an upper bound.

Rows go through seven networks of 4 x 200 units, 10,000 at once: one member a row, and all members. The limit is their
products alone, in the same pieces.

Everything runs on one thread, in turns in one process. Times are the least of the repeats, in seconds of the
processor, because other work on the machine may slow some of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.result import Result
from svgbench import reproduce
from svgbench.lab.cells import Cell, Selection, expand
from svgbench.lab.platform import environment

ROOT = Path(__file__).parents[1]
EXPERIMENT, TASK = "maac/fig2", "poplin/hopper"
AT = {"short": 7500, "paper": 20_000}  # environment steps
PARTS = ("step", "updates", "epoch", "imagined")
PROFILES = 3  # of a turn, of which the fastest counts, because other work on the machine may slow some
KINDS = ("products", "elementwise", "rows", "calls")
PRODUCTS = {"mm", "addmm", "bmm", "baddbmm"}
ROWS_OPS = {
    "arange", "cat", "copy_", "fill_", "gather", "index", "index_add_", "index_copy_", "index_select", "nonzero",
    "normal_", "random_", "scatter_", "scatter_add_", "select_backward", "slice_backward", "sort", "uniform_", "zero_",
}  # fmt: skip
VIEWS = {
    "_local_scalar_dense", "_reshape_alias", "_to_copy", "_unsafe_view", "alias", "as_strided", "chunk", "contiguous",
    "detach", "empty", "empty_like", "empty_strided", "expand", "flatten", "full", "is_nonzero", "item", "lift_fresh",
    "narrow", "new_empty", "new_ones", "new_zeros", "ones", "ones_like", "permute", "reshape", "resize_", "select",
    "slice", "split", "split_with_sizes", "squeeze", "stack", "t", "to", "transpose", "unbind", "unflatten",
    "unsqueeze", "view", "view_as", "zeros", "zeros_like",
}  # fmt: skip
"""Operations that hand their work to others, or have none."""
SEEDS = 10
REPEATS = 7
SIZE = 1024  # of the product that is timed
ROWS = 10_000

Turns = dict[str, Callable[[], object]]
Seconds = dict[str, float]


def cell_of(budget: str, variant: str = "mbpo") -> Cell:
    """The cell of Figure 2."""
    selection = Selection(budget, tasks=(TASK,), variants=(variant,))
    (cell,) = expand(reproduce.experiments()[EXPERIMENT], selection)
    return cell


def after_random_steps(cell: Cell, seeds: list[int]) -> tuple[Any, Any]:
    """The block's learner when it begins to learn, and its task."""
    from svgbench.lab.block import resolve

    task = resolve(cell.task.make)(**cell.task.options)
    learner: Any = resolve(cell.variant.learner)(cell.config, task, seeds, cell.limits, "cpu")
    while learner.step < learner.agent.config.learning_starts:
        learner.advance()
    return learner, task


class Updates:
    """Updates of a block of MAAC: `turn`, how many it does, and the least multiplications of one, `least`."""

    def __init__(self, cell: Cell, seeds: list[int]) -> None:
        from benchmarks import arithmetic

        self.learner, task = after_random_steps(cell, seeds)
        agent = self.agent = self.learner.agent
        self.least = len(seeds) * arithmetic.maac_update(agent.config, task.observation_dim, task.action_dim)
        agent.fit.name = f"fit-{self.learner.step}"  # as if the fit were over
        while agent.now.updates < 0:
            self._advance()
        self.turn()
        self.count = agent.now.updates

    def turn(self) -> None:
        self.agent.now.updates = 0
        self._advance()

    def _advance(self) -> None:
        self.agent.advance_model(self.learner.step, self.learner.experience, None)


class Step:
    """The parts of an environment step of a block: `turns`, and the least multiplications of each, `least`.

    Transitions are those of the random steps, repeated until there are as many as at step `at`.
    """

    def __init__(self, cell: Cell, seeds: list[int], at: int) -> None:
        import torch

        from benchmarks import arithmetic
        from svgbench.baselines.actor_critic import mbpo
        from svgbench.baselines.actor_critic._imagined import USUAL_EPOCHS

        learner, task = after_random_steps(cell, seeds)
        c = self.config = learner.agent.config
        self.agent, self.experience = learner.agent, learner.experience
        self.experience_step, sizes = learner.step, (task.observation_dim, task.action_dim)
        rows = self.experience.replay.rows[:, : self.experience.replay.size]
        self.rows = rows.repeat(1, -(-at // rows.shape[1]), 1)[:, :at].contiguous()
        self.starts = self.experience.layout.obs(self.rows[:, torch.arange(c.rollouts_per_fit) % at]).contiguous()

        held, S = mbpo.held_out(c, at), len(seeds)
        self.minibatches = -(-(at - held) // c.model_batch)  # of an epoch
        capped = -(-c.max_minibatches // self.minibatches) or USUAL_EPOCHS
        self.epochs = min(c.max_epochs or USUAL_EPOCHS, capped)  # of a fit
        self.length = mbpo.rollout_length(c, at)
        self.least = {
            "updates": S * c.updates_per_step * arithmetic.sac_update(c, *sizes),
            "epoch": S * arithmetic.ensemble_epoch(c, *sizes, at - held, held),
            "imagined": S * arithmetic.imagined_step(c, *sizes),
        }
        self.turns: Turns = {"imagined": self._imagine, "updates": self._updates(), "epoch": self._epoch}

    def of_step(self, parts: Seconds) -> float:
        """What a step costs whose parts cost this."""
        shared = self.epochs * parts["epoch"] + self.length * parts["imagined"]
        return parts["updates"] + shared / self.config.fit_every

    def _imagine(self) -> None:
        from svgbench.models.branched import BranchedRollouts

        self.agent.rollouts = BranchedRollouts(self.starts)
        assert self.agent.advance_model(self.experience_step, self.experience, None), "rollouts of one step"

    def _updates(self) -> Callable[[], None]:
        import torch

        self._imagine()  # an update needs something that was imagined
        S = len(self.rows)
        phase = self.agent.prepare(self.experience_step)
        draws = {
            name: torch.rand(S, *draw.shape, dtype=torch.float64)
            if draw.kind == "uniform"
            else torch.randn(S, *draw.shape)
            for name, draw in self.agent.draws.items()
        }
        return lambda: self.agent.update(phase, self.experience, draws, None)

    def _epoch(self) -> None:
        """The first epoch of a fit."""
        self.agent.fit.begin("benchmark", self.rows, self.rows.shape[1], None)
        self.agent.fit.advance(self.rows, self.minibatches)


def rows_through(members: int = 7, hidden: tuple[int, ...] = (200,) * 4, rows: int = ROWS) -> Turns:
    """Rows of hopper's sizes through an ensemble, in ways that differ in what they spare, and the products alone."""
    import torch

    from svgbench.models.gaussian_ensemble import BLOCKS_PIECE, PIECE, GaussianEnsemble
    from svgbench.nn.streams import Streams

    how: Any = {"hidden": hidden, "activation": "silu", "members": members, "log_var_bounds": (-10.0, 0.5)}
    model = GaussianEnsemble(Streams([0], "model"), 14, 12, **how)
    x, active = torch.randn(1, rows, 14), torch.ones(1, rows, dtype=torch.bool)
    member = torch.randint(members, (1, rows))
    everyone = x[:, None].expand(-1, members, -1, -1)
    sizes = [layer.in_features for layer in model.layers] + [model.layers[-1].out_features]

    def products(piece: int, pieces: int) -> Callable[[], None]:
        """The products of so many pieces through one member after the other."""
        weights = [layer.weight[0].detach() for layer in model.layers]
        values = [torch.randn(piece, size) for size in sizes]

        def run() -> None:
            for i in range(pieces):
                for weight, before, after in zip(weights, values[:-1], values[1:], strict=True):
                    torch.mm(before, weight[i % members], out=after)

        return run

    @torch.no_grad()
    def naive() -> None:
        model(x[:, None])

    share = -(-rows // members)  # rows of a member
    each = -(-share // PIECE)
    block = BLOCKS_PIECE // members
    return {
        "one_member": lambda: model.predict_rows(x, member, active),
        "one_member/products": products(share // each, each * members),
        "all_members": lambda: model.predict_blocks(everyone),
        "all_members/naive": naive,
        "all_members/products": products(block, members * rows // block),
    }


def least_seconds(turns: Turns, repeats: int) -> Seconds:
    """The least of each one's times, of repeats in turns."""
    found: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(repeats + 1):
        for name, turn in turns.items():
            begun = time.process_time()
            turn()
            found[name].append(time.process_time() - begun)
    return {name: min(spent[1:]) for name, spent in found.items()}  # the first warms up


def kind_of(operation: str) -> str:
    """The kind of one of torch's operations, as a profile names it."""
    library, _, name = operation.rpartition("::")
    if library != "aten" or name in VIEWS:
        return "calls"
    return "products" if name in PRODUCTS else "rows" if name in ROWS_OPS else "elementwise"


def shares(turn: Callable[[], object], repeats: int = PROFILES) -> Seconds:
    """The share of a turn's time that each kind takes, in the fastest of the repeats.

    What no operation accounts for counts as calls.
    """
    whole, spent = min((_profiled(turn) for _ in range(repeats)), key=lambda found: found[0])
    whole = max(whole, sum(spent.values()))
    spent["calls"] = whole - sum(spent[kind] for kind in KINDS[:-1])
    return {kind: seconds / whole for kind, seconds in spent.items()}


def _profiled(turn: Callable[[], object]) -> tuple[float, Seconds]:
    """Seconds of a turn, and of the operations of each kind."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as found:
        begun = time.perf_counter()
        turn()
        whole = time.perf_counter() - begun
    spent = dict.fromkeys(KINDS, 0.0)
    for event in found.key_averages():
        spent[kind_of(event.key)] += 1e-6 * event.self_cpu_time_total
    return whole, spent


def by_kind(steps: dict[str, Step], updates: dict[str, Updates], seconds: Seconds) -> Seconds:
    """The seconds of each kind in a step of MBPO ("short/step/rows") and in an update of MAAC ("maac_short/rows")."""
    found: Seconds = {}
    for budget in AT:
        step = steps[budget]
        parts = {part: shares(turn) for part, turn in step.turns.items()}
        update = shares(updates[budget].turn)
        for kind in KINDS:
            own = {part: share[kind] * seconds[f"{budget}/{part}"] for part, share in parts.items()}
            found[f"{budget}/step/{kind}"] = step.of_step(own)
            found[f"maac_{budget}/{kind}"] = update[kind] * seconds[f"maac_{budget}"]
    return found


def child(repeats: int) -> None:
    """Print the results' numbers: seconds and least multiplications of all parts."""
    import torch

    torch.set_num_threads(1)
    a, b, c = torch.randn(3, SIZE, SIZE)
    steps = {budget: Step(cell_of(budget), [0], at) for budget, at in AT.items()}
    steps["block"] = Step(cell_of("short"), list(range(SEEDS)), AT["short"])
    turns: Turns = {"product": lambda: torch.mm(a, b, out=c), **{f"rows/{n}": t for n, t in rows_through().items()}}
    turns |= {f"{name}/{part}": turn for name, step in steps.items() for part, turn in step.turns.items()}
    updates = {budget: Updates(cell_of(budget, "maac"), [0]) for budget in AT}
    updates["block"] = Updates(cell_of("short", "maac"), list(range(SEEDS)))
    turns |= {f"maac_{budget}": own.turn for budget, own in updates.items()}
    seconds = least_seconds(turns, repeats)
    rate = SIZE**3 / seconds["product"]
    for name, step in steps.items():
        step.least["step"] = step.of_step(step.least)  # type: ignore[assignment]  # a share of counts
        seconds[f"{name}/step"] = step.of_step({part: seconds[f"{name}/{part}"] for part in step.turns})
    limits = {f"{name}/{part}": n / rate for name, step in steps.items() for part, n in step.least.items()}
    for budget, own in updates.items():
        seconds[f"maac_{budget}"] /= own.count
        limits[f"maac_{budget}"] = own.least / rate
    print(json.dumps([seconds, limits, by_kind(steps, updates, seconds), rate]))


def measure(repeats: int = REPEATS) -> list[Result]:
    """A step and its parts at both sizes and by kind, ten seeds against one, and rows through an ensemble."""
    words = [sys.executable, "-m", "benchmarks.model_based", "--child", "--repeats", str(repeats)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment(1))
    seconds, limits, kinds, rate = json.loads(done.stdout.splitlines()[-1])
    limit = f"its products at {2e-9 * rate:.0f} GFLOP/s"
    names = [f"{budget}/{part}" for budget in AT for part in PARTS] + [f"maac_{budget}" for budget in AT]
    results = [_result(name, seconds[name], limit, limits[name]) for name in names]
    results += [_result(name, part, "the whole", seconds[name.rpartition("/")[0]]) for name, part in kinds.items()]
    for part in PARTS:
        value, alone = seconds[f"block/{part}"] / SEEDS, seconds[f"short/{part}"]
        results.append(_result(f"seed_of_ten/{part}", value, "one seed alone", alone))
    own = seconds["maac_block"] / SEEDS
    results.append(_result("seed_of_ten/maac", own, "one seed alone", seconds["maac_short"]))
    for kind in ("one_member", "all_members"):
        value = seconds[f"rows/{kind}"]
        results.append(_result(f"rows/{kind}", value, "the products alone", seconds[f"rows/{kind}/products"], "<= 1.5"))
        results.append(
            _result(f"rows/{kind}/naive", value, "all members, in one piece", seconds["rows/all_members/naive"])
        )
    return results


def _result(name: str, value: float, reference: str, limit: float, target: str | None = None) -> Result:
    return Result(f"model_based/{name}", 1e3 * value, "ms", reference, 1e3 * limit, value / limit, target)


def main() -> None:
    """Print the results, or be the child of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args()
    if options.child:
        child(options.repeats)
        return
    for result in measure(options.repeats):
        print(result.text())


if __name__ == "__main__":
    main()
