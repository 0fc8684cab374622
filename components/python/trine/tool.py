# SPDX-License-Identifier: Apache-2.0
"""Runs the command line, which the wheel contains together with the extension: `trine ...`, `python3 -m trine.tool ...`."""
import os
import pathlib
import sys

PROGRAM = pathlib.Path(__file__).resolve().parent / "bin" / "trine"


def main() -> None:
    """Replaces this process by the tool."""
    os.execv(PROGRAM, ["trine", *sys.argv[1:]])


if __name__ == "__main__":
    main()
