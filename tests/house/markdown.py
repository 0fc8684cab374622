# SPDX-License-Identifier: Apache-2.0
"""Handles the Markdown that this repository uses: finds the lines that are text, and wraps text to a given width."""
import re

COLUMNS = 120  # of a page
FENCE = re.compile(r"^\s*(```|~~~)")
ITEM = re.compile(r"^(\s*(?:[-*+]|\d+[.)])\s+)(.*)$")
# Lines that stay as they are: headings, tables, HTML, quotations, rules, indented code.
RAW = re.compile(r"^\s*(#|\||<|>|---|===|$)|^ {4}")
# Words that would begin another block at the start of a line.
BEGINS_BLOCK = re.compile(r"^([-*+#>|=]|\d+[.)]|<)")
# A code span, a link's destination, a figure between its markers, a word.
TOKEN = re.compile(r"(?:<!--.*?-->|(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|\]\([^)]*\)|\S)+")


def blocks(text):
    """Yields (first line's number, lines, prefix) of each block; prefix is None where lines stay as they are,
    otherwise the text before the first word."""
    lines, number = text.split("\n"), 0
    while number < len(lines):
        first = number
        item = ITEM.match(lines[first])
        if FENCE.match(lines[first]):
            number += 1
            while number < len(lines) and not FENCE.match(lines[number]):
                number += 1
            number += 1
            yield first, lines[first:number], None
        elif not item and RAW.match(lines[first]):
            number += 1
            yield first, lines[first:number], None
        else:
            number += 1
            while number < len(lines) and not (
                    FENCE.match(lines[number]) or ITEM.match(lines[number]) or RAW.match(lines[number].lstrip() or "")):
                number += 1
            indent = len(lines[first]) - len(lines[first].lstrip())
            yield first, lines[first:number], item.group(1) if item else " " * indent


def wrapped(lines, prefix, width):
    """Returns the block's words in lines of at most `width` columns, except for longer words."""
    words = [token.group(0) for token in TOKEN.finditer(" ".join(line.strip() for line in lines)[len(prefix.lstrip()):])]
    out, indent = [prefix + words[0]], " " * len(prefix)
    for word in words[1:]:
        if len(out[-1]) + 1 + len(word) <= width or BEGINS_BLOCK.match(word):
            out[-1] += " " + word
        else:
            out.append(indent + word)
    return out


def wrap(text, width):
    """Returns the text with each block wrapped that has a line of more than `width` columns."""
    out = []
    for _, lines, prefix in blocks(text):
        long = prefix is not None and any(len(line) > width for line in lines)
        out += wrapped(lines, prefix, width) if long else lines
    return "\n".join(out)


def without_code(text):
    """Returns the text with fenced blocks and code spans blanked: lines keep their numbers."""
    def is_code(lines):
        return FENCE.match(lines[0]) or lines[0].startswith("    ")

    kept = "\n".join(re.sub(r".", " ", line) if is_code(lines) else line for _, lines, _ in blocks(text) for line in lines)
    return re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", lambda span: re.sub(r"[^\n]", " ", span.group(0)), kept)


SENTENCE = re.compile(r"(?<=[.!?])[\"')*_]*\s+(?=[\"'(*_\[`]*[A-Z0-9`])")


def sentences(text):
    """Yields (line's number, plain words) of each sentence, without tables, code and invisible text."""
    for first, lines, prefix in blocks(text):
        if prefix is None:
            continue
        body = re.sub(r"<!--.*?-->", "", " ".join(line.strip() for line in lines)[len(prefix.lstrip()):])
        for sentence in SENTENCE.split(body):
            plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", sentence).replace("`", "")
            words = [word for word in plain.split() if re.search(r"\w", word)]
            if words:
                yield first + 1, words
