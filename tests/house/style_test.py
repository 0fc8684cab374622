#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of style that a program can check.

    tests/house/style_test.py             checks: one line for each fault, exit code 1
    tests/house/style_test.py --fix       formats C++, wraps Markdown

C++ must equal the output of clang-format 14, which comes from PyPI. Lines of SystemVerilog have at most 100 columns,
also those that the generator ($TRINE_PROGRAM) emits; Markdown at most 120, except for tables, headings, code and
links. A module of rtl/ has at most 400 lines without assertions and 40 ports, except for those of LARGE. At most 5 % of
the sentences in README and the pages of docs/ (without decisions and printed pages) have more than 35 words.
language_test.py checks words.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import markdown  # noqa: E402
from harness import ROOT, with_packages  # noqa: E402

HDL_COLUMNS = 100
MODULE_LINES, MODULE_PORTS = 400, 40
ASSERTIONS = re.compile(r"^`ifdef TRINE_ASSERT$.*?^`endif$\n*", re.M | re.S)  # lines that do not count
LARGE = {"trine_core"}  # contains only instances and their connections
PRESETS = ("edge32", "edge1024")
SENTENCE_WORDS, LONG_SENTENCES = 35, 0.05
PRINTED = {"registers.md", "instructions.md", "configuration.md"}  # by gen/


def tracked(*patterns):
    names = subprocess.check_output(["git", "-C", ROOT, "ls-files", "--", *patterns], text=True).split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def formatter():
    """Returns the pinned clang-format of PyPI: Debian's releases contain other versions, which format differently."""
    with_packages(ROOT / "build" / "format", HERE / "requirements_format.txt", "clang_format")
    import clang_format  # noqa: PLC0415
    return pathlib.Path(clang_format.__file__).parent / "data" / "bin" / "clang-format"


def unformatted(files):
    """Returns clang-format's first complaint about each file."""
    command = [formatter(), "--dry-run", "--Werror", "--ferror-limit=1", *files]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    found = [line.replace(f"{ROOT}/", "") for line in done.stderr.splitlines() if "error:" in line]
    return found or ([f"clang-format: {done.stderr.strip()}"] if done.returncode else [])


def wide(files, columns, root):
    return [f"{file.relative_to(root)}:{number}: {len(line)} columns, allowed {columns}"
            for file in files for number, line in enumerate(file.read_text().splitlines(), 1) if len(line) > columns]


def emitted_wide():
    """Returns lines that are too wide in designs as the generator writes them."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for preset in PRESETS:
            out = pathlib.Path(folder) / preset
            subprocess.run([os.environ["TRINE_PROGRAM"], "generate", "--config", preset, "--out", out, "--quiet"], check=True)
            files = sorted(p for p in out.iterdir() if p.suffix in (".sv", ".svh"))
            assert len(files) > 40, files
            found += [f"generate --config {f}" for f in wide(files, HDL_COLUMNS, pathlib.Path(folder))]
    return found


def large(files):
    """Returns modules whose size suggests more than one task."""
    found, seen = [], set()
    for file in files:
        text = file.read_text()
        header = re.search(r"^module .*?^\);", text, re.M | re.S)
        if not header:
            continue
        lines, ports = ASSERTIONS.sub("", text).count("\n"), len(re.findall(r"^\s*(?:input|output|inout)\b", header.group(), re.M))
        if lines <= MODULE_LINES and ports <= MODULE_PORTS:
            continue
        seen.add(file.stem)
        if file.stem not in LARGE:
            found.append(f"{file.relative_to(ROOT)}: {lines} lines, {ports} ports, allowed {MODULE_LINES}, {MODULE_PORTS}")
    return found + [f"style_test.py: {name} is no longer large: take it out of LARGE" for name in sorted(LARGE - seen)]


def unwrapped(files):
    found = []
    for file in files:
        text = file.read_text()
        if markdown.wrap(text, markdown.COLUMNS) == text:
            continue
        found += [f"{file.relative_to(ROOT)}:{first + 1 + i}: {len(line)} columns, allowed {markdown.COLUMNS}"
                  for first, lines, prefix in markdown.blocks(text) if prefix is not None
                  for i, line in enumerate(lines) if len(line) > markdown.COLUMNS]
    return found


def prose():
    """Returns the README and the pages of docs/ that people write."""
    return [page for page in tracked("README.md", "docs/*.md") if page.parent.name != "decisions" and page.name not in PRINTED]


def long_sentences(pages):
    """Returns (sentences with too many words as `page:line: n words`, number of all sentences)."""
    count, found = 0, []
    for page in pages:
        for line, words in markdown.sentences(page.read_text()):
            count += 1
            if len(words) > SENTENCE_WORDS:
                found.append(f"{page.relative_to(ROOT)}:{line}: a sentence of {len(words)} words")
    return found, count


def swallowed(files):
    """Returns places where the compiler treats any error as a refusal: an error of ours would silently move work to
    the host."""
    caught = re.compile(r"catch \((?:const (?:trine::)?Error&|const std::exception&|\.\.\.)")
    return [f"{file.relative_to(ROOT)}:{number}: catches more than a Refusal"
            for file in files if not file.stem.endswith("_test")
            for number, line in enumerate(file.read_text().splitlines(), 1) if caught.search(line)]


def own_json(files):
    """Returns calls of nlohmann's parser and serializer: only sw/base/json.cpp compiles them, because each further file
    takes seconds."""
    calls = re.compile(r"\.dump\(|[jJ]son::parse\(")
    return [f"{file.relative_to(ROOT)}:{number}: parse_json() and json_text() of sw/base/json.h instead"
            for file in files if not file.stem.endswith("_test") and file != ROOT / "sw/base/json.cpp"
            for number, line in enumerate(file.read_text().splitlines(), 1) if calls.search(line)]


def not_executable(files):
    """Returns scripts that begin with #! but are not executable."""
    return [f"{file.relative_to(ROOT)}: begins with #!, but nobody may execute it: chmod +x"
            for file in files if file.read_bytes()[:2] == b"#!" and not os.access(file, os.X_OK)]


def main():
    cpp = tracked("*.h", "*.cpp", "*.c")
    hdl = tracked("*.sv", "*.svh", "*.v")
    pages = tracked("*.md")
    assert len(cpp) > 200 and len(hdl) > 60 and len(pages) > 50
    if sys.argv[1:] == ["--fix"]:
        subprocess.run([formatter(), "-i", *cpp], check=True)
        for page in pages:
            page.write_text(markdown.wrap(page.read_text(), markdown.COLUMNS))
        return 0
    found = unformatted(cpp) + wide(hdl, HDL_COLUMNS, ROOT) + unwrapped(pages) + large(tracked("rtl/*.sv")) + swallowed(tracked("sw/compiler/*.cpp")) + own_json(cpp)
    found += not_executable(tracked("*.py", "*.sh"))
    long, count = long_sentences(prose())
    if len(long) > LONG_SENTENCES * count:
        found += long
    if "TRINE_PROGRAM" in os.environ:
        found += emitted_wide()
    print("\n".join(found))
    print(f"{len(long)} of {count} sentences ({100 * len(long) / count:.1f} %) have more than {SENTENCE_WORDS} words, allowed "
          f"{100 * LONG_SENTENCES:.0f} %")
    print(f"{len(cpp)} files of C++, {len(hdl)} of SystemVerilog, {len(pages)} of Markdown: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
