"""A test that is a shell script.

Bazel's own sh_test has moved from place to place over its versions; this works
in all of them and drags nothing in.
"""

def _script_test(ctx):
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

script_test = rule(
    doc = "Runs `script` in the runfiles folder; passes if its exit status is 0.",
    implementation = _script_test,
    test = True,
    attrs = {
        "script": attr.label(mandatory = True, allow_single_file = True),
        "script_args": attr.string_list(doc = "$(rootpath) of a label in `data` is expanded"),
        "data": attr.label_list(allow_files = True),
    },
)
