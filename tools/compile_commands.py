"""Turns `bazel aquery --output=jsonproto` into compile_commands.json.

Arguments: the checkout, a folder in which "evkit" is the checkout, Bazel's
folder of outside repositories. See compile_commands.sh.
"""

import json
import os
import sys

# Flags of g++ that clang does not know.
_UNKNOWN_TO_CLANG = {
    "-fno-canonical-system-headers",
    "-Wunused-but-set-parameter",
    "-Wno-free-nonheap-object",
}


def _flags(arguments, include, external):
    """The command line as seen from the checkout."""
    flags = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument in ("-o", "-MF"):
            next(remaining)
            continue
        if argument == "-MD" or argument.startswith("-frandom-seed="):
            continue
        if argument in _UNKNOWN_TO_CLANG:
            continue
        if argument in ("-I", "-iquote", "-isystem"):
            path = next(remaining)
        elif argument.startswith("-I"):
            argument, path = "-I", argument[2:]
        else:
            flags.append(argument)
            continue
        if "/_virtual_includes/" in path and "/external/" not in path:
            continue
        if path.startswith("external/"):
            path = external + path[len("external"):]
        flags += [argument, path]
    return flags[:1] + ["-I", include] + flags[1:]


def main():
    checkout, include, external = sys.argv[1:]
    commands = {}
    for action in json.load(sys.stdin).get("actions", []):
        arguments = action["arguments"]
        if "-c" not in arguments:
            continue
        file = arguments[arguments.index("-c") + 1]
        if os.path.isfile(os.path.join(checkout, file)) and not file.startswith("bazel-out/"):
            commands[file] = {
                "directory": checkout,
                "file": file,
                "arguments": _flags(arguments, include, external),
            }
    with open("compile_commands.json", "w", encoding="utf-8") as output:
        json.dump([commands[file] for file in sorted(commands)], output, indent=1)
    print(f"compile_commands.json: {len(commands)} files")
    return 0 if commands else 1


sys.exit(main())
