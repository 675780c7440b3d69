"""Modules that have moved. For one version their old names still import, with a warning that names the new module.

`svgbench.lab.modules` also uses the table, so that a plugin's source may name an old module.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

MOVED = {
    "svgbench.baselines.actor_critic": "svgbench.baselines.value_gradients.actor_critic",
    "svgbench.baselines.cma_es": "svgbench.baselines.search.cma_es",
    "svgbench.baselines.cross_entropy": "svgbench.baselines.search.cross_entropy",
    "svgbench.baselines.entropy_schedule": "svgbench.baselines.actor_critic.entropy_schedule",
    "svgbench.baselines.gae": "svgbench.baselines.on_policy.gae",
    "svgbench.baselines.maac_gradient_error": "svgbench.baselines.actor_critic.maac_gradient_error",
    "svgbench.baselines.natural_gradient": "svgbench.baselines.on_policy.natural_gradient",
    "svgbench.baselines.random_policy": "svgbench.baselines.actor_critic.random_policy",
    "svgbench.baselines.reward_weighted_regression": "svgbench.baselines.on_policy.reward_weighted_regression",
    "svgbench.baselines.sac": "svgbench.baselines.actor_critic.sac",
    "svgbench.baselines.sac_svg": "svgbench.baselines.actor_critic.sac_svg",
    "svgbench.baselines.sb3_trpo": "svgbench.baselines.on_policy.sb3_trpo",
    "svgbench.baselines.scg_hessian": "svgbench.baselines.scg.scg_hessian",
    "svgbench.baselines.scg_motifs": "svgbench.baselines.scg.scg_motifs",
    "svgbench.baselines.scg_upper_bound": "svgbench.baselines.scg.scg_upper_bound",
    "svgbench.baselines.scg_variance": "svgbench.baselines.scg.scg_variance",
    "svgbench.baselines.svg_inf": "svgbench.baselines.value_gradients.svg_inf",
    "svgbench.baselines.svg_one": "svgbench.baselines.value_gradients.svg_one",
    "svgbench.baselines.svg_planner": "svgbench.baselines.value_gradients.svg_planner",
    "svgbench.baselines.svg_zero": "svgbench.baselines.value_gradients.svg_zero",
    "svgbench.baselines.trpo": "svgbench.baselines.on_policy.trpo",
    "svgbench.baselines.vanilla_policy_gradient": "svgbench.baselines.on_policy.vanilla_policy_gradient",
    "svgbench.differences.difference": "svgbench.words.difference",
    "svgbench.lab.errors": "svgbench.words.errors",
    "svgbench.lab.experiment": "svgbench.words.experiment",
    "svgbench.lab.learner": "svgbench.words.learner",
    "svgbench.lab.search": "svgbench.words.search",
    "svgbench.nn.batch": "svgbench.simulate.batch",
    "svgbench.nn.database": "svgbench.memory.database",
    "svgbench.nn.draws": "svgbench.learners.draws",
    "svgbench.nn.ensemble_model": "svgbench.models.ensemble",
    "svgbench.nn.episodic": "svgbench.learners.episodic",
    "svgbench.nn.episodic_agent": "svgbench.baselines.value_gradients._parts",
    "svgbench.nn.episodic_work": "svgbench.baselines.value_gradients._costs",
    "svgbench.nn.experience": "svgbench.memory.experience",
    "svgbench.nn.exploration": "svgbench.simulate.acting",
    "svgbench.nn.fitted_value": "svgbench.baselines.value_gradients._fitted_value",
    "svgbench.nn.fixed_std_policy": "svgbench.baselines.value_gradients._policy",
    "svgbench.nn.graphs": "svgbench.learners.static_update",
    "svgbench.nn.limits": "svgbench.learners.limits",
    "svgbench.nn.max_kl": "svgbench.baselines.on_policy._max_kl",
    "svgbench.nn.minibatch_ascent": "svgbench.baselines.value_gradients._minibatches",
    "svgbench.nn.online": "svgbench.learners.online",
    "svgbench.nn.parallel_model": "svgbench.models.per_dimension",
    "svgbench.nn.parameter_search": "svgbench.baselines.search._parameter_search",
    "svgbench.nn.pathwise": "svgbench.baselines.actor_critic._pathwise",
    "svgbench.nn.policy_iteration": "svgbench.learners.on_policy",
    "svgbench.nn.recurrent_model": "svgbench.models.recurrent",
    "svgbench.nn.replay": "svgbench.memory.replay",
    "svgbench.nn.rollouts": "svgbench.simulate.paths",
    "svgbench.nn.schedule": "svgbench.baselines.actor_critic._entropy_target",
    "svgbench.nn.seed_block": "svgbench.learners.seed_block",
    "svgbench.nn.soft_actor_critic": "svgbench.baselines.actor_critic._soft_actor_critic",
    "svgbench.nn.state_statistics": "svgbench.memory.statistics",
    "svgbench.nn.study": "svgbench.learners.study",
    "svgbench.nn.surrogate": "svgbench.learners.surrogate",
    "svgbench.nn.trajectory_ascent": "svgbench.baselines.value_gradients._recursion",
    "svgbench.nn.trials": "svgbench.simulate.trials",
    "svgbench.nn.value_function": "svgbench.baselines.on_policy._value_function",
    "svgbench.nn.value_gradient": "svgbench.baselines.value_gradients._recursion",
    "svgbench.nn.vine": "svgbench.baselines.on_policy._vine",
    "svgbench.nn.whole_episodes": "svgbench.simulate.episodes",
    "svgbench.nn.work": "svgbench.learners.costs",
    "svgbench.tasks.biped_model": "svgbench.tasks.gae._biped_model",
    "svgbench.tasks.by_hand": "svgbench.tasks.svg.by_hand",
    "svgbench.tasks.cart_pole": "svgbench.tasks.trpo.cart_pole",
    "svgbench.tasks.double_integrator": "svgbench.tasks.maac.double_integrator",
    "svgbench.tasks.episodes": "svgbench.simulation_batch",
    "svgbench.tasks.gae_robots": "svgbench.tasks.gae.robots",
    "svgbench.tasks.gymnasium_v5": "svgbench.tasks.gymnasium.v5",
    "svgbench.tasks.linear_quadratic": "svgbench.tasks.maac.linear_quadratic",
    "svgbench.tasks.protocol": "svgbench.words.task",
    "svgbench.tasks.simulations": "svgbench.simulation_batch",
    "svgbench.tasks.state_reward": "svgbench.tasks.svg._state_reward",
    "svgbench.tasks.svg_arm": "svgbench.tasks.svg.arm",
    "svgbench.tasks.svg_cart_pole": "svgbench.tasks.svg.cart_pole",
    "svgbench.tasks.svg_gripper": "svgbench.tasks.svg.gripper",
    "svgbench.tasks.svg_hand": "svgbench.tasks.svg.hand",
    "svgbench.tasks.svg_legged": "svgbench.tasks.svg.legged",
    "svgbench.tasks.svg_mujoco": "svgbench.tasks.svg._mujoco",
    "svgbench.tasks.svg_swimmer": "svgbench.tasks.svg.swimmer",
    "svgbench.tasks.trpo_robots": "svgbench.tasks.trpo.robots",
    "svgbench.analysis.absolute": "svgbench.analysis.judge.absolute",
    "svgbench.analysis.answer_text": "svgbench.analysis.show.answer_text",
    "svgbench.analysis.answers": "svgbench.analysis.judge.answers",
    "svgbench.analysis.backend": "svgbench.analysis.show.backend",
    "svgbench.analysis.between": "svgbench.analysis.judge.between",
    "svgbench.analysis.bounds": "svgbench.analysis.judge.bounds",
    "svgbench.analysis.canvas": "svgbench.analysis.show.canvas",
    "svgbench.analysis.caveats": "svgbench.analysis.read.caveats",
    "svgbench.analysis.changes": "svgbench.analysis.judge.changes",
    "svgbench.analysis.choice_text": "svgbench.analysis.search.choice_text",
    "svgbench.analysis.choosing": "svgbench.analysis.search.choosing",
    "svgbench.analysis.claim_checks": "svgbench.analysis.judge.claim_checks",
    "svgbench.analysis.claims": "svgbench.analysis.judge.claims",
    "svgbench.analysis.comparisons": "svgbench.analysis.judge.comparisons",
    "svgbench.analysis.contrasts": "svgbench.analysis.judge.contrasts",
    "svgbench.analysis.difference": "svgbench.analysis.judge.difference",
    "svgbench.analysis.difference_text": "svgbench.analysis.show.difference_text",
    "svgbench.analysis.effects": "svgbench.analysis.judge.effects",
    "svgbench.analysis.frames": "svgbench.analysis.read.frames",
    "svgbench.analysis.grids": "svgbench.analysis.show.grids",
    "svgbench.analysis.import_source": "svgbench.analysis.read.import_source",
    "svgbench.analysis.import_table": "svgbench.analysis.read.import_table",
    "svgbench.analysis.import_values": "svgbench.analysis.read.import_values",
    "svgbench.analysis.importing": "svgbench.analysis.read.importing",
    "svgbench.analysis.judgement": "svgbench.analysis.judge.judgement",
    "svgbench.analysis.levels": "svgbench.analysis.judge.levels",
    "svgbench.analysis.measures": "svgbench.analysis.read.measures",
    "svgbench.analysis.modes": "svgbench.analysis.judge.modes",
    "svgbench.analysis.outlook": "svgbench.analysis.judge.outlook",
    "svgbench.analysis.paired": "svgbench.analysis.judge.paired",
    "svgbench.analysis.plots": "svgbench.analysis.show.plots",
    "svgbench.analysis.power": "svgbench.analysis.judge.power",
    "svgbench.analysis.published": "svgbench.analysis.show.published",
    "svgbench.analysis.references": "svgbench.analysis.show.references",
    "svgbench.analysis.rivals": "svgbench.analysis.judge.rivals",
    "svgbench.analysis.search_plots": "svgbench.analysis.search.search_plots",
    "svgbench.analysis.spreads": "svgbench.analysis.judge.spreads",
    "svgbench.analysis.standouts": "svgbench.analysis.judge.standouts",
    "svgbench.analysis.statistics": "svgbench.analysis.judge.statistics",
    "svgbench.analysis.summary": "svgbench.analysis.show.summary",
    "svgbench.analysis.table_markup": "svgbench.analysis.show.table_markup",
    "svgbench.analysis.table_text": "svgbench.analysis.show.table_text",
    "svgbench.analysis.tables": "svgbench.analysis.show.tables",
    "svgbench.analysis.trace": "svgbench.analysis.judge.trace",
    "svgbench.analysis.verdict_text": "svgbench.analysis.show.verdict_text",
    "svgbench.analysis.verdict_words": "svgbench.analysis.judge.verdict_words",
    "svgbench.analysis.verdicts": "svgbench.analysis.judge.verdicts",
    "svgbench.analysis.wording": "svgbench.analysis.show.wording",
}
"""A module's old name: its new name."""

