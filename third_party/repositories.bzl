"""Every outside repository of the WORKSPACE lane: version, checksum, reason.

A repository that depends on evkit calls `evkit_dependencies()`; only evkit's
own WORKSPACE calls `evkit_dev_dependencies()` too. Both leave alone what the
caller has already defined, so its own Abseil wins.

Versions are those of Debian 12, because the same sources can then come from a
Debian mirror where nothing else can be reached.
"""

load("//third_party:debian_binary.bzl", "debian_binary")
load("//third_party:source_archive.bzl", "source_archive")
load("//third_party:stand_ins.bzl", "coverage_tools_stand_in", "rules_cc_stand_in", "rules_java_stand_in")

# Headers only. Here for both lanes, so that both measure the same version.
ASIO = dict(
    urls = ["https://downloads.sourceforge.net/project/asio/asio/1.22.1%20%28Stable%29/asio-1.22.1.tar.bz2"],
    sha256 = "6874d81a863d800ee53456b1cafcdd1abf38bbbf54ecf295056b053c0d7115ce",
    strip_prefix = "asio-1.22.1",
    debian_package = "libasio-dev",
    debian_binary_version = "1:1.22.1-1",
    debian_sha256 = "d55e7b0773dcd4385b366b888415908902a2b3483dcb1bb193d6565b38c03af0",
    build_file = Label("//third_party:asio.BUILD"),
)

# The event loops that ours is measured beside, in both lanes the same and built
# from source as ours is. Debian's archive of libuv is another than upstream's,
# with the same files.
LIBUV = dict(
    urls = ["https://dist.libuv.org/dist/v1.44.2/libuv-v1.44.2.tar.gz"],
    sha256 = "ccfcdc968c55673c6526d8270a9c8655a806ea92468afcbcabc2b16040f03cb4",
    strip_prefix = "libuv-v1.44.2",
    debian_package = "libuv1",
    debian_archive = "libuv1_1.44.2.orig.tar.gz",
    debian_sha256 = "d79b4b06ef04be85fb890bf39d55942cc64c2e15fd14eaa32dae5dce94485484",
    debian_strip_prefix = "libuv1-1.44.2",
    build_file = Label("//third_party:libuv.BUILD"),
)
LIBEVENT = dict(
    urls = ["https://github.com/libevent/libevent/releases/download/release-2.1.12-stable/libevent-2.1.12-stable.tar.gz"],
    sha256 = "92e6de1be9ec176428fd2367677e61ceffc2ee1cb119035037a27d346b0403bb",
    strip_prefix = "libevent-2.1.12-stable",
    debian_package = "libevent",
    debian_archive = "libevent_2.1.12-stable.orig.tar.gz",
    debian_sha256 = "92e6de1be9ec176428fd2367677e61ceffc2ee1cb119035037a27d346b0403bb",
    debian_strip_prefix = "libevent-2.1.12-stable",
    build_file = Label("//third_party:libevent.BUILD"),
)
LIBEV = dict(
    urls = ["http://dist.schmorp.de/libev/Attic/libev-4.33.tar.gz"],
    sha256 = "507eb7b8d1015fbec5b935f34ebed15bf346bed04a11ab82b8eee848c4205aea",
    strip_prefix = "libev-4.33",
    debian_package = "libev",
    debian_archive = "libev_4.33.orig.tar.gz",
    debian_sha256 = "507eb7b8d1015fbec5b935f34ebed15bf346bed04a11ab82b8eee848c4205aea",
    debian_strip_prefix = "libev-4.33",
    build_file = Label("//third_party:libev.BUILD"),
)

# Nothing is built from it: asyncio's servers are measured on it where it can be
# had.
UVLOOP = dict(
    package = "python3-uvloop",
    needs = ["libuv1"],
    optional = True,
    build_file = Label("//third_party:uvloop.BUILD"),
)

def _maybe(rule, name, **kwargs):
    if not native.existing_rule(name):
        rule(name = name, **kwargs)

