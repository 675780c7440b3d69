"""What Heess et al. 2015 say of Figures 2, 3 and 4, as data. Every word has its number, fixed before any run.

Returns are undiscounted and of training episodes, with the policy's noise, as in the paper's curves. FINAL is a seed's
mean over its last 100 episodes, LEARNING its mean over all of them: the area under its curve. A margin is a share of
the distance between the variant on the right and the untrained policy.

SOLVED, a return: the hand, a final sum of both distances under 1.2 m, a quarter of the 4.7 m at which an untrained
policy ends; swimmer-3, 0.6 a step, half of what a scripted wave earns that runs along the body and is steered.

In Figure 4 a final policy, without its noise, is tried for twenty episodes: TRIED is its reward per step, after the
first 80 of 100 steps of the reacher (20 where the site moves), 120 of 150 of the gripper, 200 of 1000 of the monoped,
and over all steps elsewhere; RESISTING is the monoped's under the larger noise. SOLVED is half of the way or more from
what a policy earns that does nothing to what one earns that was written by hand, both beside the number.
"""

from __future__ import annotations

from svgbench.lab.experiment import (
    BestOf,
    Change,
    Claim,
    Comparison,
    Measure,
    OfDistance,
    PerTask,
    RelativeSD,
    Term,
)

FINAL = Measure("train_return", "return, last 100 episodes", reduce="mean_of_last", k=100)
LEARNING = Measure("train_return", "return, mean over all episodes", reduce="mean")
TRIED = Measure("trial_reward", "reward per step of the final policy's mean")
RESISTING = Measure("trial_reward_noisy", "reward per step of the final policy's mean, 25 % noise")
SOLVED: dict[str, float] = {  # reward per step; nothing done, and by hand
    "svg/swimmer-7": 0.4,  # 0, 0.80 a wave along the body
    "svg/reacher-4-target": 0.5,  # -1.0, 0.60 a spring to the site, which walls stop in 20 % of cases
    "svg/reacher-moving": 0.0,  # -0.9, 0.13 the same
    "svg/gripper": 0.0,  # -2.9, 0.09 a plan of five phases, which fails in half the cases
    "svg/monoped": 0.5,  # -1.7, 0.9 upright, -0.8 dampers and a lean, which stand in a third of cases
    "svg/cheetah": 0.5,  # 0, 0.98 a rhythm
    "svg/cheetah-no-springs": 0.5,  # 0, 0.18 the same
    "svg/walker": 2.2,  # 0.2, 2 standing by hand; this is 0.2 m/s more
}

REPLAY = "experience replay for the policy can improve the data efficiency and performance of SVG(1)"
REPLAY_NUMBER = "improve: a higher return, averaged over all episodes"
MODEL_FREE = "SVG(1) outperformed the model-free approach in the 3-, 5-, and 7-link swimmer tasks"
MODEL_FREE_NUMBER = (
    "the model-free approach: the actor-critic with the TD-error; outperformed: a higher return over the last 100 "
    "episodes"
)


def replay_helps(tasks: tuple[str, ...]) -> Claim:
    """The sentence that Figures 2, 3 and 4 are called to witness for."""
    return Claim(
        id="replay-improves-svg-1",
        quote=REPLAY,
        source="section 6.1",
        origin="text",
        parts=(Comparison(Term("svg-1-er", LEARNING), ">", Term("svg-1", LEARNING), REPLAY_NUMBER),),
        tasks=tasks,
    )


def learns(svg_inf: str) -> Comparison:
    """Of a variant on the hand."""
    return Comparison(
        left=Term(svg_inf, FINAL),
        relation=">",
        right=-1.2,
        number="learns: a return above -1.2, a final sum of both distances of a quarter of the untrained one",
    )


def fails(planner: str, svg_inf: str) -> Comparison:
    """Of a planner, beside SVG(∞)."""
    return Comparison(
        left=Term(planner, FINAL),
        relation="<",
        right=Term(svg_inf, FINAL),
        margin=OfDistance(0.75),
        number="little: less than a quarter of what SVG(∞) improves upon the untrained policy",
    )


