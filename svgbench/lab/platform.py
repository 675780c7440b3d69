"""The platform of a run: releases, processor, code revision. Found without importing the packages."""

from __future__ import annotations

import functools
import importlib.metadata
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from svgbench.words.errors import UsageError

COMPARED = ("mujoco", "torch")
FLOAT32 = "float32"
"""The precision of matrix products that is not recorded, because records did not name it before there was another."""


@functools.cache
def release(package: str) -> str:
    """The installed release without its build ("2.13.0" for "2.13.0+cpu"), or "none"."""
    try:
        return importlib.metadata.version(package).split("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return "none"


def compared(device: str, precision: str = FLOAT32) -> dict[str, str]:
    """The part of the platform that makes a result "other" if it differs; see `differing`."""
    releases = {name: release(name) for name in COMPARED}
    return releases | {"device": device.split(":")[0]} | ({} if precision == FLOAT32 else {"precision": precision})


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What makes a result of one platform "other" on the other: the values on both, by name."""
    names = (*COMPARED, "device", "precision")
    both = {name: (one.get(name), other.get(name)) for name in names}
    both["precision"] = (one.get("precision", FLOAT32), other.get("precision", FLOAT32))
    return {name: values for name, values in both.items() if values[0] != values[1]}


@functools.cache
def describe(device: str, precision: str = FLOAT32) -> dict[str, Any]:
    """The whole platform, as it is recorded with every seed."""
    gpu = {} if device == "cpu" else {"accelerator": _accelerator()}
    host = {
        "python": platform.python_version(),
        "numpy": release("numpy"),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
        "instructions": _instructions(),
        "cores": cores(),
    }
    return compared(device, precision) | host | gpu


def environment(threads: int) -> dict[str, str]:
    """The environment variables of a training process: its threads, and a heap that keeps its memory, in large pages.

    By default glibc returns the memory of large tensors and requests it again at every update. For large networks this
    costs a tenth of an update, and so do pages of 4 KiB, where Linux gives larger ones only on request (glibc 2.35 and
    later makes it). No number changes.

    NumPy's products use one thread: OpenBLAS's other threads spin while they wait and take a core from the simulations.
    """
    keep, grow = str(2**30), str(2**26)  # bytes
    heap = {"MALLOC_TRIM_THRESHOLD_": keep, "MALLOC_MMAP_THRESHOLD_": keep, "MALLOC_TOP_PAD_": grow}
    heap["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
    count = str(threads)
    return {**heap, **os.environ, "OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": "1"}


def seconds_of(variable: str, default: float) -> float:
    """An environment variable's value in seconds, 0 or more. Raises UsageError for anything else."""
    text = os.environ.get(variable, str(default))
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UsageError(f"{variable}={text}: expected seconds, 0 or more")
    return seconds


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def idle_clock() -> float:
    """A clock without the time that this thread waited for a core, where Linux counts it. Subtract two readings."""
    now = time.monotonic()
    try:
        return now - int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return now


@functools.cache
def revision() -> str:
    """The commit of the checkout that svgbench runs from, or from which it was packaged; "+" if it had changes.

    Without either, the version.
    """
    package = Path(__file__).resolve().parents[1]
    folder = package.parent
    if not (folder / ".git").exists():
        try:
            return (package / "REVISION").read_text(encoding="utf-8").strip()
        except OSError:
            return f"svgbench {release('svgbench')}"
    command = ["git", "-C", str(folder)]
    try:
        head = subprocess.run([*command, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10)
        dirty = subprocess.run([*command, "status", "--porcelain", "svgbench"], capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return head.stdout.strip()[:12] + ("+" if dirty.stdout else "")


def check_device(device: str) -> None:
    """Raise UsageError unless torch can use the device here. A separate process asks torch."""
    if device == "cpu":
        return
    asked = "import torch; print(torch.__version__, torch.cuda.device_count())"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise UsageError(f"--device {device}: torch fails here: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    version, count = done.stdout.split()
    if int(device.partition(":")[2] or 0) >= int(count):
        expected = "cpu" if count == "0" else f"cpu, or cuda:0 to cuda:{int(count) - 1}"
        raise UsageError(f"--device {device}: torch {version} finds {count} CUDA devices here; expected {expected}")


def _accelerator() -> str:
    """The models of the GPUs, as reported by NVIDIA's driver on Linux."""
    models = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            models += [value.strip()] * (name == "Model")
    return ", ".join(models) or "unknown"


VECTORS = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve")
"""Instruction sets. Arithmetic libraries choose their loops by them, which changes how sums round."""


def has_bfloat16() -> bool:
    """Whether torch rounds the factors of float32 products to bfloat16 on this processor: only with AMX.

    Linux names `avx512_bf16` too, but with it alone torch 2.13 leaves such products in float32 (seen on AMD EPYC 25/17,
    where products of every shape tried err by 1e-7 as without the request).
    """
    return "amx_bf16" in _cpuinfo().get("flags", "").split()


def _processor() -> str:
    return _cpuinfo().get("model name") or platform.processor() or "unknown"


def _instructions() -> str:
    """The processor's make and its vector instructions: "AuthenticAMD 25 17 1 avx2 avx512f".

    A virtual machine may use one name ("AMD EPYC") for several processors that round differently.
    """
    found = _cpuinfo()
    make = ("vendor_id", "cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU variant")
    flags = (found.get("flags") or found.get("Features") or "").split()
    words = [*(found[name] for name in make if name in found), *(name for name in VECTORS if name in flags)]
    return " ".join(words) or "unknown"


def _cpuinfo() -> dict[str, str]:
    """What Linux reports about the first core; empty on other systems."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
