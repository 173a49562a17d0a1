"""The rules of this repository: rules_cc's, with our warnings and include path."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_cc//cc:cc_test.bzl", "cc_test")

_COPTS = ["-Wall", "-Wextra", "-Wshadow"]

def _including_source(ctx):
    source = ctx.actions.declare_file(ctx.label.name + ".cc")
    ctx.actions.write(source, "#include \"{0}\"\n#include \"{0}\"\n".format(ctx.attr.header))
    return [DefaultInfo(files = depset([source]))]

_including_source_rule = rule(
    doc = "A source file that includes one header, twice, and nothing else.",
    implementation = _including_source,
    attrs = {"header": attr.string(mandatory = True)},
)

def _compile_headers_alone(name, srcs, hdrs, **kwargs):
    """Compiles each header of a library by itself, as part of `bazel build //...`.

    A header with a source of the same name is left to that source, which
    includes it first (tools/check_includes.sh sees to it).
    """
    own_sources = srcs if type(srcs) == "list" else []  # no looking into a select()
    headers = [
        header
        for header in hdrs
        if header.endswith(".h") and header[:-len(".h")] + ".cc" not in own_sources
    ]
    if not headers:
        return
    sources = []
    for header in headers:
        source = name + "_including_" + header.replace("/", "_")[:-len(".h")]
        _including_source_rule(
            name = source,
            header = "evkit/" + native.package_name() + "/" + header,
        )
        sources.append(source)
    cc_library(
        name = name + "_headers_alone",
        testonly = True,
        srcs = sources,
        # Only whether it compiles matters.
        copts = _COPTS + ["-O0", "-g0"],
        deps = [name],
        **kwargs
    )

def evkit_cc_library(name, srcs = [], hdrs = [], copts = [], **kwargs):
    """A cc_library whose headers are included as "evkit/<package>/<file>.h".

    The prefix keeps our folder names ("net", "loop") out of the way of those of
    the repositories that depend on us. Its headers are also compiled alone.
    Everything else is cc_library's.

    Args:
      name: of the library.
      srcs: a plain list if `hdrs` has a header of the same name.
      hdrs: a plain list.
      copts: added to the repository's warnings.
      **kwargs: those of cc_library.
    """
    cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        copts = _COPTS + copts,
        include_prefix = "evkit/" + native.package_name(),
        **kwargs
    )
    _compile_headers_alone(name, srcs, hdrs, **{
        key: kwargs[key]
        for key in ["target_compatible_with"]
        if key in kwargs
    })

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
