"""The arithmetic of matrix products on a processor: float32, or bfloat16 where the processor has it.

With "bf16", torch rounds both factors of a float32 product to bfloat16 (8 bits of mantissa) and adds up in float32.
Everything else stays float32: parameters, sums, losses, optimisers. The bits differ from those of float32, so this is a
property of the platform, like a GPU: such results are `other` where float32 is asked for, and the reverse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from svgbench.lab import platform
from svgbench.lab.platform import FLOAT32
from svgbench.words.errors import UsageError, unknown

BF16 = "bf16"
PRECISIONS = (FLOAT32, BF16)
NARROWEST = 128
"""Units of a layer. Rounding the factors costs as much as it saves at 64 units (docs/gpu.md)."""
_LAYERS = re.compile(r"(.+_)?(hidden|width)")


def check(precision: str, device: str, elsewhere: bool = False) -> None:
    """Raise UsageError unless products on the device can have this precision.

    elsewhere: the blocks run on other machines, each of which checks its own processor.
    """
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    if precision == FLOAT32:
        return
    if device != "cpu":
        raise UsageError(f"--precision {precision}: is of products on a processor; expected --device cpu, not {device}")
    if not (elsewhere or platform.has_bfloat16()):
        why = "this processor has no products in bfloat16 (no amx_bf16)"
        raise UsageError(f"--precision {precision}: {why}; expected {FLOAT32}")


def check_layers(precision: str, config: Mapping[str, Any], where: str) -> None:
    """Raise UsageError if a layer is too narrow for the precision to save time.

    Layers are the settings whose names are or end in `hidden` or `width`.
    """
    if precision == FLOAT32:
        return
    for name, value in config.items():
        if _LAYERS.fullmatch(name):
            units = value if isinstance(value, tuple) else (value,)
            if any(n < NARROWEST for n in units):
                shown = ",".join(map(str, units))
                raise UsageError(
                    f"--precision {precision}: {name} of {where} is {shown}; expected {NARROWEST} units or more, "
                    "because smaller products gain nothing"
                )


def use(precision: str) -> None:
    """Set the precision of all matrix products in this process. Raises UsageError if the processor lacks it."""
    check(precision, "cpu")
    if precision == BF16:
        from svgbench.products import round_factors

        round_factors()
