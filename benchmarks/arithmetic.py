"""The least arithmetic of an update: multiplications in matrix products, counted from layer sizes.

A layer's product costs rows x in x out forward, the same again for the gradient of its weights, and again for that of
its input. Unnecessary products are not counted: those with the first hidden state, which is zero; gradients of networks
that a loss does not train; gradients of recorded data. Elementwise work is not counted either.
"""

from __future__ import annotations

from collections.abc import Sequence

from svgbench.baselines.actor_critic import maac, mbpo, sac, sac_svg
from svgbench.learners.costs import products

Sizes = Sequence[int]


def network(sizes: Sizes, *, learns: bool = False, carries: bool = False) -> int:
    """Multiplications of one row through layers of these sizes, and back.

    learns: the gradient of the weights is wanted. carries: the gradient of the input is.
    """
    forward = products(sizes)
    back = forward if carries else products(sizes[1:]) if learns else 0  # to what enters each layer
    return forward + forward * learns + back


def least(config: sac.Config | sac_svg.Config, O: int, A: int) -> int:  # noqa: E741  # axis letters
    """Multiplications of an update of one seed with all its losses; O observation and A action entries."""
    has_model = isinstance(config, sac_svg.Config) and config.H > 0
    return sac_svg_update(config, O, A) if has_model else sac_update(config, O, A)


def sac_update(config: sac.Config | sac_svg.Config, O: int, A: int) -> int:  # noqa: E741  # axis letters
    """Critic (eq. 4 to 6) and policy (eq. 7) of one seed, O observation and A action entries."""
    actor, critic = (O, *config.actor_hidden, 2 * A), (O + A, *config.critic_hidden, 1)
    target = network(actor) + 2 * network(critic)
    policy = network(actor, learns=True) + 2 * network(critic, carries=True)
    return config.step_batch * (target + 2 * network(critic, learns=True) + policy)


def sac_svg_update(config: sac_svg.Config, O: int, A: int) -> int:  # noqa: E741  # axis letters
    """The same with the policy's loss of eq. (9), the model (eq. 10), the reward and the termination (eq. 11, 13)."""
    c = config
    heads = (O + A, *c.head_hidden, 1)
    imagined_actions = c.H * network((O, *c.actor_hidden, 2 * A), learns=True, carries=True)
    imagined = imagined_actions + model_steps(c, O, A, learns=False) + 2 * c.H * network(heads, carries=True)
    expansion_and_heads = c.step_batch * (imagined + 2 * network(heads, learns=True))
    model = c.model_updates * c.window_batch * model_steps(c, O, A, learns=True)
    return sac_update(c, O, A) + expansion_and_heads + model


def ensemble_epoch(c: mbpo.Config, O: int, A: int, rows: int, held: int) -> int:  # noqa: E741  # axis letters
    """An epoch of a fit of one seed: every member learns from `rows` transitions and predicts means of `held`."""
    learning = rows * network((O + A, *c.model_hidden, 2 * (1 + O)), learns=True)
    return c.members * (learning + held * network((O + A, *c.model_hidden, 1 + O)))


def imagined_step(c: mbpo.Config, O: int, A: int) -> int:  # noqa: E741  # axis letters
    """A step of the rollouts of one seed: an action and one member for every row."""
    return c.rollouts_per_fit * (network((O, *c.actor_hidden, 2 * A)) + network((O + A, *c.model_hidden, 2 * (1 + O))))


def maac_update(c: maac.Config, O: int, A: int) -> int:  # noqa: E741  # axis letters
    """An update of MAAC of one seed, with K paths and targets weighted by their variances."""
    actor, critic, model = (O, *c.actor_hidden, 2 * A), (O + A, *c.critic_hidden, 1), (O + A, *c.model_hidden, 2 * O)
    along = network(actor, learns=True) + max(c.H - 1, 0) * network(actor, learns=True, carries=True)
    along += c.H * network(model, carries=True) + 2 * network(critic, carries=True)
    along += network(actor, learns=True, carries=True) if c.H > 0 else 0  # where the path ends
    valued = network(actor) + 2 * network(critic)
    target = valued + c.critic_steps * c.members * (network(model) + valued)
    return c.step_batch * (c.paths * along + target + 2 * network(critic, learns=True))


def model_steps(c: sac_svg.Config, O: int, A: int, *, learns: bool) -> int:  # noqa: E741  # axis letters
    """One row through H steps of the recurrent model and back; its input needs a gradient where the policy made it,
    and where a prediction is not detached."""
    encoder, decoder = (O + A, *c.encoder_hidden, c.recurrent_width), (c.recurrent_width, *c.decoder_hidden, O)
    gates = c.recurrent_layers * network((c.recurrent_width, 3 * c.recurrent_width), learns=learns, carries=True)
    recorded = c.H if c.detach_predictions else min(c.H, 1)
    into = recorded * network(encoder, learns=learns, carries=not learns)
    into += (c.H - recorded) * network(encoder, learns=learns, carries=True)
    out = c.H * network(decoder, learns=learns, carries=True)
    return into + out + (2 * c.H - 1) * gates  # of the input at every step, of the hidden state from the second on
