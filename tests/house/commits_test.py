#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of CONTRIBUTING.md for commit messages, on the commits since the hook cmake/hooks/commit-msg was added.

usage: commits_test.py
       commits_test.py --message FILE    the message that git is about to commit, for the hook
A subject is "area: Verb ..." in at most 72 characters, without a full stop. A change of more than TRIVIAL lines has a
body. Merges and reverts keep git's own message. Prints each violation; exit code 1 if there is one."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOOK = "cmake/hooks/commit-msg"
LONGEST = 72
TRIVIAL = 10  # changed lines
LAST = 100
GITS_OWN = re.compile(r"(Merge|Revert|fixup!|squash!|amend!) ")
# A word that cannot be an imperative verb: subjects that broke the rule began with such words.
NO_VERB = re.compile(
    r"(?i:(?!b?ring|string|(?:f|s|n|sp)eed|embed|shed|mention|focus)"
    r"(?:a|an|the|no|not|one|two|three|all|each|every|what|which|where|when|how|why|who|more|some|any|of|in|on|by|for|from|"
    r"with|without|and|or|its?|their|new|now|also|\w+(?:ing|ed|tion|ity|ness|ment|[^s]s)))")


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)


def violations(message, changed_lines):
    """Returns the violations of a message, as sentences."""
    subject, _, body = message.strip().partition("\n")
    if GITS_OWN.match(subject):
        return []
    found = []
    if len(subject) > LONGEST:
        found.append(f"the subject has {len(subject)} characters, at most {LONGEST} are allowed")
    if subject.endswith("."):
        found.append("the subject ends with a full stop")
    if not (form := re.match(r"[^\s:][^:]*: ([A-Z]\w*)", subject)):
        found.append('the subject is not of the form "area: Verb ..."')
    elif NO_VERB.fullmatch(form[1]):
        found.append(f'"{form[1]}" is not an imperative verb')
    if changed_lines > TRIVIAL and not body.strip():
        found.append(f"{changed_lines} lines change and no body says why (needed above {TRIVIAL})")
    return found


def lines_changed(shortstat):
    return sum(int(number) for number in re.findall(r"(\d+) (?:insertion|deletion)", shortstat))


def check_message(file):
    text = "\n".join(line for line in pathlib.Path(file).read_text().splitlines() if not line.startswith("#"))
    return violations(text, lines_changed(git("diff", "--cached", "--shortstat").stdout))


def check_history():
    """Returns the violations of the last commits, each with its revision. A source archive contains no commits."""
    added = git("log", "--diff-filter=A", "--format=%H", "--", HOOK).stdout.split()
    if not added:
        return []
    found = []
    for revision in git("rev-list", "--no-merges", f"--max-count={LAST}", f"{added[-1]}..HEAD").stdout.split():
        lines = lines_changed(git("show", "--format=", "--shortstat", revision).stdout)
        message = git("show", "--no-patch", "--format=%B", revision).stdout
        found += [f"{revision[:8]}: {violation}" for violation in violations(message, lines)]
    return found


def check_itself():
    """Checks known messages, so that no rule is lost."""
    known = [("rtl: Cut the ready path of trine_queue\n\nIt was the longest.", 50, 0), ("docs: Fix a link", 2, 0),
             ("Merge branch 'x'", 900, 0), ("rtl: Cut the ready path", 50, 1), ("A long day", 1, 1),
             ("rtl: " + "Cut " * 20 + "it", 1, 1), ("rtl: The ready path of trine_queue", 1, 1),
             ("rtl: Cutting paths", 1, 1), ("rtl: Names", 1, 1), ("rtl: Cut it.", 1, 1),
             ("rtl: Pass the bus on", 1, 0), ("rtl: Feed it", 1, 0)]
    return [f"commits_test itself: {message!r} has {violations(message, lines)}" for message, lines, count in known
            if len(violations(message, lines)) != count]


def main():
    found = check_message(sys.argv[2]) if sys.argv[1:2] == ["--message"] else check_itself() + check_history()
    for violation in found:
        print(f"commit message: {violation} (CONTRIBUTING.md, Commits)", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
