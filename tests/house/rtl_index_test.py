#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that rtl/INDEX.md lists every module and package of rtl/ with the first sentence of its header.

    tests/house/rtl_index_test.py            checks: one line for each fault, exit code 1
    tests/house/rtl_index_test.py --write    writes rtl/INDEX.md

The first sentence has at most 160 characters and begins with a verb in the third person ("Forks", "Requantizes").
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import ROOT  # noqa: E402

RTL = ROOT / "rtl"
INDEX = RTL / "INDEX.md"
MOST_CHARACTERS = 160
HEAD = """# Index of rtl/

Every module and package with the first sentence of its header. Printed by `tests/house/rtl_index_test.py --write`; do
not edit.
"""


def first_sentence(text):
    """Returns the first sentence of a file's header, or None: SPDX line, empty comment, then a paragraph of comments."""
    header = re.match(r"// SPDX[^\n]*\n//\n((?:// \S[^\n]*\n)+)", text)
    if not header:
        return None
    paragraph = " ".join(line[3:].strip() for line in header.group(1).splitlines())
    sentence = re.match(r".+?\.(?=\s|$)", paragraph)
    return sentence and sentence.group()


def faults_of(name, sentence):
    """Returns the errors of a first sentence, one line each."""
    if sentence is None:
        return [f"{name}: its header has no first sentence: SPDX line, //, then a sentence that ends with a period"]
    found = []
    if len(sentence) > MOST_CHARACTERS:
        found.append(f"{name}: the first sentence has {len(sentence)} characters, allowed {MOST_CHARACTERS}")
    if not re.match(r"[A-Z][a-z]*s\b", sentence):
        found.append(f'{name}: the first sentence begins with "{sentence.split()[0]}"; it must begin with a verb such as "Forks"')
    return found


def print_index(sentences):
    """Returns the text of INDEX.md for {file below rtl/: sentence}: a table for each folder, files of rtl/ itself first."""
    folders = {}
    for file, sentence in sentences.items():
        folders.setdefault(file.parent, []).append((file, sentence))
    text = HEAD
    for folder in sorted(folders):
        text += f"\n## {folder.name or 'Top'}\n| module | what it does |\n|---|---|\n"
        for file, sentence in sorted(folders[folder]):
            cell = (sentence or "").replace("|", "\\|")
            text += f"| [`{file.stem}`]({file.as_posix()}) | {cell} |\n"
    return text


def main():
    sentences = {file.relative_to(RTL): first_sentence(file.read_text()) for file in RTL.rglob("*.sv")}
    assert len(sentences) > 100, sentences
    index = print_index(sentences)
    found = [fault for file, sentence in sorted(sentences.items()) for fault in faults_of(f"rtl/{file}", sentence)]
    if sys.argv[1:] == ["--write"]:
        INDEX.write_text(index)
    elif not INDEX.exists() or INDEX.read_text() != index:
        found.append("rtl/INDEX.md differs from the headers: tests/house/rtl_index_test.py --write")
    print("\n".join(found))
    print(f"{len(sentences)} modules and packages of rtl/, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
