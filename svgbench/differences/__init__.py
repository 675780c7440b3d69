"""Where our tasks differ from those of the papers, as data. Reading it imports neither gymnasium nor a simulator.

`tasks` are the ids that a difference concerns. In sources, svg/ is that folder of facebookresearch/svg at 9fdf03a; mbbl
is WilsonWangTHU/mbbl at bb88a01, RLR SFPD/rlreloaded at 650c64e (`svgbench.reproduce.trpo.deviations` says what it is),
rllab rll/rllab at ba78e4c, gymnasium Farama-Foundation/Gymnasium, and the thesis Schulman 2016.
"""

from __future__ import annotations

from svgbench.differences.svg import SVG
from svgbench.words.difference import Difference

_POPLIN = (
    "poplin/ant",
    "poplin/hopper",
    "poplin/swimmer",
    "poplin/cheetah",
    "poplin/walker2d",
    "poplin/pets-cheetah",
)
_MBPO = ("mbpo/hopper", "mbpo/walker2d", "mbpo/ant", "mbpo/cheetah", "mbpo/humanoid")
_GYMNASIUM = ("gymnasium/swimmer-v5", "gymnasium/hopper-v5")
_CART_POLE = ("trpo/cart-pole", "trpo/cart-pole-barto")
_PLANAR = ("trpo/swimmer", "trpo/hopper", "trpo/walker")
_LEGGED = ("trpo/hopper", "trpo/walker")
_BIPED = ("gae/biped", "gae/biped-standing")
_SPATIAL = (*_BIPED, "gae/quadruped")

DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        id="mujoco-release",
        paper="MuJoCo 1.31 (Table 2, by mujoco-py 0.5.7) and 1.50 (Figure 2, by mujoco-py 1.50)",
        ours="MuJoCo 4.0.0: other collision and constraint code, and RK4 of fourth order for free joints",
        reason="the old releases are binaries for old systems and cannot be installed next to a current gymnasium",
        source="WilsonWangTHU/POPLIN at edd8dba, README.md, requirements.txt; facebookresearch/svg at 9fdf03a, "
        "requirements.txt; RK4: a free body spun by us in MuJoCo 3.3.7 (second order) and 4.0.0",
        tasks=_POPLIN + _MBPO,
    ),
    Difference(
        id="capsule-inertia",
        paper="the mass and inertia of a capsule were those of a cylinder longer by half a radius at each end",
        ours="exact: hopper's foot 4.4 % heavier, walker2d's feet 7.7 %, swimmer's links 3.0 %, ant's legs 4 to 7 %; "
        "cheetah's total is fixed at 14 kg, and only its distribution differs",
        reason="MuJoCo since 2.1.1",
        source="MuJoCo's changelog, 'Computed capsule inertias are now exact'; percentages computed from the models",
        tasks=_POPLIN + _MBPO,
    ),
    Difference(
        id="contact-forces",
        paper="contact cost of the forces that MuJoCo 1.50 left in cfrc_ext after its last physics step",
        ours="contact cost of the forces at the new state, with the step's own controls",
        reason="a batch of simulations does not give the forces of RK4's intermediate stages",
        source="svg/env/ant.py, humanoid.py; openai/gym#1541; svgbench/tasks/mujoco_batch.py, MujocoTask.acting",
        tasks=("mbpo/ant", "mbpo/humanoid"),
    ),
    Difference(
        id="position-of-velocities",
        paper="velocity of the torso (ant), the centre of mass (humanoid) and the tip (swimmer) from positions that "
        "MuJoCo derived in the last stage of its last physics step",
        ours="from the positions at the new state",
        reason="a derived position lags the state, and a checkpoint would have to store it; summed over an episode "
        "the two differ by one such lag, about a millimetre",
        source="svg/env/ant.py, humanoid.py; mbbl fix_swimmer/fixed_swimmer.py; gymnasium#521",
        tasks=("poplin/swimmer", "mbpo/ant", "mbpo/humanoid"),
    ),
    Difference(
        id="swimmer-first-velocity",
        paper="the first observation of an episode, and so its first reward, carries the tip's velocity from the "
        "end of the previous episode",
        ours="0 in the first observation and reward of every episode",
        reason="an episode must not depend on the one before it; at most one of 1000 rewards differs",
        source="mbbl fix_swimmer/fixed_swimmer.py, reset_model",
        tasks=("poplin/swimmer",),
    ),
    Difference(
        id="swimmer-model",
        paper="a model whose frame has its origin at the tip of the head",
        ours="gymnasium's swimmer.xml, whose origin is 1.5 m behind the tip: the same links, joints and motors; "
        "neither collides",
        reason="the authors' file has no licence, and uses an attribute that MuJoCo 3 dropped",
        source="mbbl fix_swimmer/assets/fixed_swimmer.xml beside gymnasium's swimmer.xml; gymnasium#746",
        tasks=("poplin/swimmer",),
    ),
    Difference(
        id="unstable-physics",
        paper="MuJoCo's default: an unstable simulation is put back to its start in the middle of an episode",
        ours="the step is dropped (reward 0, the observation before it), flagged, and the episode truncated",
        reason="a jump of the state is not a transition, and it should not end a run",
        source="MuJoCo documentation, option flag autoreset; svgbench/words/task.py, Step.failed",
        tasks=_POPLIN + _MBPO + _GYMNASIUM,
    ),
    Difference(
        id="start-noise-streams",
        paper="start noise from one generator per environment (gym), drawn twice per reset (Table 2) or from NumPy's "
        "global state (PETS Cheetah)",
        ours="the same distributions, from a stream that belongs to the simulation",
        reason="a seed must not depend on the other seeds of its block",
        source="mbbl/env/gym_env/walker.py, reset; svg/env/pets_cheetah.py, reset_model",
        tasks=_POPLIN + _MBPO,
    ),
    Difference(
        id="humanoid-hip-range",
        paper="SAC-SVG's own runs: left hip from -110 degrees; MBPO's published curves: from -120 degrees",
        ours="-110 degrees, as SAC-SVG's",
        reason="gym changed the model between the two; it matters only in comparisons with MBPO's curves",
        source="openai/gym commit 7978f4270, first in 0.12.1; jannerm/mbpo at ac694ff, environment/requirements.txt "
        "(gym 0.12.0); facebookresearch/svg at 9fdf03a, requirements.txt (gym 0.17.2)",
        tasks=("mbpo/humanoid",),
    ),
    Difference(
        id="cart-pole-constants",
        paper="the cart-pole of Barto, Sutton and Anderson 1983 (sections 3.8.1, 4.6.2)",
        ours="the original code's: g 10, l = 1 m where Barto's equations have half of 1 m, steps of 0.05 s, not "
        "0.02 s, 0.2 rad, not 12 degrees, any force up to 10 N, not +-10 N, reward 10 - (1 - cos theta) - "
        "1e-5 F^2 a step",
        reason="the figures came from that code; trpo/cart-pole-barto has Barto's constants",
        source="RLR control4/mdps/cartpole.py",
        tasks=("trpo/cart-pole",),
    ),
    Difference(
        id="cart-pole-signs",
        paper="Barto's equations of motion",
        ours="as the original code, which twice confuses the rate of theta with that of pi - theta: the pole pushes "
        "the cart where it should pull (10 N give 8.4 m/s^2, not 9.8), and the pole's friction, 2e-5 of its rate, "
        "drives it",
        reason="the figures came from that code; trpo/cart-pole-barto has the correct equations",
        source="RLR control4/mdps/cartpole.py; svgbench/tasks/trpo/cart_pole.py, Constants",
        tasks=("trpo/cart-pole",),
    ),
    Difference(
        id="cart-pole-end",
        paper="in the original code one more step, which pays nothing, follows the one that leaves the limits and ends "
        "the episode; single precision",
        ours="it ends with the step that leaves the limits: the same sum of rewards, one step fewer; double precision",
        reason="a step beyond the end is not a transition; gymnasium does the same",
        source="RLR control4/mdps/cartpole.py",
        tasks=_CART_POLE,
    ),
    Difference(
        id="cart-pole-barto-integration",
        paper="Barto's force is +10 or -10 N and each step an Euler step",
        ours="any force between, semi-implicit Euler, the original code's reward",
        reason="the thesis's force is continuous; one integrator for both cart-poles",
        source="thesis 3.8.1; RLR control4/mdps/cartpole.py; gymnasium CartPole-v1",
        tasks=("trpo/cart-pole-barto",),
    ),
    Difference(
        id="mujoco-of-2015",
        paper="MuJoCo before 1.0 (chapter 3; spring contacts for the swimmer, impulse contacts for the legged robots) "
        "and of 2015 (chapter 4)",
        ours="MuJoCo 4.0.0",
        reason="the old releases are not available, and the models of chapter 3 are binaries that nothing else reads",
        source="RLR control4/mdps/mjc.py, mjc2.py",
        tasks=_PLANAR + _SPATIAL,
    ),
    Difference(
        id="unstable-robots",
        paper="in the original code a state that is not a number becomes zeros and ends the episode",
        ours="the step is dropped (reward 0, the observation before it), flagged, and the episode truncated",
        reason="a jump of the state is not a transition",
        source="RLR control4/mdps/mjc.py; svgbench/words/task.py, Step.failed",
        tasks=_PLANAR + _SPATIAL,
    ),
    Difference(
        id="swimmer-of-the-thesis",
        paper="a model that is lost: 10 states, two motors of +-50 N m, root at the tip of the head, one Euler step of "
        "0.05 s (the authors' recorded run), viscous drag unknown",
        ours="gymnasium's swimmer.xml turned about the tip of its head, without armature, +-50 N m, 2 RK4 steps of "
        "0.025 s, joint limits that give way over 0.05 s; density 4000, viscosity 0.1, as rllab's",
        reason="the same links (accelerations from rest agree to 7 %) and range of speeds (0.13 m/s in that run); "
        "rllab's 50 Euler steps of 0.001 s take six times as long and get as far within 2 %",
        source="RLR mjc.py, domain_data/mjc_examples/ex_swimmer.h5; rllab swimmer.xml, swimmer_env.py",
        tasks=("trpo/swimmer",),
    ),
    Difference(
        id="swimmer-control-cost",
        paper="1e-5 u'u (section 3.8.1); 1e-8 in the original code",
        ours="1e-5 u'u [control_weight]; v_x in the state before the step, as in the code",
        reason="the thesis's formula; at full torque it is 0.05 a step, a third of the velocity",
        source="thesis 3.8.1; RLR mjc.py, Swimming",
        tasks=("trpo/swimmer",),
    ),
    Difference(
        id="swimmer-horizon",
        paper="1000 steps (Table 2); 500 in the original configuration",
        ours="1000 [horizon]",
        reason="the thesis's table; both have 10M steps in total",
        source="thesis 3.14; RLR throwaway/yaml/icml-swimmer.yaml",
        tasks=("trpo/swimmer",),
    ),
    Difference(
        id="legged-models",
        paper="models that are lost (hopper4ball.bin, walker2d.bin), of 12 and 18 states (Table 2 prints 20 for the "
        "walker), steps of 0.02 and 0.01 s; the hopper's torques up to 15, 60, 70 N m, the walker's 46 to 179 N m",
        ours="gymnasium's bodies with armature, damping and torques (200 N m; 150, 100, 100 N m) of the MJCF that the "
        "authors moved to in 2015, the walker's feet alike; 2 Euler steps of 0.01 and 0.005 s in a control step",
        reason="the hopper's torques belonged to its lost body: with them, a search over linear policies found only "
        "standing in 5M steps; the walker's were the largest of a recorded run",
        source="RLR mjc.py, domain_data/mujoco_worlds/hopper.xml, walker2d.xml, domain_data/mjc_examples; gymnasium "
        "hopper.xml, walker2d.xml",
        tasks=_LEGGED,
    ),
    Difference(
        id="legged-observations",
        paper="positions except x, velocities, contact impulses, contact distances up to 0.1 m, and kinematic features "
        "(inertias, velocities and forces of all bodies) in the original code; about 41 numbers fit Table 2's "
        "parameters of the hopper's policy",
        ours="without the kinematic features: 21 and 33 numbers. Impulses are the forces on the coordinates, from "
        "contacts and joint limits, in the last physics step, times the control step; distances are of all bodies",
        reason="the list is not printed, and the features are functions of the rest",
        source="thesis 3.14 (41 is inferred from Table 2's 4806); RLR mjc.py, cpp/src/mjcpy/mjcpy.cpp",
        tasks=_LEGGED,
    ),
    Difference(
        id="impacts-of-the-last-step",
        paper="impact forces of MuJoCo's solver over the time step",
        ours="those of the last of the two physics steps in a control step",
        reason="a step leaves them available; forces at the new state would take a third of the total time",
        source="svgbench/tasks/mujoco_batch.py, MujocoTask.acting",
        tasks=(*_LEGGED, "gae/biped", "gae/quadruped"),
    ),
    Difference(
        id="hopper-impacts",
        paper="no impact penalty (section 3.8.1); the original code has the walker's",
        ours="none [impact_weight]",
        reason="the thesis's formula",
        source="thesis 3.8.1; RLR mjc.py, LeggedLocomotion",
        tasks=("trpo/hopper",),
    ),
    Difference(
        id="walker-impacts",
        paper="a penalty for strong impacts, without a number; in the original code 0.005 J'J of the first contact and "
        "limit impulses",
        ours="0.005 J'J of the ground's impulse on the robot, horizontal and vertical, not clipped [impact_weight, "
        "impact_limit]",
        reason="as a weight of forces in N, it would make standing cost 270 a step; as a weight of impulses, 0.03, "
        "which is also the cost under the authors' later 5e-7 per N^2",
        source="RLR mjc.py, mjc2.py, mjcpy.cpp",
        tasks=("trpo/walker",),
    ),
    Difference(
        id="legged-starts",
        paper="+-0.2 around a state in mid-hop (hopper: velocity 1.1 m/s) or upright (walker: 1 m/s) in the code",
        ours="+-0.2 around standing upright at rest, joints within their ranges, lifted out of the ground",
        reason="the hopper's joint angles belong to its lost body; the thesis does not print a start",
        source="RLR mjc.py, default_state, sample_halfrange",
        tasks=_LEGGED,
    ),
    Difference(
        id="biped-body",
        paper="a biped of 33 states and 10 motors, shown only in a picture",
        ours="our own, with the published numbers of the authors' robot of these dimensions (39.9 kg, trunk at 1.40 m, "
        "torques of 100 and 20 N m): a rigid trunk, masses by volume, feet 0.1 m lower in place of a contact margin "
        "of 0.1 m, arms that hang forward, armature 0.2 and damping 0.1 as in that file",
        reason="the original file is not published",
        source="RLR icml-humanoid.xml.in; rllab simple_humanoid.xml; that it is the thesis's is inferred from "
        "dimensions and coefficients",
        tasks=_BIPED,
    ),
    Difference(
        id="quadruped-body",
        paper="a quadruped of 29 states and 8 motors, shown only in a picture",
        ours="gymnasium's ant.xml, 0.9 kg, +-150 N m",
        reason="the same dimensions; it is rllab's robot with the thesis's 0.05 and 1e-3",
        source="rllab ant.xml, ant_env.py; that it is the thesis's is inferred from dimensions and coefficients",
        tasks=("gae/quadruped",),
    ),
    Difference(
        id="robots-timing",
        paper="a time step of 0.01 s",
        ours="a control step of 0.01 s in two Euler steps of 0.005 s",
        reason="the integrator is not printed; this costs half of one RK4 step, and its contact forces are one step's",
        source="thesis 4.6.2",
        tasks=_SPATIAL,
    ),
    Difference(
        id="robots-observations",
        paper="33 and 29 states; what the networks saw is not printed (the authors' code of 2015 adds inertias, "
        "velocities and forces of all bodies)",
        ours="the state without x and y: 31 and 27 numbers",
        reason="neither motion nor reward depends on x and y",
        source="thesis 4.6.2; RLR mjc2.py",
        tasks=_SPATIAL,
    ),
    Difference(
        id="fall",
        paper="an episode ends where the center of mass is below 0.8 m (biped) or 0.2 m (quadruped)",
        ours="where the trunk is below it; the quadruped's trunk, a ball of 0.25 m radius, almost never is",
        reason="the biped's center of mass is at 0.88 m when it stands; the authors' codes test the trunk",
        source="thesis 4.6.2; RLR mjc2.py, icml_humanoid; rllab simple_humanoid_env.py",
        tasks=("gae/biped", "gae/quadruped"),
    ),
    Difference(
        id="biped-impacts",
        paper="1e-5 f'f of the impact forces",
        ours="each force and torque of contacts counted up to 1 N or N m [force_limit]",
        reason="without the limit, standing costs 0.77 a step, more than the bonus of 0.2 that is meant to keep it "
        "going; rllab's robot with the same 0.2 and 1e-5 has this limit",
        source="thesis 4.6.2; rllab simple_humanoid_env.py; 0.77 computed by us (two feet, 196 N each)",
        tasks=("gae/biped",),
    ),
    Difference(
        id="forward-velocity",
        paper="forward velocity",
        ours="of the trunk over the control step",
        reason="rllab's choice; the center of mass would cost a forward pass, and differs by a swing of the limbs",
        source="rllab simple_humanoid_env.py; RLR mjc2.py has the center of mass",
        tasks=("gae/biped", "gae/quadruped"),
    ),
    Difference(
        id="robots-starts",
        paper="uniform around a reference configuration, width not printed",
        ours="+-0.05 (biped) and +-0.1 (quadruped) on positions and velocities, joints within their ranges, lifted out "
        "of the ground; reference upright, on its back with legs stretched, and gymnasium's init_qpos",
        reason="the widths in the authors' code, for a 3-D human and in general",
        source="thesis 4.6.2; RLR mjc.py human3d, mjc2.py sample_halfrange",
        tasks=_SPATIAL,
    ),
    Difference(
        id="asked-controls",
        paper="u is the vector of joint torques",
        ours="u is the policy's action before the limit; the motor gives at most its largest torque",
        reason="the original code does this",
        source="thesis 4.6.2; RLR mjc.py, mjc2.py",
        tasks=_PLANAR + _SPATIAL,
    ),
    *SVG,
)


def of(tasks: tuple[str, ...]) -> tuple[Difference, ...]:
    """The differences that concern any of these tasks."""
    return tuple(difference for difference in DIFFERENCES if set(difference.tasks) & set(tasks))
