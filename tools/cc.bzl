"""The rules of this repository: rules_cc's, with our warnings and include path."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_cc//cc:cc_test.bzl", "cc_test")

_COPTS = ["-Wall", "-Wextra", "-Wshadow"]

def evkit_cc_library(copts = [], **kwargs):
    """A cc_library whose headers are included as "evkit/<package>/<file>.h".

    The prefix keeps our folder names ("net", "loop") out of the way of those of
    the repositories that depend on us. Everything else is cc_library's.

    Args:
      copts: added to the repository's warnings.
      **kwargs: those of cc_library.
    """
    cc_library(
        copts = _COPTS + copts,
        include_prefix = "evkit/" + native.package_name(),
        **kwargs
    )

def evkit_cc_test(copts = [], deps = [], size = "small", **kwargs):
    """A cc_test with gtest's main, warnings on, and the 60 s limit of a small test."""
    cc_test(
        size = size,
        copts = _COPTS + copts,
        deps = deps + ["@com_google_googletest//:gtest_main"],
        **kwargs
    )

def evkit_cc_binary(copts = [], **kwargs):
    """A cc_binary with the repository's warnings."""
    cc_binary(
        copts = _COPTS + copts,
        **kwargs
    )

def evkit_cc_benchmark(name, deps = [], tags = [], **kwargs):
    """A google-benchmark program: `bazel run -c opt //package:name`.

    `bazel test //...` builds it and does not run it.
    """
    evkit_cc_binary(
        name = name,
        testonly = True,
        tags = tags + ["benchmark"],
        deps = deps + ["@com_github_google_benchmark//:benchmark_main"],
        **kwargs
    )
