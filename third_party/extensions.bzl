"""What MODULE.bazel takes from repositories.bzl, because no registry is asked."""

load("//third_party:debian_binary.bzl", "debian_binary")
load("//third_party:repositories.bzl", "ASIO", "LIBEV", "LIBEVENT", "LIBUV", "UVLOOP")
load("//third_party:source_archive.bzl", "source_archive")

def _dev_archives(_ctx):
    source_archive(name = "asio", **ASIO)
    source_archive(name = "libev", **LIBEV)
    source_archive(name = "libevent", **LIBEVENT)
    source_archive(name = "libuv", **LIBUV)
    debian_binary(name = "uvloop", **UVLOOP)

dev_archives = module_extension(implementation = _dev_archives)