HAND_QUOTE = (
    "SVG(∞) easily learns this task, but the planner, which uses trajectories from the model, shows little improvement"
)
ROUGH_MODELS = (10, 3, 1)  # updates of the model an episode
HAND_MODEL_CLAIMS = tuple(
    Claim(
        id=f"planner-fails-with-{k}-updates-of-the-model",
        quote=HAND_QUOTE,
        source="section 6.1, asked of models that are trained less than Figure 2's",
        origin="text",
        parts=(learns(f"svg-inf-{k}"), fails(f"planner-{k}", f"svg-inf-{k}")),
        tasks=("svg/hand",),
    )
    for k in ROUGH_MODELS
)

FIG2_CLAIMS = (
    Claim(
        id="svg-inf-learns-the-hand",
        quote="SVG(∞) easily learns this task",
        source="section 6.1; Figure 2, left",
        origin="text",
        parts=(learns("svg-inf"),),
        tasks=("svg/hand",),
    ),
    Claim(
        id="planner-shows-little-improvement",
        quote=HAND_QUOTE,
        source="section 6.1; Figure 2, left",
        origin="text",
        parts=(fails("planner", "svg-inf"),),
        tasks=("svg/hand",),
    ),
    Claim(
        id="svg-1-er-learns-the-fastest",
        quote="SVG and DPG algorithms on cart-pole. SVG(1)-ER learns the fastest.",
        source="Figure 2, middle",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-1-er", LEARNING),
                relation=">",
                right=BestOf(("svg-1", "svg-0", "svg-inf", "dpg"), LEARNING),
                number="the fastest: the highest return, averaged over all episodes",
            ),
        ),
        tasks=("svg/cart-pole",),
    ),
    replay_helps(("svg/cart-pole",)),
    Claim(
        id="svg-1-degrades-less",
        quote=(
            "When the value function capacity is reduced from 200 hidden units in the first layer to 100 and then "
            "again to 50, SVG(1) exhibits less performance degradation than the Q-function-based DPG"
        ),
        source="Figure 2, right",
        origin="text",
        parts=(
            Comparison(
                left=Change("svg-1", "svg-1-50", FINAL),
                relation=">",
                right=Change("dpg", "dpg-50", FINAL),
                number="at 50 units: the return falls by less",
            ),
            Comparison(
                left=Change("svg-1", "svg-1-100", FINAL),
                relation=">~",
                right=Change("dpg", "dpg-100", FINAL),
                margin=5.0,
                number="at 100 units: it does not fall by more, within 5, 4 % of the largest return there is",
            ),
        ),
        tasks=("svg/cart-pole",),
    ),
)

