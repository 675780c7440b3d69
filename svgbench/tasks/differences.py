"""Where our tasks differ from those that the papers ran, as data. Nothing else in this folder is needed to read it.

`tasks` are the ids that a difference concerns.
"""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    """Fields as in an experiment's deviations, and the tasks that it concerns."""

    id: str
    paper: str
    ours: str
    reason: str
    source: str
    tasks: tuple[str, ...]


_POPLIN = (
    "poplin/ant",
    "poplin/hopper",
    "poplin/swimmer",
    "poplin/cheetah",
    "poplin/walker2d",
    "poplin/pets-cheetah",
)
_MBPO = ("mbpo/hopper", "mbpo/walker2d", "mbpo/ant", "mbpo/cheetah", "mbpo/humanoid")

DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        id="mujoco-release",
        paper="MuJoCo 1.31 (Table 2, by mujoco-py 0.5.7) and 1.50 (Figure 2, by mujoco-py 1.50)",
        ours="MuJoCo 4.0.0: other collision and constraint code, and RK4 of fourth order for free joints",
        reason="the old releases are binaries for old systems, and cannot be had beside a current gymnasium",
        source="facts/sac_svg.md 1.1, 1.2, 5.2; facts/engineering.md, MuJoCo",
        tasks=_POPLIN + _MBPO,
    ),
    Difference(
        id="capsule-inertia",
        paper="the mass and inertia of a capsule were those of a cylinder longer by half a radius at each end",
        ours="exact: hopper's foot 4.4 % heavier, walker2d's feet 7.7 %, swimmer's links 3.0 %, ant's legs 4 to 7 %; "
        "cheetah, whose total is fixed at 14 kg, has it distributed otherwise",
        reason="MuJoCo since 2.1.2",
        source="facts/sac_svg.md 5.2",
        tasks=_POPLIN + _MBPO,
    ),
    Difference(
        id="contact-forces",
        paper="contact cost of the forces that MuJoCo 1.50 left in cfrc_ext after its last physics step",
        ours="contact cost of the forces at the new state, with the step's own controls",
        reason="the forces of RK4's intermediate stages cannot be had from a batch of simulations",
        source="DESIGN.md 6; facts/sac_svg.md 5.2",
        tasks=("mbpo/ant", "mbpo/humanoid"),
    ),
    Difference(
        id="position-of-velocities",
        paper="velocity of the torso (ant), the centre of mass (humanoid) and the tip (swimmer) from positions that "
        "MuJoCo derived in the last stage of its last physics step",
        ours="from the positions at the new state",
        reason="a derived position lags the state, and would have to survive a checkpoint; summed over an episode "
        "the two differ by one such lag, about a millimetre",
        source="svg/env/ant.py, humanoid.py; mbbl fix_swimmer/fixed_swimmer.py; gymnasium#521",
        tasks=("poplin/swimmer", "mbpo/ant", "mbpo/humanoid"),
    ),
    Difference(
        id="swimmer-first-velocity",
        paper="the first observation of an episode, and so its first reward, carries the tip's velocity from the "
        "end of the previous episode",
        ours="0 in the first observation and reward of every episode",
        reason="an episode is not to depend on the one before it; at most one of 1000 rewards differs",
        source="mbbl fix_swimmer/fixed_swimmer.py, reset_model",
        tasks=("poplin/swimmer",),
    ),
    Difference(
        id="swimmer-model",
        paper="a model whose frame has its origin at the tip of the head",
        ours="gymnasium's swimmer.xml, whose origin is 1.5 m behind the tip: the same links, joints and motors; "
        "neither collides",
        reason="the authors' file has no licence, and uses an attribute that MuJoCo 3 dropped",
        source="mbbl fix_swimmer/assets/fixed_swimmer.xml; facts/sac_svg.md 1.1",
        tasks=("poplin/swimmer",),
    ),
    Difference(
        id="unstable-physics",
        paper="MuJoCo's default: an unstable simulation is put back to its start in the middle of an episode",
        ours="the step is dropped (reward 0, the observation before it), flagged, and the episode truncated",
        reason="a jump of the state is not a transition, and a run should not end of it",
        source="MuJoCo documentation, option flag autoreset; svgbench/tasks/protocol.py, Step.failed",
        tasks=_POPLIN + _MBPO,
    ),
    Difference(
        id="start-noise-streams",
        paper="start noise from one generator per environment (gym), drawn twice per reset (Table 2) or from NumPy's "
        "global state (PETS Cheetah)",
        ours="the same distributions, from a stream that belongs to the simulation",
        reason="a seed must not depend on its companions",
        source="mbbl/env/gym_env/walker.py, reset; svg/env/pets_cheetah.py, reset_model",
        tasks=_POPLIN + _MBPO,
    ),
    Difference(
        id="humanoid-hip-range",
        paper="SAC-SVG's own runs: left hip from -110 degrees; MBPO's published curves: from -120 degrees",
        ours="-110 degrees, as SAC-SVG's",
        reason="gym changed the model between the two; it matters only beside MBPO's curves",
        source="facts/sac_svg.md 1.2 (gym commit 7978f4270)",
        tasks=("mbpo/humanoid",),
    ),
)


def of(tasks: tuple[str, ...]) -> tuple[Difference, ...]:
    """The differences that concern any of these tasks."""
    return tuple(difference for difference in DIFFERENCES if set(difference.tasks) & set(tasks))
