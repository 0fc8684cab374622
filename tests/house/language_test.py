#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the language of all text that is tracked by git against PATTERNS and PRIVATE.

    tests/house/language_test.py                 prints file:line: pattern: the sentence of each hit, exit code 1
    tests/house/language_test.py --count         prints the number of hits of each pattern, exceptions included
    tests/house/language_test.py --count FOLDER  does so for an exported tree

Text is Markdown without code, the comments of C++, SystemVerilog, Python (with docstrings), bash, CMake and TOML, and
the strings of C++ that users may see; not the names and messages of tests. PRIVATE also applies to identifiers of NAMED.
language_allowed.tsv lists exceptions with a reason each: the file, a fragment of the sentence, and the reason. The test
fails when an exception matches no hit.
"""
import argparse
import bisect
import collections
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import markdown  # noqa: E402

ROOT = HERE.parents[1]
ALLOWED = HERE / "language_allowed.tsv"


def not_after(*words):
    return "".join(rf"(?<!\b{word} )" for word in words)


# Words of this project's own dialect, in text and in identifiers: printed, stated, separate, ...
PRIVATE = ("said", "tell", "tells", "told", "looks", "apart", "aside", "home", "roomy", "crowding")
DASH_CHAIN, DASHES = "dash chain", ("—", "–", " -- ")
PRIVATE_WORD = "private word"
PATTERNS = {
    "is no": not_after("there") + r"\b(?:is|are) no (?!longer\b)",  # is not valid, must be, does not have
    "behind": r"\bbehind\b",  # after, downstream of
    "alone": not_after("let", "stand", "stands") + r"(?<!@param )\balone\b",  # only
    DASH_CHAIN: r"(?:—|–|(?<= )--(?= ))[^—–]*?(?:—|–|(?<= )--(?= ))",  # two sentences
    "beside": r"\bbeside\b",  # next to, compared with
    # The noun again. A comparison after a verb or a preposition is clear: "equal those of".
    "those of": not_after(*"are is be become becomes equal equals with from to by of like unlike than as between below above "
                          "against among for not".split())
                + r"\b(?:those|that) of\b|\bwhat of\b",
    "lies": r"\b(?:lies?|lay(?!(?: \w+)? out))\b",  # is stored, is
    "wants": not_after("users") + r"\bwants?\b",  # requires, uses
    "has it": r"\bhas it\b",  # as in, supports
    # "4 words apart" and "looks it up" are words of the field.
    PRIVATE_WORD: rf"\b(?:{'|'.join(word for word in PRIVATE if word not in ('looks', 'apart'))}"
                  + r"|looks(?! (?:\w+ ){0,3}(?:up|for)\b)|(?<![\d}`] )"
                  + not_after("far", "further", "enough", "equally", *"words pixels cycles beats planes head".split())
                  + r"apart(?! from))\b",
}
PATTERNS = {name: re.compile(pattern, 0 if name == PRIVATE_WORD else re.I) for name, pattern in PATTERNS.items()}
NOUN_CLAUSE = "noun clause"  # a full sentence; the beginning of a comment, and "Of" of a page's sentences
NOUN_CLAUSES = re.compile(r"^(?:Whether|What|Where|Of|Which)\b")
BEGINNINGS = ("Whether ", "What ", "Where ", "Of ", "Which ")
OF = re.compile(r"(?:^|(?<=[.!?] ))[\"'(*_]*Of\b")
NAME = "private name"
# The words of which each hit of a pattern has some, unless it is the pattern's name.
SUSPECTS = {
    "is no": ("is no", "are no"),
    "those of": ("those of", "that of", "what of"),
    "lies": ("lie", "lies", "lay"),
    "wants": ("want", "wants"),
    PRIVATE_WORD: PRIVATE,
}
LETTERS = {code: " " for code in range(128) if not chr(code).isalpha()}

NAMED = ("components/", "gen/", "rtl/", "sim/", "spec/", "sw/", "synth/", "tb/formal/", "tests/compiler/", "tools/")  # their identifiers, too
SCRIPTS = tuple(f"components/{part}/" for part in ("accuracy/tests", "benchmarks", "plugins/tests", "python/tests", "report/tests",
                                                 "sweep/tests", "zoo"))  # not theirs
CODE = {".sv", ".svh", ".h", ".cpp", ".c", ".py"}
C_LIKE = {".h", ".cpp", ".c", ".cc", ".sv", ".svh", ".v", ".def", ".fbs", ".js"}
HASH = {".cmake", ".toml", ".sh"}
HASH_NAMES = {"CMakeLists.txt", "trine", ".ci/run", "cmake/hooks/commit-msg", "tb/formal/bitwuzla", "cmake/debian/rules", "Containerfile",
              ".clang-format", ".clang-tidy", ".gitattributes", ".gitignore"}
DATA = ("tests/hostile/found/", "models/bitnet/", "models/writer/", "models/embeddings/")
PRINTS_QUOTED = ("tests/house/language_test.py",)  # quotes the patterns

C_TOKEN = re.compile(r"""(?P<line>//[^\n]*)|(?P<block>/\*.*?\*/)|R"(?P<mark>[^()\s"]*)\((?P<raw>.*?)\)(?P=mark)"
                     |"(?P<text>(?:[^"\\\n]|\\.)*)"|'(?:[^'\\\n]|\\[^'\n]*|\\')'""", re.S | re.X)
