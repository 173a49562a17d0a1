"""Binary packages of Debian's in the version that the mirror has, unpacked.

For what security updates replace every few weeks, so that a version cannot be
pinned, and for what is measured beside. apt checks the archive's signature.
"""

def _debian_binary(ctx):
    ctx.report_progress("Asking the Debian mirror")
    for package in [ctx.attr.package] + ctx.attr.needs:
        fetched = ctx.execute([
            "bash",
            ctx.path(Label("//third_party:fetch_debian_package.sh")),
            package,
        ])
        if fetched.return_code != 0 and not ctx.attr.optional:
            fail("{}: Debian's package {} cannot be had:\n{}".format(ctx.name, package, fetched.stderr))
    ctx.symlink(ctx.attr.build_file, "BUILD.bazel")

debian_binary = repository_rule(
    implementation = _debian_binary,
    attrs = {
        "build_file": attr.label(mandatory = True),
        "needs": attr.string_list(doc = "other packages"),
        "optional": attr.bool(doc = "without them the repository is empty"),
        "package": attr.string(mandatory = True),
    },
)
