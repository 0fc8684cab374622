#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints which folders and programs used the processor time of a test run.

usage: processor.py LOG [--most N]
LOG: lines `FOLDER/NAME USER SYSTEM` in seconds, one per test or build step (cmake/Processor.cmake, ./trine). Exit
code 2 if LOG is missing, empty or not of that form.
"""
import argparse
import collections
import pathlib
import sys


def read(path):
    """Returns {name: seconds}, the sum of its lines."""
    seconds = collections.Counter()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            name, user, system = line.split()
            seconds[name] += float(user) + float(system)
        except ValueError:
            raise ValueError(f"{path}:{number}: '{line}': allowed: FOLDER/NAME USER SYSTEM") from None
    if not seconds:
        raise ValueError(f"{path}: holds no line")
    return seconds


def table(title, rows):
    print(f"{title:44} minutes")
    for name, seconds in rows:
        print(f"  {name:42} {seconds / 60:7.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=pathlib.Path)
    parser.add_argument("--most", type=int, default=12, metavar="N", help="number of programs to print (default 12)")
    arguments = parser.parse_args()
    try:
        seconds = read(arguments.log)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    folders = collections.Counter()
    for name, count in seconds.items():
        folders[name.rpartition("/")[0]] += count
    table("processor time by folder", folders.most_common())
    table(f"the {min(arguments.most, len(seconds))} costliest", seconds.most_common(arguments.most))
    print(f"{'all':44} {sum(seconds.values()) / 60:7.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
