"""Evolution strategy with covariance matrix adaptation (Hansen and Ostermeier 1996), through the package `cma`.

One of the rivals in chapter 3 of Schulman 2016 (Figure 4), which names the method and prints no setting. Each seed is
one `cma.CMAEvolutionStrategy` that starts at the policy's initial parameters. `_parameter_search` scores its
candidates. The package is an optional dependency: `pip install svgbench[cma]`.

"code" is the authors' use of it, control4/optim/cma_gen.py of SFPD/rlreloaded at 650c64e: the strategy is made for the
package's default population, int(4 + 3 ln P), but is told as many samples as the batch has paths. So its parents are
the best few of a far larger number, with the weights and rates of the small population. In "text" the population is all
samples.

A state holds the scores that the strategies received. Asking and telling again with the same random numbers restores
the strategies exactly, without simulations. Covariances are full, P x P numbers per seed, so this is for thousands of
parameters at most (the authors did not run it on hopper and walker).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.baselines.search._parameter_search import make_search, search_cost
from svgbench.learners.limits import PATH_RULES
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, Natural, NonNegative, Positive, Precision, Range, Widths
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config:
    """Sources: T2: the thesis's Table 2 (swimmer), of TRPO; "code": as above; else our choice."""

    simulations: Annotated[int, Range(2)] = 50  # n, parameter vectors of an iteration (T2: paths of a batch)
    population: Literal["all", "default"] = "all"  # population for which weights and rates are computed
    sigma0: Positive = 0.1  # initial standard deviation of every parameter (code)

    hidden: Widths = (30,)  # units (T2); () is linear (cart-pole)
    activation: Literal["tanh", "softplus"] = "tanh"  # (chapter 3: silent)
    init_std: Positive = 0.5  # of actions under the first mean, in half control ranges (code)
    output_gain: NonNegative = 0.01  # norm of an output's weights in the first mean; hidden ones have 1 (code)
    observation_scaling: Literal["none", "range", "random"] = "none"
    observation_clip: NonNegative = 0.0  # bound of a scaled observation; 0 is none

    path_length: Natural = 0  # steps; 0 is the task's horizon (T2: 1000)
    steps_per_slice: Count = 50  # control steps per slice: noise is drawn by slices, so this is part of the numbers
    dtype: Precision = "float32"


RULES = PATH_RULES
PROFILES = {
    "text": {},
    "code": {
        "simulations": 400,  # swimmer; cart-pole 256
        "population": "default",
        "activation": "softplus",
        "observation_scaling": "random",
    },
}


def package() -> Any:
    """The package `cma`. Raises ModuleNotFoundError, with the way to install it."""
    try:
        import cma
    except ModuleNotFoundError as error:
        if error.name != "cma":
            raise
        raise ModuleNotFoundError(
            "CMA-ES needs the package cma, which is not installed: pip install 'svgbench[cma]'"
        ) from None
    return cma


class CMA:
    """`_parameter_search.CandidateSearch` from the means `first` [S, P]: one strategy for each seed."""

    def __init__(self, config: Config, first: Tensor, seeds: Sequence[int]) -> None:
        self.config, self.first, self.seeds, self.cma = config, first, list(seeds), package()
        self._begin()

    def _begin(self) -> None:
        self.told: list[Tensor] = []  # returns [S, n] of each iteration
        streams = Streams(self.seeds, "candidates")
        self.strategies = [self._strategy(streams, i) for i in range(len(self.seeds))]
        self.candidates: list[list[NDArray[np.float64]]] = []

    def _strategy(self, streams: Streams, place: int) -> Any:
        own = streams.select([place])

        def normal(*shape: int) -> NDArray[np.float64]:
            return own.normal(shape, dtype=torch.float64)[0].numpy()

        # A seed of NaN leaves NumPy's global generator alone; -9 prints nothing and writes no files.
        options: dict[str, Any] = {"randn": normal, "seed": math.nan, "verbose": -9}
        n, default = self.config.simulations, int(4 + 3 * math.log(self.first.shape[1]))
        options["popsize"] = n if self.config.population == "all" else min(n, default)
        return self.cma.CMAEvolutionStrategy(self.first[place].numpy(), self.config.sigma0, options)

    @property
    def mean(self) -> Tensor:
        return torch.from_numpy(np.stack([strategy.mean for strategy in self.strategies]))

    def ask(self) -> Tensor:
        self.candidates = [strategy.ask(number=self.config.simulations) for strategy in self.strategies]
        return torch.from_numpy(np.array(self.candidates))

    def tell(self, returns: Tensor) -> None:
        """The package minimises."""
        for strategy, candidates, own in zip(self.strategies, self.candidates, returns, strict=True):
            strategy.tell(candidates, (-own).tolist())
        self.told.append(returns)

    def state_dict(self) -> dict[str, Any]:
        return {"cma": str(self.cma.__version__), "told": list(self.told)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises ValueError for the state of another version of the package, which may give other candidates."""
        if state["cma"] != self.cma.__version__:
            raise ValueError(f"the state is of cma {state['cma']}, and cma {self.cma.__version__} is installed")
        self._begin()
        for returns in state["told"]:
            self.ask()
            self.tell(returns)


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no path ends early, roughly."""
    return search_cost(Config(**config), task, seeds, int(limits["iterations"]))


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block, on the CPU whatever the device. limits: `iterations`."""
    c = Config(**config)
    return make_search(c, lambda first: CMA(c, first, seeds), task, seeds, int(limits["iterations"]))