def evkit_dependencies():
    """What a program that links evkit needs."""

    # The library's vocabulary: Status, Duration, AnyInvocable, Span.
    _maybe(
        source_archive,
        name = "com_google_absl",
        urls = ["https://github.com/abseil/abseil-cpp/archive/refs/tags/20220623.1.tar.gz"],
        sha256 = "91ac87d30cc6d79f9ab974c51874a704de9c2647c40f6932597329a282217ba8",
        strip_prefix = "abseil-cpp-20220623.1",
        debian_package = "abseil",
        debian_archive = "abseil_20220623.1.orig.tar.gz",
        debian_sha256 = "abfe2897f3a30edaa74bc34365afe3c2a3cd012091a97dc7e008f7016adcd5fe",
        debian_strip_prefix = "abseil-20220623.1",
    )

    # Abseil's and benchmark's BUILD files load it.
    _maybe(
        source_archive,
        name = "bazel_skylib",
        urls = ["https://github.com/bazelbuild/bazel-skylib/releases/download/1.0.3/bazel-skylib-1.0.3.tar.gz"],
        sha256 = "1c531376ac7e5a180e0237938a2536de0c54d93f5c278634818e0efc952dd56c",
        debian_package = "bazel-skylib",
        debian_archive = "bazel-skylib_1.0.3.orig.tar.xz",
        debian_sha256 = "b22f0f38d9a1ac565fce8a43df3d284f6b8e5e8775bda54b5cb687bed46b6ea4",
        debian_strip_prefix = "bazel-skylib-1.0.3",
    )

    # Constraint labels (@platforms//os:linux) of the toolchains.
    _maybe(
        source_archive,
        name = "platforms",
        urls = ["https://github.com/bazelbuild/platforms/releases/download/0.0.2/platforms-0.0.2.tar.gz"],
        sha256 = "48a2d8d343863989c232843e01afc8a986eb8738766bfd8611420a7db8f6f0c3",
        debian_package = "bazel-platforms",
        debian_archive = "bazel-platforms_0.0.2.orig.tar.xz",
        debian_sha256 = "2e582a0841457e38ba2b263c7021bc57241f6934f86df8a1b5c5ae32169bf490",
        debian_strip_prefix = "platforms-0.0.2",
    )

    # For //net/tls:openssl_context alone; fetched only where that is built.
    _maybe(
        debian_binary,
        name = "openssl",
        package = "libssl-dev",
        build_file = Label("//third_party:openssl.BUILD"),
    )

    # Bazel 4's own cc_library and friends, under the names that newer
    # versions load them by.
    _maybe(rules_cc_stand_in, name = "rules_cc")

    # Bazel 4 registers a Java toolchain from it, even for C++ alone.
    _maybe(rules_java_stand_in, name = "rules_java")

    # `bazel test` asks for it, with or without coverage.
    _maybe(coverage_tools_stand_in, name = "remote_coverage_tools")

def evkit_dev_dependencies():
    """What evkit's own tests and benchmarks need besides."""

    # Unit tests.
    _maybe(
        source_archive,
        name = "com_google_googletest",
        urls = ["https://github.com/google/googletest/archive/refs/tags/release-1.12.1.tar.gz"],
        sha256 = "81964fe578e9bd7c94dfdb09c8e4d6e6759e19967e397dbea48d1c10e45d0df2",
        strip_prefix = "googletest-release-1.12.1",
        debian_package = "googletest",
        debian_archive = "googletest_1.12.1.orig.tar.gz",
        debian_sha256 = "81964fe578e9bd7c94dfdb09c8e4d6e6759e19967e397dbea48d1c10e45d0df2",
        debian_strip_prefix = "googletest-release-1.12.1",
    )

    # Benchmarks.
    _maybe(
        source_archive,
        name = "com_github_google_benchmark",
        urls = ["https://github.com/google/benchmark/archive/refs/tags/v1.7.1.tar.gz"],
        sha256 = "6430e4092653380d9dc4ccb45a1e2dc9259d581f4866dc0759713126056bc1d7",
        strip_prefix = "benchmark-1.7.1",
        debian_package = "benchmark",
        debian_archive = "benchmark_1.7.1.orig.tar.gz",
        debian_sha256 = "6430e4092653380d9dc4ccb45a1e2dc9259d581f4866dc0759713126056bc1d7",
        debian_strip_prefix = "benchmark-1.7.1",
    )

    # The coroutines that ours are measured beside; MODULE.bazel has the same.
    _maybe(source_archive, name = "asio", **ASIO)

    # The event loops that ours is measured beside; MODULE.bazel has the same.
    _maybe(source_archive, name = "libuv", **LIBUV)
    _maybe(source_archive, name = "libevent", **LIBEVENT)
    _maybe(source_archive, name = "libev", **LIBEV)
    _maybe(debian_binary, name = "uvloop", **UVLOOP)
