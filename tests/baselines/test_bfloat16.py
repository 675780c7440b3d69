"""A seed and its companions with factors of products rounded to bfloat16, on processors that have such products."""

from __future__ import annotations

import pytest
import sac_kit
import test_td3
import torch
from learner_laws import alike, finish

from svgbench.baselines.actor_critic import sac, sac_svg
from svgbench.lab import platform
from svgbench.products import round_factors

pytestmark = pytest.mark.skipif(not platform.has_bfloat16(), reason="the processor has no products in bfloat16")
WIDE = dict.fromkeys(("actor_hidden", "critic_hidden", "head_hidden", "encoder_hidden", "decoder_hidden"), (128,))
BATCHES = {"recurrent_width": 128, "step_batch": 64, "window_batch": 64}
SEEDS = ([7], [3, 9, 7, 0, 1])


@pytest.fixture(autouse=True)
def _rounded():
    round_factors()
    yield
    round_factors(False)


@pytest.mark.parametrize("module", [sac, sac_svg])
def test_a_seed_of_sac_alone_and_in_a_block_of_five_agree(module):
    """As in float32, although a product in bfloat16 errs by 3e-3: both round the same."""
    alone, block = (sac_kit.learner(seeds, module=module, **WIDE, **BATCHES) for seeds in SEEDS)
    rows, block_rows = finish(alone), [row for row in finish(block) if row["seed"] == 7]
    for p, q in zip(sac_kit.parameters(alone), sac_kit.parameters(block), strict=True):
        torch.testing.assert_close(p[0], q[2], rtol=1e-4, atol=1e-4)
    alike(rows, block_rows, rel=1e-2)


def test_a_seed_of_td3_alone_and_in_a_block_of_five_agree():
    wide = {"actor_hidden": (128, 128), "critic_hidden": (128, 128), "step_batch": 64}
    alone, block = (test_td3.learner(seeds, **wide) for seeds in SEEDS)
    finish(alone)
    finish(block)
    for p, q in zip(test_td3.trained(alone), test_td3.trained(block), strict=True):
        torch.testing.assert_close(p[0], q[2], rtol=1e-4, atol=1e-4)
