"""A test, or a program, that is a script.

Bazel's own sh_test and py_binary have moved from place to place over its
versions; these work in all of them and drag nothing in.
"""

def _script(ctx):
    runner = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(
        output = runner,
        content = "#!/usr/bin/env bash\nexec {} \"$@\"\n".format(" ".join(
            ["./" + ctx.file.script.short_path] +
            [ctx.expand_location(arg, targets = ctx.attr.data) for arg in ctx.attr.script_args],
        )),
        is_executable = True,
    )
    runfiles = ctx.runfiles(files = [ctx.file.script] + ctx.files.data)
    for data in ctx.attr.data:
        runfiles = runfiles.merge(data[DefaultInfo].default_runfiles)
    return [DefaultInfo(executable = runner, runfiles = runfiles)]

_ATTRS = {
    "script": attr.label(mandatory = True, allow_single_file = True),
    "script_args": attr.string_list(doc = "$(rootpath) of a label in `data` is expanded"),
    "data": attr.label_list(allow_files = True),
}

script_test = rule(
    doc = "Runs `script` in the runfiles folder; passes if its exit status is 0.",
    implementation = _script,
    test = True,
    attrs = _ATTRS,
)

script_binary = rule(
    doc = "Runs `script` in the runfiles folder, for `bazel run`.",
    implementation = _script,
    executable = True,
    attrs = _ATTRS,
)