GROWN = {
    "svgbench.tasks.mbpo": "svgbench.tasks.mbpo.robots",
    "svgbench.tasks.poplin": "svgbench.tasks.poplin.robots",
}
"""A module's name that now belongs to a package: the module with its former contents."""

SPLIT = {"svgbench.words.experiment": ("svgbench.words.values", "svgbench.words.claims")}
"""A module that has lost a part of its contents: the modules that have it now."""

RENAMED = {
    "svgbench.analysis.changes": {"Change": "CellChange"},
    "svgbench.analysis.judgement": {"Rules": "JudgementRules"},
    "svgbench.analysis.verdicts": {"Rules": "JudgementRules"},
    "svgbench.lab.experiment": {"Task": "TaskSpec"},
    "svgbench.nn.episodic": {"Learned": "SeedNetwork"},
    "svgbench.nn.replay": {"Layout": "RowLayout"},
    "svgbench.tasks.cart_pole": {"make_barto": "make_cart_pole_barto", "make_rlr": "make_cart_pole"},
    "svgbench.tasks.double_integrator": {"make": "make_double_integrator"},
    "svgbench.tasks.episodes": {
        "Ahead": "DrawnAhead",
        "Episodes": "BaseSimulations",
        "Observed": "FullyObserved",
        "Outcome": "RawStep",
    },
    "svgbench.tasks.no_simulation": {"make": "make_no_simulation"},
}
"""By a module's old name: the attributes that have another name in the new one."""

