"""Small repositories in place of ones that Bazel 4 would download.

Each holds only what evkit's build and tests ask of the real one.
"""

_CC_RULES = [
    "cc_binary",
    "cc_import",
    "cc_library",
    "cc_proto_library",
    "cc_shared_library",
    "cc_test",
    "cc_toolchain",
    "cc_toolchain_suite",
    "objc_library",
]

def _forward(ctx, folder, rules):
    """Writes `defs.bzl` and one .bzl a rule, re-exporting Bazel's own rules."""
    defs = ["\"Bazel's own rules, under the names that newer versions load.\"\n"]
    for rule in rules:
        line = "{0} = getattr(native, \"{0}\", None)\n".format(rule)
        defs.append(line)
        ctx.file(folder + "/" + rule + ".bzl", line)
    ctx.file(folder + "/defs.bzl", "".join(defs))
    ctx.file(folder + "/BUILD.bazel", "")
    ctx.file("BUILD.bazel", "")

def _rules_cc(ctx):
    _forward(ctx, "cc", _CC_RULES)

rules_cc_stand_in = repository_rule(implementation = _rules_cc)

def _rules_java(ctx):
    _forward(ctx, "java", ["java_binary", "java_import", "java_library", "java_test", "java_toolchain", "java_runtime", "java_package_configuration"])

rules_java_stand_in = repository_rule(implementation = _rules_java)

def _coverage_tools(ctx):
    ctx.file("BUILD.bazel", """\
filegroup(
    name = "coverage_report_generator",
    visibility = ["//visibility:public"],
)

filegroup(
    name = "lcov_merger",
    visibility = ["//visibility:public"],
)
""")

coverage_tools_stand_in = repository_rule(implementation = _coverage_tools)