SIMILAR = "For a 3-link swimmer, with relatively simple dynamics, the compared methods yield similar results"
SIMILAR_NUMBER = (
    "similar: within a quarter of what SVG(∞) improves upon the untrained policy; compared: all but the actor-critic, "
    "which the text calls outperformed"
)
FIG3_CLAIMS = (
    Claim(
        id="similar-results-on-swimmer-3",
        quote=SIMILAR,
        source="Figure 3, left",
        origin="text",
        parts=(
            Comparison(Term("svg-1", FINAL), "~", Term("svg-inf", FINAL), SIMILAR_NUMBER, OfDistance(0.25)),
            Comparison(Term("svg-0", FINAL), "~", Term("svg-inf", FINAL), SIMILAR_NUMBER, OfDistance(0.25)),
            Comparison(Term("dpg", FINAL), "~", Term("svg-inf", FINAL), SIMILAR_NUMBER, OfDistance(0.25)),
        ),
        tasks=("svg/swimmer-3",),
    ),
    Claim(
        id="slight-advantage-of-svg-inf",
        quote="and possibly a slight advantage to the purely model-based SVG(∞)",
        source="Figure 3, left",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-inf", FINAL),
                relation=">~",
                right=BestOf(("svg-1", "svg-0", "dpg", "ac"), FINAL),
                margin=OfDistance(0.1),
                number="possibly: not below the best of the others by a tenth of what that improves",
            ),
        ),
        tasks=("svg/swimmer-3",),
    ),
    Claim(
        id="both-succeed-at-20-units",
        quote=(
            "While with a high capacity model (20 hidden units per state dimension), both SVG(∞) and SVG(1) "
            "successfully learn to solve the task"
        ),
        source="section 6.1; Figure 3, middle",
        origin="text",
        parts=(
            Comparison(Term("svg-inf", FINAL), ">", 90.0, "solve: a return above 90, 0.6 a step"),
            Comparison(Term("svg-1", FINAL), ">", 90.0, "solve: a return above 90, 0.6 a step"),
        ),
        tasks=("svg/swimmer-3",),
    ),
    Claim(
        id="svg-inf-deteriorates",
        quote=(
            "as the environment model's capacity is reduced from 20 to 10 then to 5 hidden units per state-dimension "
            "subnetwork, SVG(∞) dramatically deteriorates"
        ),
        source="Figure 3, middle",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-inf-5", FINAL),
                relation="<",
                right=Term("svg-inf", FINAL),
                margin=OfDistance(0.5),
                number="dramatically, at 5 units: more than half of what it improves with 20 is lost",
            ),
            Comparison(
                left=Term("svg-inf-10", FINAL),
                relation="<",
                right=Term("svg-inf", FINAL),
                number="at 10 units: any loss",
            ),
        ),
        tasks=("svg/swimmer-3",),
    ),
    Claim(
        id="svg-1-is-undisturbed",
        quote="whereas SVG(1) shows undisturbed performance",
        source="Figure 3, middle",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-1-5", FINAL),
                relation=">~",
                right=Term("svg-1", FINAL),
                margin=OfDistance(0.2),
                number="undisturbed, at 5 units: less than a fifth of what it improves with 20 is lost",
            ),
            Comparison(
                left=Term("svg-1-10", FINAL),
                relation=">~",
                right=Term("svg-1", FINAL),
                margin=OfDistance(0.2),
                number="undisturbed, at 10 units: less than a fifth is lost",
            ),
        ),
        tasks=("svg/swimmer-3",),
    ),
    Claim(
        id="svg-1-er-is-best-on-swimmer-5",
        quote=(
            "For a 5-link swimmer, SVG(1)-ER learns faster and asymptotes at higher performance than the other tested "
            "algorithms"
        ),
        source="Figure 3, right",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-1-er", LEARNING),
                relation=">",
                right=BestOf(("svg-1", "svg-0", "svg-inf", "dpg", "ac"), LEARNING),
                number="faster: the highest return, averaged over all episodes",
            ),
            Comparison(
                left=Term("svg-1-er", FINAL),
                relation=">",
                right=BestOf(("svg-1", "svg-0", "svg-inf", "dpg", "ac"), FINAL),
                number="asymptotes higher: the highest return over the last 100 episodes",
            ),
        ),
        tasks=("svg/swimmer-5",),
    ),
    replay_helps(("svg/swimmer-5",)),
    Claim(
        id="svg-1-outperforms-the-actor-critic",
        quote=MODEL_FREE,
        source="section 6.1; Figure 3, left and right",
        origin="text",
        parts=(Comparison(Term("svg-1", FINAL), ">", Term("ac", FINAL), MODEL_FREE_NUMBER),),
        tasks=("svg/swimmer-3", "svg/swimmer-5"),
        at_least=2,
    ),
)

ADVANTAGE = (
    "On the 4-target Reacher, SVG(1)-ER shows a noticeable efficiency and performance gain relative to the other "
    "algorithms"
)


def solved(name: str, quote: str, number: str, tasks: tuple[str, ...]) -> Claim:
    """What section 6.2 says of the policies that SVG(1)-ER came to, on all of these tasks."""
    return Claim(
        id=name,
        quote=quote,
        source="section 6.2",
        origin="text",
        parts=(Comparison(Term("svg-1-er", TRIED), ">", PerTask({task: SOLVED[task] for task in tasks}), number),),
        tasks=tasks,
        at_least=len(tasks) if len(tasks) > 1 else None,
    )