FORMER = {new: old for old, new in reversed((MOVED | GROWN).items())}
"""A module's new name: its first old name. A module that has moved twice lists the oldest name first."""


class MovedModuleWarning(DeprecationWarning):
    """A module or its attribute was imported by its name from before version 0.3."""


class _Moved(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules by their old names, after all other finders have failed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(fullname, self) if fullname in MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        old = module.__name__
        warnings.warn(f"{old} has moved to {MOVED[old]}", MovedModuleWarning, stacklevel=2)
        found = importlib.import_module(MOVED[old])
        for attribute, now in RENAMED.get(old, {}).items():
            setattr(found, attribute, getattr(found, now))
        sys.modules[old] = found  # the import statement returns this entry


def install() -> None:
    """Make the old names importable. Called once, by `svgbench` itself."""
    sys.meta_path.append(_Moved())


def contents(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module in `GROWN` or `SPLIT`: returns what stood there, with a warning."""
    places = SPLIT.get(module) or (GROWN[module],)

    def find(name: str) -> Any:
        for place in () if name.startswith("__") else places:
            if hasattr(found := importlib.import_module(place), name):
                warnings.warn(f"{module}.{name} has moved to {place}", MovedModuleWarning, stacklevel=2)
                return getattr(found, name)
        raise AttributeError(f"module '{module}' has no attribute '{name}'")

    return find


def current(reference: str) -> str:
    """Today's "module:attribute" for an old one of ours; any other is returned as it is."""
    name, colon, attribute = reference.partition(":")
    return f"{(MOVED | GROWN).get(name, name)}{colon}{RENAMED.get(name, {}).get(attribute, attribute)}"


def former(reference: str) -> str:
    """The "module:attribute" from before anything moved, which identifies results of format 1."""
    name, colon, attribute = reference.partition(":")
    old = FORMER.get(name, name)
    attributes = {new: attribute for attribute, new in RENAMED.get(old, {}).items()}
    return f"{old}{colon}{attributes.get(attribute, attribute)}"
