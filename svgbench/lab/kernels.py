"""Which code does the arithmetic: torch's vector loops, the branch of its MKL, the core of NumPy's OpenBLAS.

Each library chooses its code by the processor, and a variable of the environment may choose another. Other code rounds
differently. `python -m svgbench.lab.kernels` prints the words, for a command that must not import torch itself.
"""

from __future__ import annotations

import ctypes
import functools
import re
import subprocess
import sys
from pathlib import Path

from svgbench.lab import platform
from svgbench.words.errors import UsageError

MKL_BRANCHES = {3: "SSE4.2", 4: "AVX", 5: "AVX2", 7: "AVX512"}
"""What MKL's own detection returns, by the instructions that it then announces under MKL_VERBOSE=1."""

CORES = ("scipy_openblas_get_corename64_", "scipy_openblas_get_corename", "openblas_get_corename64_")
PATIENCE = 300  # seconds


def kernels() -> str:
    """The code that this process uses, as "torch AVX512, MKL AVX512/14, OpenBLAS SkylakeX". Imports torch and NumPy."""
    import torch

    loops = f"torch {torch.backends.cpu.get_cpu_capability()}"
    return ", ".join(filter(None, [loops, _blas_of_torch(), _core_of_numpy()]))


@functools.cache
def kernels_of_blocks() -> str:
    """What `kernels` says in the process of a block on this machine. Another process asks torch."""
    command = [sys.executable, "-m", "svgbench.lab.kernels"]
    env = platform.environment(1)
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=env)
    if done.returncode:
        raise UsageError(f"--replicate: torch fails here: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return done.stdout.strip()


def _blas_of_torch() -> str:
    """The BLAS of torch; of MKL also the branch, and MKL's number of the processor's type if that is another one."""
    import torch

    if not torch.backends.mkl.is_available():  # type: ignore[no-untyped-call]  # torch has no types here
        named = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
        return f"BLAS {named[1]}" if named else ""
    try:
        library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
        branch, kind = library.mkl_serv_cpu_detect(), library.mkl_serv_get_cpu_type()
    except (OSError, AttributeError):  # a build with an MKL of its own
        return "MKL"
    return f"MKL {MKL_BRANCHES.get(branch, f'branch {branch}')}" + (f"/{kind}" if kind != branch else "")


def _core_of_numpy() -> str:
    """The core for which NumPy's OpenBLAS computes; "" if NumPy has another library."""
    import numpy as np

    for path in sorted(Path(np.__file__).parents[1].glob("numpy.libs/*openblas*")):
        library = ctypes.CDLL(str(path))
        for name in CORES:
            if (core := getattr(library, name, None)) is not None:
                core.restype = ctypes.c_char_p
                return f"OpenBLAS {core().decode()}"
    return ""


if __name__ == "__main__":
    sys.stdout.write(f"{kernels()}\n")
