"""A source archive from upstream or, where only a Debian mirror can be reached,
from Debian's source package of the same version."""

def _source_archive(ctx):
    upstream = ctx.download_and_extract(
        url = ctx.attr.urls,
        sha256 = ctx.attr.sha256,
        stripPrefix = ctx.attr.strip_prefix,
        allow_fail = True,
    )
    if upstream.success:
        return
    ctx.report_progress("Upstream not reachable; asking the Debian mirror")
    fetched = ctx.execute([
        "bash",
        ctx.path(Label("//third_party:fetch_debian_source.sh")),
        ctx.attr.debian_package,
        ctx.attr.debian_archive,
        ctx.attr.debian_sha256,
    ])
    if fetched.return_code != 0:
        fail("{}: neither {} nor Debian's source package {} can be had:\n{}".format(
            ctx.name,
            ctx.attr.urls,
            ctx.attr.debian_package,
            fetched.stderr,
        ))
    ctx.extract(ctx.attr.debian_archive, stripPrefix = ctx.attr.debian_strip_prefix)
    ctx.delete(ctx.attr.debian_archive)

source_archive = repository_rule(
    implementation = _source_archive,
    attrs = {
        "urls": attr.string_list(mandatory = True),
        "sha256": attr.string(mandatory = True),
        "strip_prefix": attr.string(),
        "debian_package": attr.string(mandatory = True, doc = "name of the source package"),
        "debian_archive": attr.string(mandatory = True, doc = "its .orig.tar file, which names the version"),
        "debian_sha256": attr.string(mandatory = True),
        "debian_strip_prefix": attr.string(),
    },
)