REST_OF_4_TARGET = ("svg-1", "svg-0", "dpg", "ac")
FIG4_CLAIMS = (
    Claim(
        id="svg-1-outperforms-the-actor-critic",
        quote=MODEL_FREE,
        source="section 6.1; Figure 4, top left",
        origin="text",
        parts=(Comparison(Term("svg-1", FINAL), ">", Term("ac", FINAL), MODEL_FREE_NUMBER),),
        tasks=("svg/swimmer-7",),
    ),
    replay_helps(("svg/swimmer-7", "svg/reacher-4-target")),
    Claim(
        id="advantage-on-the-4-target-reacher",
        quote=ADVANTAGE,
        source="Figure 4",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-1-er", LEARNING),
                relation=">",
                right=BestOf(REST_OF_4_TARGET, LEARNING),
                margin=OfDistance(0.05),
                number="efficiency, noticeable: above the best of the others by a twentieth of what that improves, on "
                "average over all episodes",
            ),
            Comparison(
                left=Term("svg-1-er", FINAL),
                relation=">",
                right=BestOf(REST_OF_4_TARGET, FINAL),
                margin=OfDistance(0.05),
                number="performance, noticeable: the same, over the last 100 episodes",
            ),
        ),
        tasks=("svg/reacher-4-target",),
    ),
    Claim(
        id="reliably-similar-optima",
        quote=(
            "Across several different domains, SVG(1)-ER reliably optimizes policies, clearly settling into similar "
            "local optima"
        ),
        source="Figure 4",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-1-er", FINAL),
                relation=">",
                right=Term("random", FINAL),
                number="optimizes: above the untrained policy, over the last 100 episodes",
            ),
            Comparison(
                left=RelativeSD("svg-1-er", FINAL, of_gain=True),
                relation="<",
                right=0.25,
                number="similar: the seeds' deviation is under a quarter of what they gained upon the untrained policy",
            ),
        ),
        at_least=6,
    ),
    Claim(
        id="all-solved-well",
        quote="We found that in all cases SVG(1) solved the problem well",
        source="section 6.2",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-1-er", TRIED),
                relation=">",
                right=PerTask(SOLVED),
                number="solved: a reward per step half the way or more from nothing done to a policy written by hand",
            ),
        ),
        at_least=8,
    ),
    solved(
        "reacher-finishes-at-the-site",
        "The 4-target reacher reliably finished at the target site",
        "at the site: a reward per step above 0.5 after step 80 of 100, as if always within 3.3 cm",
        ("svg/reacher-4-target",),
    ),
    solved(
        "reacher-follows-the-site",
        "and in the tracking task followed the moving target successfully",
        "followed: a reward per step above 0 after step 20 of 100, as if always 6 cm behind",
        ("svg/reacher-moving",),
    ),
    solved(
        "cheetahs-make-progress",
        "The cheetah gaits varied slightly from experiment to experiment but in all cases made good forward progress",
        "good: a reward per step above 0.5, half a metre a second and what the torques cost",
        ("svg/cheetah", "svg/cheetah-no-springs"),
    ),
    solved(
        "monoped-stands-beyond-its-episodes",
        "For the monoped, the policies were able to balance well beyond the 200 time steps of training episodes",
        "well beyond: from step 201 to step 1000, a reward per step above 0.5, a quarter of a metre below upright",
        ("svg/monoped",),
    ),
    Claim(
        id="monoped-resists-noise",
        quote=(
            "and were able to resist significantly higher adversarial noise levels than used during training (up to "
            "25% noise)"
        ),
        source="section 6.2",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-1-er", RESISTING),
                relation=">",
                right=0.5,
                number="resist: the same, under torque noise of 25 % for the 5 % of training",
            ),
        ),
        tasks=("svg/monoped",),
    ),
)