SV_TOKEN = re.compile(r"""(?P<line>//[^\n]*)|(?P<block>/\*.*?\*/)|"(?P<text>(?:[^"\\\n]|\\.)*)\"""", re.S | re.X)
PY_TOKEN = re.compile(r"""(?P<line>\#[^\n]*)|(?P<doc>[rRbBfFuU]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}))
                      |"(?P<text>(?:[^"\\\n]|\\.)*)"|'(?:[^'\\\n]|\\.)*'""", re.S | re.X)
HASH_TOKEN = re.compile(r"(?:^|(?<=\s))(?P<line>#(?!!)[^\n]*)", re.M)
WORDS = re.compile(r"[A-Za-z]{2}.* .*[A-Za-z]{2}", re.S)
MARK = re.compile(r"^(?://+[/!<]*|#+|/?\*+/?)\s?")


class Block:
    """A comment, a string or a paragraph: its text, and the line of each offset."""

    GLUE = {"comment": " ", "page": " ", "text": ""}  # adjacent literals are one

    def __init__(self, kind, pieces):
        self.kind, self.starts, self.lines, at, parts = kind, [], [], 0, []
        for number, text in pieces:
            self.starts.append(at)
            self.lines.append(number)
            parts.append(text)
            at += len(text) + len(self.GLUE[kind])
        self.text = self.GLUE[kind].join(parts)

    def line(self, offset):
        return self.lines[bisect.bisect_right(self.starts, offset) - 1]

    def sentence(self, offset):
        begin = 0
        for end in re.finditer(r"[.!?]['\")*_]*\s+(?=[\"'(*_\[`]*[A-Z0-9`])|$", self.text):
            if end.end() > offset or end.start() == len(self.text):
                return " ".join(self.text[begin:end.start() + 1].split())
            begin = end.end()
        return self.text


def comments(source, token):
    """Yields a block for each comment and, as kind "text", for each run of adjacent string literals."""
    starts = [0] + [m.end() for m in re.finditer("\n", source)]
    number = lambda at: bisect.bisect_right(starts, at)  # noqa: E731
    pieces, last, column, strings, end = [], -1, -1, [], -1
    for found in token.finditer(source):
        kind, at = found.lastgroup, found.start()
        if kind == "mark":
            kind = "raw"
        first = number(at)
        alone = not source[starts[first - 1]:at].strip()
        if strings and (kind not in ("text",) or source[end:at].strip()):
            yield Block("text", strings)
            strings = []
        if pieces and not (kind == "line" and alone and first == last + 1 and at - starts[first - 1] == column):
            yield Block("comment", pieces)
            pieces = []
        if kind == "line":
            text = MARK.sub("", found["line"]).strip()
            if not text and pieces:  # an empty line ends a paragraph
                yield Block("comment", pieces)
                pieces = []
            elif text:
                pieces.append((first, text))
            last, column = first, at - starts[first - 1]
        elif kind in ("block", "doc"):
            body = found[0]
            if kind == "doc":
                if not alone:
                    continue
                body = re.sub(r"^[A-Za-z]*(\"{3}|'{3})|(\"{3}|'{3})$", "", body)
            paragraph = []
            for offset, text in enumerate(body.split("\n")):
                text = MARK.sub("", text.strip()).replace("*/", "").strip() if kind == "block" else text.strip()
                if text:
                    paragraph.append((first + offset, text))
                elif paragraph:
                    yield Block("comment", paragraph)
                    paragraph = []
            if paragraph:
                yield Block("comment", paragraph)
        elif kind in ("text", "raw"):
            strings.append((first, found[kind]))
            end = found.end()
            if kind == "raw":
                yield Block("text", [(first + i, line + "\n") for i, line in enumerate(found["raw"].split("\n"))])
                strings = []
    if pieces:
        yield Block("comment", pieces)
    if strings:
        yield Block("text", strings)


QUOTED = re.compile(r'"[^"\n]*"')


def blank(found):
    return re.sub(r"[^\n]", " ", found[0])


def pages(source):
    for first, lines, prefix in markdown.blocks(markdown.without_code(re.sub(r"<!--.*?-->|\]\([^)\n]*\)", blank, source))):
        for cut in ([lines] if prefix is not None else [[line] for line in lines]):
            if any(line.strip() for line in cut):
                yield Block("page", [(first + 1 + i, QUOTED.sub(blank, line.strip())) for i, line in enumerate(cut)])


