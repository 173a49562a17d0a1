"""A source archive from upstream or, where only a Debian mirror can be reached,
from Debian's source package (or headers package) of the same version."""

def _resolves(ctx, url):
    """Whether it is worth asking for `url`; in doubt, yes.

    A machine that knows nothing but its mirror is spared Bazel's warnings.
    """
    for proxy in ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"]:
        if ctx.os.environ.get(proxy):
            return True
    if not ctx.which("getent"):
        return True
    return ctx.execute(["getent", "hosts", url.split("/")[2]], timeout = 10).return_code == 0

def _from_upstream(ctx):
    return ctx.download_and_extract(
        url = ctx.attr.urls,
        sha256 = ctx.attr.sha256,
        stripPrefix = ctx.attr.strip_prefix,
        allow_fail = True,
    ).success

def _from_debian(ctx):
    """Returns what went wrong, or nothing."""
    ctx.report_progress("Asking the Debian mirror")
    if ctx.attr.debian_binary_version:
        fetched = ctx.execute([
            "bash",
            ctx.path(Label("//third_party:fetch_debian_package.sh")),
            ctx.attr.debian_package,
            ctx.attr.debian_binary_version,
            ctx.attr.debian_sha256,
        ])
        return fetched.stderr if fetched.return_code != 0 else None
    fetched = ctx.execute([
        "bash",
        ctx.path(Label("//third_party:fetch_debian_source.sh")),
        ctx.attr.debian_package,
        ctx.attr.debian_archive,
        ctx.attr.debian_sha256,
    ])
    if fetched.return_code != 0:
        return fetched.stderr
    ctx.extract(ctx.attr.debian_archive, stripPrefix = ctx.attr.debian_strip_prefix)
    ctx.delete(ctx.attr.debian_archive)
    return None

def _fetch(ctx):
    resolves = _resolves(ctx, ctx.attr.urls[0])
    if resolves and _from_upstream(ctx):
        return
    error = _from_debian(ctx)
    if not error:
        return

    # Without a network the archive may still be in Bazel's repository cache.
    if not resolves and _from_upstream(ctx):
        return
    fail("{}: neither {} nor Debian's package {} can be had:\n{}".format(
        ctx.name,
        ctx.attr.urls,
        ctx.attr.debian_package,
        error,
    ))

def _source_archive(ctx):
    _fetch(ctx)
    if ctx.attr.build_file:
        ctx.symlink(ctx.attr.build_file, "BUILD.bazel")

source_archive = repository_rule(
    implementation = _source_archive,
    attrs = {
        "build_file": attr.label(doc = "for an archive that has none of its own"),
        "urls": attr.string_list(mandatory = True),
        "sha256": attr.string(mandatory = True),
        "strip_prefix": attr.string(),
        "debian_package": attr.string(mandatory = True, doc = "name of the source package"),
        "debian_archive": attr.string(doc = "its .orig.tar file, which names the version"),
        "debian_binary_version": attr.string(doc = "instead: unpack the binary package of that name and version"),
        "debian_sha256": attr.string(mandatory = True),
        "debian_strip_prefix": attr.string(),
    },
)
