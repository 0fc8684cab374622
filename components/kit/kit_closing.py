# SPDX-License-Identifier: Apache-2.0
"""Makes programs for bins that random programs leave open: a RUN gets another value in one field, or another flag,
and the golden model decides whether the program is still valid.

Only fields that move no data are changed, in programs whose RUNs follow each other, so that the result of each RUN is
known.
"""
import collections
import dataclasses
import random

import trine

from kit_coverage import class_of, hits_of
from kit_description import FIELDS_OF, ISA, RUN_FIELDS, put, runs_of, words_of

# Scales, bounds, codes: the other fields are addresses.
CHANGED = ("pad_code", "zero_point", "act_min", "act_max", "passes_last", "low", "multiplier", "shift", "format", "add_operand_multiplier",
           "add_operand_shift", "add_a_is_half", "add_zero_a", "add_zero_b", "add_multiplier", "add_shift", "add_zero_point", "add_act_min",
           "add_act_max")
VECTOR = ("encoding", "position", "bias")  # with these, compute writes other words
# Fields that a RUN ignores if another field is 0.
IDLE = {"kx_step": "s_last", "dil_x": "s_last", "ky_step": "r_last", "dil_y": "r_last", "cw_step": "words_last",
        "tile_base": "tiles_last", "tile_out": "tiles_last", "tile_x": "tiles_last", "tile_y": "tiles_last"}
FLAGS = ("single", "half_even", "invert", "center")
FEW = 6  # a program with fewer new bins is not worth its cycles
GIVE_UP = 12  # changes of RUNs that the model refuses before giving up


def values_of(field):
    """Returns a value of each class."""
    half = 1 << field.width - 1
    if field.signed:
        return (-half, -3, 0, 3, half - 1)
    return sorted({0, 1, half >> 1, half})


def changes_of(run):
    """Yields {field: value} of each change that is possible in a RUN, with None for its flags; and a name of the
    attempt."""
    engine, fields = ISA["engines"][run.engine], FIELDS_OF[run.engine]
    for name, field in fields.items():
        may = name in CHANGED or name in VECTOR and engine == "vector" or name in IDLE and run.get(IDLE[name]) == 0
        for value in values_of(field) if may else ():
            yield f"{engine} {run.op if name == 'encoding' else ''} {name} {class_of(field, value)}", {name: value}
    # A map of size 0 has only masked taps, whatever the positions of the lanes.
    for axis, size in (("x", "width"), ("y", "height")):
        start, end = f"{axis}_start", f"{axis}_end"
        length = run.get(end) - run.get(start)
        for first in (-1 << 15, 3, (1 << 15) - 1 - length):
            yield f"{engine} {start} {class_of(fields[start], first)}", {"width": 0, "height": 0, start: first, end: first + length}
    for flag in ISA["flags"]:
        if flag["engines"] >> run.engine & 1 and flag["name"] in FLAGS:
            yield f"{engine} {run.op} {flag['name']} {run.flags >> flag['bit'] & 1}", {None: run.flags ^ 1 << flag["bit"]}


class Draft:
    """A program's words, the positions of its RUNs, and their registers."""

    def __init__(self, image):
        self.image = image
        self.words = words_of(image.words)
        self.changes = {}  # word index of a RUN: {field: value}, or {None: flags}

    def runs(self):
        """Returns (word index, RUN) of compute and vector."""
        at = [i for i, word in enumerate(self.words) if i and word >> ISA["opcode_lsb"] == ISA["opcodes"]["run"]]
        return [(i, run) for i, run in zip(at, runs_of(self.image.words)) if ISA["engines"][run.engine] in ("compute", "vector")]

    def made(self, changes):
        """Returns the image with changes: a SET before the RUN, and one after it that restores the register."""
        runs, words = dict(self.runs()), []
        for i, word in enumerate(self.words):
            before, behind = [], []
            if i in changes:
                run, registers = runs[i], dict(enumerate(runs[i].registers))
                for name, value in changes[i].items():
                    if name is None:
                        word = put(word, RUN_FIELDS["flags"], value)
                    else:
                        field = FIELDS_OF[run.engine][name]
                        registers[field.register] = put(registers[field.register], field, value)
                for register, payload in registers.items():
                    if payload != run.registers[register]:
                        head = ISA["opcodes"]["set"] << ISA["opcode_lsb"] | run.engine << ISA["engine_lsb"] | register << ISA["register_lsb"]
                        before.append(head | payload)
                        behind.append(head | run.registers[register])
            words += [*before, word, *behind]
        return dataclasses.replace(self.image, words=b"".join(word.to_bytes(8, "little") for word in words))

    def takes(self, at, change):
        """Returns true, and keeps the change, if the golden model accepts the program with it."""
        tried = {**self.changes, at: {**self.changes.get(at, {}), **change}}
        ending = self.made(tried).run()
        if ending.cause or ending.refused:
            return False
        self.changes = tried
        return True


def programs(config, seed, most, length=16):
    """Yields images, each with changes, chosen from many random ones: first those that add most new bins, until few
    are added."""
    images = [trine.random_program(config, 2 * (1000 * seed + n) + 1, 2 * length) for n in range(3 * most)]
    images += changed(config, seed, most, length)
    has = [hits_of(image.words) for image in images]
    covered = set()
    while True:
        best = max(range(len(images)), key=lambda n: len(has[n] - covered))
        if len(has[best] - covered) < FEW:
            return
        covered |= has[best]
        yield images[best]


def changed(config, seed, count, length):
    source = random.Random(seed)
    tried, refused = set(), collections.Counter()
    for n in range(count):
        draft = Draft(trine.random_program(config, 2 * (1000 * seed + n), length))
        for at, run in draft.runs():
            changes = [c for c in changes_of(run) if c[0] not in tried and refused[c[0]] < GIVE_UP]
            source.shuffle(changes)
            for what, change in sorted(changes, key=lambda c: refused[c[0]])[:6]:
                if not change.keys() & draft.changes.get(at, {}).keys():
                    if draft.takes(at, change):
                        tried.add(what)
                    else:
                        refused[what] += 1
        yield draft.made(draft.changes)