def blocks(name, source):
    """Yields the text of a file."""
    path = pathlib.PurePosixPath(name)
    if path.suffix == ".md":
        yield from pages(source)
    elif path.suffix in C_LIKE:
        tests = path.stem.endswith(("_test", "_tb")) or {"tests", "tb"} & set(path.parts)
        shown = path.suffix in (".h", ".cpp", ".c", ".def") and not tests
        for block in comments(source, SV_TOKEN if path.suffix in (".sv", ".svh", ".v") else C_TOKEN):
            if block.kind == "comment" or shown and WORDS.search(block.text):
                yield block
    elif path.suffix == ".py":
        yield from (block for block in comments(source, PY_TOKEN) if block.kind == "comment")
    elif path.suffix in HASH or name in HASH_NAMES or path.name in HASH_NAMES:
        yield from comments(source, HASH_TOKEN)


def without_text(name, source):
    """Returns the code of a file without comments and strings, line by line."""
    python = name.endswith(".py")
    return (PY_TOKEN if python else SV_TOKEN if name.endswith((".sv", ".svh")) else C_TOKEN).sub(blank, source)


WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
PART_OF_NAME = re.compile("|".join(PRIVATE))


def suspected(source):
    """Returns the patterns that may have a hit in a file."""
    words = " ".join(["", *source.replace("\\n", " ").translate(LETTERS).lower().split(), ""])
    return [pattern for pattern in PATTERNS
            if (any(dash in source for dash in DASHES) if pattern == DASH_CHAIN else
                any(f" {word} " in words for word in SUSPECTS.get(pattern, (pattern, ))))]


def names(name, source):
    """Yields (line, identifier) of identifiers that contain a word of PRIVATE."""
    if not name.startswith(NAMED) or name.startswith(SCRIPTS) or pathlib.PurePosixPath(name).suffix not in CODE:
        return
    if not PART_OF_NAME.search(source.lower()):
        return
    for number, line in enumerate(without_text(name, source).split("\n"), 1):
        if PART_OF_NAME.search(line.lower()):
            for found in re.findall(r"[A-Za-z_]\w*", line):
                if any(word.lower() in PRIVATE for word in WORD.findall(found)):
                    yield number, found


def hits(name, source):
    """Yields (line, pattern, sentence) of a file."""
    for number, found in names(name, source):
        yield number, NAME, found
    patterns = suspected(source)
    if not patterns and not any(word in source for word in BEGINNINGS):
        return
    for block in blocks(name, source):
        if block.kind != "text":
            for found in (NOUN_CLAUSES if block.kind == "comment" else OF).finditer(block.text):
                yield block.line(found.start()), NOUN_CLAUSE, block.sentence(found.start())
        for pattern in patterns:
            for found in PATTERNS[pattern].finditer(block.text):
                yield block.line(found.start()), pattern, block.sentence(found.start())


def files(root):
    if (root / ".git").exists():
        names = subprocess.check_output(["git", "-C", root, "ls-files"], text=True).splitlines()
    else:
        names = [p.relative_to(root).as_posix() for p in root.rglob("*")]
    return [name for name in sorted(names) if (root / name).is_file() and not name.startswith(DATA) and name not in PRINTS_QUOTED]


def all_hits(root):
    wanted = C_LIKE | HASH | {".md", ".py"}
    for name in files(root):
        path = pathlib.PurePosixPath(name)
        if path.suffix in wanted or name in HASH_NAMES or path.name in HASH_NAMES:
            for line, pattern, sentence in hits(name, (root / name).read_text(errors="replace")):
                yield name, line, pattern, sentence


def allowed():
    """Returns the rows of the list of exceptions: (line, file, fragment, reason)."""
    rows = [(number, *line.split("\t")) for number, line in enumerate(ALLOWED.read_text().splitlines(), 1)][1:]
    for row in rows:
        assert len(row) == 4 and all(row), f"{ALLOWED.name}:{row[0]}: a row must have file, fragment and reason"
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", action="store_true")
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=ROOT)
    arguments = parser.parse_args()
    found = list(all_hits(arguments.root))
    if arguments.count:
        counts = collections.Counter(pattern for _, _, pattern, _ in found)
        for pattern in [*PATTERNS, NOUN_CLAUSE, NAME]:
            print(f"{pattern}\t{counts[pattern]}")
        return 0
    faults, used, rows = [], set(), allowed()
    for name, line, pattern, sentence in found:
        exceptions = [number for number, file, fragment, _ in rows if file == name and fragment in sentence]
        used.update(exceptions)
        if not exceptions:
            faults.append(f"{name}:{line}: {pattern}: {sentence}")
    faults += [f"{ALLOWED.relative_to(ROOT)}:{number}: '{fragment}' matches no hit in {file}: remove the row"
               for number, file, fragment, _ in rows if number not in used]
    print("\n".join(faults + [f"{len(faults)} faults, {len(used)} exceptions"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
