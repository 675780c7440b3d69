"""The program `svgbench`: one line for every error that a user can act on, and the documented exit status.

The commands are imported inside the `try`, so that Ctrl-C is handled from the start.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that `sys.argv` names, and exit."""
    try:
        from svgbench import streams

        output = streams.prepare()
        from svgbench.commands.app import status_of

        status = status_of(output)
    except KeyboardInterrupt:
        status = 130
    if status == 130:
        os._exit(status)  # after Ctrl-C, do not wait for threads or destructors
    sys.exit(status)


if __name__ == "__main__":
    main()
