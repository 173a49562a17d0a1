"""A binary package of Debian's in the version that the mirror has.

For what security updates replace every few weeks, so that a version cannot be
pinned. apt checks the archive's signature.
"""

def _debian_binary(ctx):
    ctx.report_progress("Asking the Debian mirror")
    fetched = ctx.execute([
        "bash",
        ctx.path(Label("//third_party:fetch_debian_package.sh")),
        ctx.attr.package,
    ])
    if fetched.return_code != 0:
        fail("{}: Debian's package {} cannot be had:\n{}".format(ctx.name, ctx.attr.package, fetched.stderr))
    ctx.symlink(ctx.attr.build_file, "BUILD.bazel")

debian_binary = repository_rule(
    implementation = _debian_binary,
    attrs = {
        "build_file": attr.label(mandatory = True),
        "package": attr.string(mandatory = True),
    },
)
