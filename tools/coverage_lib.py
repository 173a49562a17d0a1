"""What contract_coverage and bug_coverage share: a document whose entries must
each be named by a test.

An entry is a list item that begins with its id in bold. Marked
_(not applicable: reason)_ or _(not applicable yet: reason)_ it needs no test.

    - **RUN-07** Stop() ends the turn that it is called in.
    - **RUN-30** _(not applicable: no generators)_
"""

import argparse
import os
import re
import subprocess
import sys

_ENTRY = re.compile(r"^- \*\*([A-Z]+-?[0-9]+)\*\*\s*(.*)")
_NOT_APPLICABLE = re.compile(r"_\(not applicable( yet)?: [^)]")
_TEST_FILE = re.compile(r"_(test|conformance\w*)\.(cc|h)$")


def _entries(path):
    """Reads the document: id -> (text, whether a test is owed)."""
    entries = {}
    with open(path, encoding="utf-8") as document:
        for line in document:
            match = _ENTRY.match(line)
            if not match:
                continue
            if match[1] in entries:
                sys.exit(f"{path}: {match[1]} is there twice")
            owed = not _NOT_APPLICABLE.search(match[2])
            entries[match[1]] = (match[2].strip(), owed)
    return entries


def _test_files():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        check=True,
        stdout=subprocess.PIPE,
        universal_newlines=True,
    ).stdout.split("\n")
    return sorted({f for f in listed if _TEST_FILE.search(f) and os.path.isfile(f)})


def main(description, document, names_in):
    """Compares the document with the tests and says what is missing.

    Args:
      description: of the tool, for --help.
      document: path of the document, from the root of the repository.
      names_in: function from the lines of a test file to (line number, id)
        pairs, one for each time that a test names an entry.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit with 1 if an entry has no test or a test names no entry",
    )
    parser.add_argument(
        "--tests", action="store_true", help="list where each entry is named"
    )
    arguments = parser.parse_args()

    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    if not os.path.isfile(document):
        sys.exit(f"{document} is not there")
    entries = _entries(document)
    if not entries:
        sys.exit(f"{document} has no entry")

    named = {}
    for path in _test_files():
        with open(path, encoding="utf-8") as source:
            for number, entry in names_in(source.read().split("\n")):
                named.setdefault(entry, []).append(f"{path}:{number}")

    if arguments.tests:
        for entry in entries:
            print(f"{entry}: {', '.join(named.get(entry, ['-']))}")

    untested = [e for e, (_, owed) in entries.items() if owed and e not in named]
    for entry in untested:
        print(f"no test names {entry}: {entries[entry][0]}")
    wrong = 0
    for entry, places in named.items():
        if entry not in entries:
            reason = f"which {document} does not have"
        elif not entries[entry][1]:
            reason = f"which {document} calls not applicable"
        else:
            continue
        for place in places:
            print(f"{place}: names {entry}, {reason}")
            wrong += 1

    owed = sum(1 for _, owed in entries.values() if owed)
    print(
        f"{document}: {owed - len(untested)} of {owed} entries have a test,"
        f" {len(entries) - owed} are not applicable,"
        f" {wrong} names in tests are wrong"
    )
    if arguments.check and (untested or wrong):
        sys.exit(1)
