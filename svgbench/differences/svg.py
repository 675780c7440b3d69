"""Where the tasks of Heess et al. 2015 differ from the paper's, or fill what it leaves out, as data.

The paper's models and most of its rewards are not published ("we provide .xml task descriptions": now lost). So
nearly every number is a choice. Sections are the paper's.
"""

from __future__ import annotations

from svgbench.words.difference import Difference

_HANDS = ("svg/hand", "svg/hand-noise-2", "svg/hand-noise-4")
_SWIMMERS = ("svg/swimmer-3", "svg/swimmer-5", "svg/swimmer-7")
_REACHERS = ("svg/reacher-4-target", "svg/reacher-moving")
_ARMS = (*_REACHERS, "svg/gripper")
_CHEETAHS = ("svg/cheetah", "svg/cheetah-no-springs")
_LEGGED = ("svg/monoped", *_CHEETAHS, "svg/walker")
_MUJOCO = (*_SWIMMERS, *_ARMS, *_LEGGED)
_CART_POLES = ("svg/cart-pole", "svg/cart-pole-applied")
_ALL = (*_HANDS, *_CART_POLES, *_MUJOCO)

SVG: tuple[Difference, ...] = (
    Difference(
        id="svg-mujoco-release",
        paper="MuJoCo of 2015",
        ours="MuJoCo 4.0.0",
        reason="the old release cannot be installed next to a current gymnasium, and its models were not published",
        source="section 6, appendix D",
        tasks=_MUJOCO,
    ),
    Difference(
        id="svg-unstable-physics",
        paper="not said",
        ours="a step in which MuJoCo becomes unstable is dropped (reward 0, the observation before it), flagged, and "
        "the episode truncated",
        reason="a jump of the state is not a transition",
        source="svgbench/words/task.py, Step.failed",
        tasks=_MUJOCO,
    ),
    Difference(
        id="svg-asked-actions",
        paper="a cost of |a|^2; what happens beyond an actuator's range is not said",
        ours="an actuator's range is a in [-1, 1], for a swimmer [-3, 3]; beyond it the actuator saturates, and the "
        "cost uses a before saturation",
        reason="the cost then has a derivative everywhere",
        source="appendix D; svgbench/tasks/svg/_state_reward.py",
        tasks=_ALL,
    ),
    Difference(
        id="hand-numbers",
        paper="spring, gravity, Gaussian force, velocity control, 0.01 s, 10 s, eq. (15); no mass, stiffness, "
        "gravity, noise, weight, target, start or bound of the action",
        ours="k 1 N/m, m 1 kg, |a| <= 1 m/s, everything at 0 at the start, alpha_1 -1e-5 a step [action_weight], as in "
        "the problem that it is based on; g 1 m/s^2, a force of 1 N deviation in each step [noise] (svg/hand-noise: "
        "also 2 and 4 N), alpha_2 -1 [distance_weight]; lengths softened by 1e-6 m",
        reason="the ball hangs 1 m below the hand, and the force moves it by 0.22 m (deviation) in 10 s; 0.8 m/s "
        "suffice to reach either target exactly without noise",
        source="Munos 2006 (JMLR 7:771-791) as a public README has it, not the original; section 6.1, eq. (15)",
        tasks=_HANDS,
    ),
    Difference(
        id="hand-targets",
        paper="one of two randomly chosen target configurations of hand and ball; eq. (15) has the hand at 0",
        ours="the ball at (2, 2) or (-2, 2) with equal chance, the hand at 0; the target is in s",
        reason="eq. (15); (2, 2) is Munos's, and -2 its mirror image",
        source="section 6.1, eq. (15); Munos 2006 (JMLR 7:771-791) as a public README has it",
        tasks=_HANDS,
    ),
    Difference(
        id="hand-last-reward",
        paper="the reward at t = 10 s belongs to the state at that time",
        ours="the 1000th step, which leads to that state, pays it along with its own cost; the episode terminates",
        reason="here the end of a step is a function of s and a alone, so 1000 steps contain all of eq. (15), and the "
        "recursions (9), (10) hold as printed",
        source="eq. (15); svgbench/tasks/svg/hand.py",
        tasks=_HANDS,
    ),
    Difference(
        id="svg-cart-pole",
        paper="a cart-pole; only the sizes of its networks are printed (policy 100/100)",
        ours="balancing, from within 0.3 rad: cart 1 kg, pole 0.1 kg and 1 m, 10 N, track +-1.8 m; a control step of "
        "0.04 s, 125 steps; r = (1 + cos theta) / 2 - 0.05 x^2 - 0.01 a^2; never terminates [start: hanging, the "
        "swing-up]",
        reason="we searched settings for the swing-up first: none of 96 learned it in 200 episodes. All ended with a "
        "pole that turns over and over, which pays half",
        source="google-deepmind/dm_control at 985d094, suite/cartpole",
        tasks=_CART_POLES,
    ),
    Difference(
        id="svg-cart-pole-friction",
        paper="not said; the control suite's has almost none",
        ours="1 N s/m and 0.02 N m s; the track ends in springs with dampers (100 N/m, 10 N s/m)",
        reason="without friction a spinning pole never stops, and derivatives along an episode grow with every turn",
        source="svgbench/tasks/svg/cart_pole.py",
        tasks=_CART_POLES,
    ),
    Difference(
        id="svg-cart-pole-applied-cost",
        paper="a cost of |a|^2; what happens beyond an actuator's range is not said",
        ours="the cost uses the force that is applied, so it is at most 0.01 a step; its derivative is 0 beyond the "
        "range [cost_on]",
        reason="to see what the unbounded cost of the demanded action does to policies whose actions leave the range",
        source="svgbench/tasks/svg/cart_pole.py",
        tasks=("svg/cart-pole-applied",),
    ),
    Difference(
        id="svg-swimmer-body",
        paper="a chain of 3, 5 or 7 links in a fluid with drag; no length, mass, drag or torque",
        ours="the control suite's links and water; a control step of 0.06 s, as 4 steps of RK4; joints without limits, "
        "with springs of 2e-3 N m/rad; 2e-3 N m for an action of 1, and at most 6e-3",
        reason="the suite's dimensions are the paper's; the swimmer that the paper cites has no limits either. A limit "
        "is an impact whose derivatives a small network does not learn; behind a saturated motor there is no gradient",
        source="google-deepmind/dm_control at 985d094, suite/swimmer; Tassa et al. 2008 as ported in RLPy",
        tasks=_SWIMMERS,
    ),
    Difference(
        id="svg-swimmer-state",
        paper="10, 14, 18 states",
        ours="q and v (2n + 4 numbers), with the goal's place and the nose's velocity in the frame of the head, as in "
        "the swimmer that the paper cites; the heading completes the count",
        reason="in the world's frame, the same gait is a different function of s for each heading",
        source="section 6.1; Tassa et al. 2008 as ported in RLPy, Domains/Swimmer.py",
        tasks=_SWIMMERS,
    ),
    Difference(
        id="svg-swimmer-weights",
        paper="alpha_1 r_goal . v_com + alpha_2 |a|^2 without the weights; r_goal a unit vector",
        ours="alpha_1 10 s/m [velocity_weight], alpha_2 -0.03 [action_weight]; r_goal = g / sqrt(|g|^2 + eps^2), eps "
        "0.05 m",
        reason="a reward of 1 for a link's length a second; the unit vector has no derivative at the goal",
        source="appendix D",
        tasks=_SWIMMERS,
    ),
    Difference(
        id="svg-swimmer-start",
        paper="random configurations with respect to a central goal",
        ours="the nose uniform in +-2 m, headed within 90 degrees of the goal, joints within +-180/n degrees, at "
        "rest; episodes of 150 steps (9 s)",
        reason="+-2 m is the control suite's; from behind, the shortest way is not the nearest",
        source="section 6.1; google-deepmind/dm_control at 985d094, suite/swimmer",
        tasks=_SWIMMERS,
    ),
    Difference(
        id="svg-arm",
        paper="a planar arm of 3 joints in a walled box; no length, mass, torque or time step",
        ours="links of 0.12, 0.11, 0.1 m (gripper 0.14, 0.12, 0.06 m), a box of +-0.3 m, motors of 0.4, 0.1, 0.02 N m, "
        "friction that lets joints turn by 3 rad/s and an arm's velocity decay within 0.08 s (gripper 0.13 s); a "
        "control step of 0.05 s, 100 of them (gripper 150); no gravity in its plane; links stop at walls and pass over "
        "each other; joints to +-180, +-160, +-160 degrees",
        reason="the box is that of the control suite's reacher, which has two links; light arms with less friction, in "
        "steps of 0.02 s, were not learned within 400 episodes (trial runs, not committed): there an action "
        "changes little except the next velocities, and V barely depends on those",
        source="section 6.2; google-deepmind/dm_control at 985d094, suite/reacher",
        tasks=_ARMS,
    ),
    Difference(
        id="svg-reacher-reward",
        paper="not printed",
        ours="exp(-(d / 0.05)^2) - d / 0.3 - 0.01 |a|^2, d = sqrt(|site - tip|^2 + 0.01^2)",
        reason="a smooth distance, a bonus near the target and a small cost of the action, as in this group's reward "
        "of the same year",
        source="Lillicrap et al. 2015 (arXiv 1509.02971), supplement",
        tasks=_REACHERS,
    ),
    Difference(
        id="svg-reacher-sites",
        paper="one of the four corners of the box; or moving at a randomized speed and heading with reflections at "
        "walls",
        ours="(+-0.2, +-0.2) m; or from anywhere, at 0 to 0.2 m/s, uniform, and any heading. Its velocity is not in s",
        reason="the arm cannot reach the corners of the box itself; the paper's s has 8 numbers, which leaves no room "
        "for the velocity",
        source="section 6.2",
        tasks=_REACHERS,
    ),
    Difference(
        id="svg-gripper",
        paper="the reacher with a manipulator that can grab a ball in a randomized position and return it to a "
        "specified site; no dimension, no reward",
        ours="two fingers with a motor each (s 14, a 5); a ball of 20 g that slides, 0.16 to 0.26 m from the arm's "
        "root; the site at (0.2, 0) m; r = exp(-(l / 0.05)^2) + 1/2 exp(-(d / 0.03)^2) - (2 d + l / 2) / 0.3 - "
        "0.01 |a|^2, l from the ball to the site, d from the grip to the ball [grip_weight, ball_weight]; the ball "
        "does not turn, has a friction of 0.1 N s/m and touches hand and walls only; at the start it is 0.1 m or more "
        "from the grip, and the fingers are open",
        reason="5 motors are those of this group's gripper of the same year; reach and grasp by smooth distances, as "
        "there; with (d + 2 l) / 0.3, which we tried first, almost nothing was learned in 500 episodes",
        source="section 6.2; Lillicrap et al. 2015 (arXiv 1509.02971), supplement",
        tasks=("svg/gripper",),
    ),
    Difference(
        id="svg-monoped-body",
        paper="14 states, 4 motors",
        ours="the control suite's hopper without its nose: 12 kg, motors of 30, 40, 30, 10 N m, control step 0.02 s",
        reason="the same dimensions, from the same group",
        source="google-deepmind/dm_control at 985d094, suite/hopper",
        tasks=("svg/monoped",),
    ),
    Difference(
        id="svg-monoped-reward",
        paper="not printed: it begins falling from a height and must remain standing",
        ours="cos(pitch) - 2 sqrt((z - 0.9)^2 + 0.05^2) - 0.05 |a|^2, z the trunk's height; dropped from 0.37 m under "
        "the foot, +-0.1 on positions and velocities; never terminates",
        reason="smooth, and it rises all the way from lying to standing: the paper counts this as recovery from falls",
        source="section 6.2",
        tasks=("svg/monoped",),
    ),
    Difference(
        id="svg-monoped-noise",
        paper="Gaussian noise on the torques, with a deviation of 5 % of the total possible actuator strength, at all "
        "times",
        ours="5 % of each motor's largest torque [noise], new in every control step, added to what the saturated "
        "motor gives",
        reason="the largest torque is the strength; if the motor's limit cut off the noise, it would not act at all "
        "times",
        source="section 6.2",
        tasks=("svg/monoped",),
    ),
    Difference(
        id="svg-legged-place",
        paper="14 and 18 numbers of state, including the root's place",
        ours="it is always 0",
        reason="nothing depends on it, and a running robot would leave the range that its networks were trained on",
        source="svgbench/tasks/svg/legged.py",
        tasks=_LEGGED,
    ),
    Difference(
        id="svg-cheetah",
        paper="Wawrzynski's planar cat (18 states, 6 motors), with and without springs; no reward",
        ours="gymnasium's half_cheetah.xml (without springs: joint stiffness 0), its start; a control step of 0.03 s, "
        "300 of them; r = v_x - 0.05 |a|^2, v_x the trunk's; never terminates",
        reason="the same source and dimensions; forward velocity as in this group's reward of the same year",
        source="section 6.2; Lillicrap et al. 2015 (arXiv 1509.02971), supplement",
        tasks=_CHEETAHS,
    ),
    Difference(
        id="svg-walker",
        paper="based on the environment of Schulman et al. 2015; nothing else is said",
        ours="the body of trpo/walker with the control suite's walker's motors (100, 50, 20 N m), a control step of "
        "0.02 s, 300 of them; s all 18 positions and velocities; r = v_x + 2 cos(pitch) - 1e-5 u'u, v_x the trunk's; "
        "ends where Schulman's does; starts within 0.1 of standing, lifted out of the ground; both feet with the same "
        "friction",
        reason="the bonus of 1 has no derivative, and at a discount of 0.98 it makes a fall forward pay more than "
        "standing; forces of impacts are not a function of s; ankles need less torque than hips",
        source="section 6.2; thesis of Schulman 2016, 3.8.1; svgbench/tasks/trpo/robots.py",
        tasks=("svg/walker",),
    ),
)
