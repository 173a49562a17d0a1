"""Pins what a component depends on."""

load("//tools:script_test.bzl", "script_test")

def layering_test(name, target, golden):
    """Fails when the closure of `target` is not the one in the file `golden`.

    The closure is every cc_library behind `target`, in this repository by label
    and elsewhere by the name of the repository. To see what the file should
    hold, run the test: it prints the difference.

        layering_test(
            name = "timer_wheel_layering_test",
            golden = "timer_wheel_deps.txt",
            target = ":timer_wheel",
        )

    Args:
      name: the component's, followed by _layering_test.
      target: label of the component.
      golden: a text file of this package, one label a line, sorted.
    """
    if target.startswith(":"):
        target = "//" + native.package_name() + target
    closure = name + "_closure"
    native.genquery(
        name = closure,
        expression = "kind('cc_library', deps({}))".format(target),
        scope = [target],
        testonly = True,
    )
    script_test(
        name = name,
        size = "small",
        script = "//tools:layering_test.sh",
        script_args = [
            "$(rootpath {})".format(golden),
            "$(rootpath {})".format(closure),
        ],
        data = [
            golden,
            closure,
        ],
    )
