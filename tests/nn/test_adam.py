"""Adam against torch's; masks, clipping and targets per member."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from svgbench.nn import MLP, Adam, Streams, clip_grad_norm_, polyak_, target_copy

SIZES = [3, 7, 1]
DOUBLE = torch.float64


def make(seeds=(0,), ensemble=None, dtype=DOUBLE):
    return MLP(Streams(list(seeds), "init"), SIZES, "tanh", ensemble=ensemble, dtype=dtype)


def batches(S, count, dtype=DOUBLE):
    streams = Streams(range(S), "data")
    return list(streams.normal((count, 8, 3), dtype=dtype).unbind(1))


def loss_of(net, x):
    """[S] or [S, E]."""
    return (net(x) - x.sum(-1, keepdim=True).unsqueeze(1 if len(net.members) == 2 else 0)).square().mean((-2, -1))


def snapshot(adam):
    return [x.clone() for x in (adam.flat, adam.state_dict()["exp_avg"], adam.state_dict()["exp_avg_sq"], adam.steps)]


@pytest.mark.parametrize("way", ["backward", "zero_grad"])
@pytest.mark.parametrize("lr", [0.05, torch.tensor([0.05], dtype=DOUBLE)], ids=["number", "tensor"])
@pytest.mark.parametrize("masked", [False, True])
def test_is_torchs_adam(way, lr, masked):
    net = make()
    reference = copy.deepcopy(net)
    ours = Adam(net.parameters(), lr, betas=(0.8, 0.95), eps=1e-6)
    theirs = torch.optim.Adam(reference.parameters(), 0.05, betas=(0.8, 0.95), eps=1e-6)
    for x in batches(1, 60):
        if way == "backward":
            ours.backward(loss_of(net, x))
        else:
            ours.zero_grad()
            loss_of(net, x).sum().backward()
        ours.step(torch.tensor([True]) if masked else None)
        theirs.zero_grad()
        loss_of(reference, x).sum().backward()
        theirs.step()
    for one, two in zip(net.parameters(), reference.parameters(), strict=True):
        assert torch.allclose(one, two, rtol=0, atol=1e-12)


@pytest.mark.parametrize("ensemble", [None, 2])
def test_stopped_members_freeze_and_the_others_do_not_notice(ensemble):
    masked, free = make(range(3), ensemble), make(range(3), ensemble)
    adam, reference = Adam(masked.parameters(), 0.05), Adam(free.parameters(), 0.05)
    active = torch.ones(adam.shape, dtype=torch.bool)
    for step, x in enumerate(batches(3, 12)):
        if step == 4:
            active.view(-1)[1] = False
            frozen = snapshot(adam)
        adam.backward(loss_of(masked, x))
        if step >= 4:
            adam.grad.view(-1, adam.grad.shape[-1])[1] = torch.nan
        adam.step(active)
        reference.backward(loss_of(free, x))
        reference.step()
    for now, then in zip(snapshot(adam), frozen, strict=True):
        assert torch.equal(now[~active], then[~active])
    for now, expected in zip(snapshot(adam), snapshot(reference), strict=True):
        assert torch.allclose(now[active], expected[active], rtol=0, atol=1e-12)
    assert adam.steps[active].unique().tolist() == [12]
    assert adam.steps[~active].tolist() == [4]


def test_a_member_that_wakes_corrects_its_bias_by_its_own_count():
    together, alone = make([0, 1]), make([1])
    adam, reference = Adam(together.parameters(), 0.05), Adam(alone.parameters(), 0.05)
    for step, x in enumerate(batches(2, 8)):
        on = step >= 5
        adam.backward(loss_of(together, x))
        adam.step(torch.tensor([True, on]))
        if on:
            reference.backward(loss_of(alone, x[1:]))
            reference.step()
    assert torch.allclose(adam.flat[1], reference.flat[0], rtol=0, atol=1e-12)


def test_each_member_has_its_own_step_size():
    rates = torch.tensor([[0.1, 0.01], [0.02, 0.0]], dtype=DOUBLE)
    net = make([0, 1], ensemble=2)
    adam = Adam(net.parameters(), rates)
    before = adam.flat.clone()
    adam.backward(loss_of(net, batches(2, 1)[0]))
    adam.step()
    moved = (adam.flat - before).abs().amax(-1)
    assert torch.allclose(moved, rates, rtol=1e-4, atol=0)  # a first step is lr, but for eps


@pytest.mark.parametrize("masks", [False, True])
def test_continues_exactly_from_a_state(masks):
    net = make([0, 1])
    adam = Adam(net.parameters(), 0.05)
    active = torch.tensor([True, False]) if masks else None
    data = batches(2, 10)

    def train(net, adam, data):
        for x in data:
            adam.backward(loss_of(net, x))
            adam.step(active)

    train(net, adam, data[:5])
    state, weights = adam.state_dict(), copy.deepcopy(net.state_dict())
    train(net, adam, data[5:])
    other = make([8, 9])
    again = Adam(other.parameters(), 0.05)
    other.load_state_dict(weights)
    again.load_state_dict(state)
    train(other, again, data[5:])
    for one, two in zip(snapshot(adam), snapshot(again), strict=True):
        assert torch.equal(one, two)


def test_backward_leaves_other_networks_alone():
    actor, critic = make([0, 1]), MLP(Streams([0, 1], "critic"), [1, 5, 1], "tanh", dtype=DOUBLE)
    adam_actor, adam_critic = Adam(actor.parameters(), 0.1), Adam(critic.parameters(), 0.1)
    adam_critic.grad.fill_(7)
    adam_actor.backward(critic(actor(batches(2, 1)[0])).mean((1, 2)))
    assert adam_critic.grad.eq(7).all()
    assert adam_actor.grad.abs().sum() > 0


def test_a_nan_seed_does_not_touch_its_companions():
    def train(poison):
        net = make(range(3), dtype=torch.float32)
        adam = Adam(net.parameters(), 0.01)
        for x in batches(3, 10, torch.float32):
            if poison:
                x = x.clone()
                x[1, 0, 0] = torch.nan
            adam.backward(loss_of(net, x))
            norms = adam.clip_grad_norm_(0.5)
            adam.step()
        return adam.flat, norms

    (clean, clean_norms), (poisoned, norms) = train(False), train(True)
    assert poisoned[1].isnan().all()
    assert torch.equal(poisoned[[0, 2]], clean[[0, 2]])
    assert torch.equal(norms[[0, 2]], clean_norms[[0, 2]])


@pytest.mark.parametrize("ensemble", [None, 2])
@pytest.mark.parametrize("flat", [True, False])
def test_clips_each_seed_as_torch_does(ensemble, flat):
    net = make(range(3), ensemble)
    references = [make([s], ensemble) for s in range(3)]
    adam = Adam(net.parameters(), 0.1) if flat else None
    scale = torch.tensor([0.01, 1.0, 100.0], dtype=DOUBLE)
    x = batches(3, 1)[0]
    loss = loss_of(net, x)
    (loss.view(3, -1).sum(1) * scale).sum().backward()
    norms = clip_grad_norm_(net.parameters(), 0.5) if adam is None else adam.clip_grad_norm_(0.5)
    assert (norms > 0.5).tolist() == [False, True, True]
    for s, reference in enumerate(references):
        (loss_of(reference, x[s : s + 1]).sum() * scale[s]).backward()
        norm = nn.utils.clip_grad_norm_(reference.parameters(), 0.5)
        assert torch.allclose(norms[s], norm, rtol=1e-12)
        for many, one in zip(net.parameters(), reference.parameters(), strict=True):
            assert torch.allclose(many.grad[s], one.grad[0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("ensemble", [None, 2])
def test_polyak_weighs_the_online_network_by_tau(flat, ensemble):
    online, other = make([0, 1], ensemble), make([2, 3], ensemble)
    target = target_copy(other) if flat else copy.deepcopy(other)
    if flat:
        Adam([*make([4, 5], ensemble).parameters(), *online.parameters()], 0.1)  # a part of a longer buffer
    polyak_(target, online, 0.25)
    for t, o, n in zip(target.parameters(), other.parameters(), online.parameters(), strict=True):
        assert torch.allclose(t, 0.75 * o + 0.25 * n, rtol=0, atol=1e-15)
    polyak_(target, online, 1.0)
    for t, n in zip(target.parameters(), online.parameters(), strict=True):
        assert torch.equal(t, n)


def test_two_networks_in_one_optimiser_keep_their_values():
    first, second = make([0, 1]), make([2, 3])
    before = [p.detach().clone() for net in (first, second) for p in net.parameters()]
    adam = Adam([*first.parameters(), *second.parameters()], 0.1)
    assert adam.flat.shape == (2, sum(p[0].numel() for p in before))
    for p, value in zip([*first.parameters(), *second.parameters()], before, strict=True):
        assert torch.equal(p, value)


def test_mistakes_are_errors():
    net = make([0, 1])
    adam = Adam(net.parameters(), 0.1)
    net.zero_grad()
    with pytest.raises(RuntimeError, match=r"\.grad was replaced"):
        adam.step()
    net = make([0, 1])
    adam = Adam(net.parameters(), 0.1)
    Adam([*make([2, 3]).parameters(), *net.parameters()], 0.1)  # takes the parameters over
    with pytest.raises(RuntimeError, match="moved to other memory"):
        adam.step()
    with pytest.raises(ValueError, match=r"tau is 5"):
        polyak_(target_copy(net), net, 5)
    with pytest.raises(ValueError, match="no parameters"):
        Adam([], 0.1)
    with pytest.raises(ValueError, match=r"expected its first axes to be \(2,\)"):
        Adam([*net.parameters(), *make([1]).parameters()], 0.1)
    with pytest.raises(ValueError, match="no parameter has a gradient"):
        clip_grad_norm_(make([0]).parameters(), 1.0)
    with pytest.raises(ValueError, match="max_norm is 0"):
        Adam(make([0]).parameters(), 0.1).clip_grad_norm_(0)
