"""The tests of this package that have one source, of their name."""

load("//tools:cc.bzl", "evkit_cc_test")

_DEPS = [
    ":coro",
    ":error_group",
    ":gather",
    ":shield",
    ":task",
    ":task_group",
    ":timeout",
    "//loop:abstract_event_loop",
    "//loop:context",
    "//loop:default_event_loop",
    "//loop:fatal_exception",
    "//loop/testing:test_loop",
    "@com_google_absl//absl/status",
    "@com_google_absl//absl/status:statusor",
    "@com_google_absl//absl/strings",
    "@com_google_absl//absl/time",
]

# What each needs besides.
_TESTS = {
    "as_completed_test": [":as_completed"],
    "async_generator_test": [":async_generator"],
    "call_graph_edges_test": [
        ":call_graph",
        ":wait",
    ],
    "call_graph_test": [":call_graph"],
    "cancellation_test": [],
    "coro_bugs_test": [],
    "coro_test": [],
    "deadline_test": [":deadline"],
    "error_group_test": ["@com_google_absl//absl/strings:cord"],
    "future_test": [],
    "gather_test": [],
    "interleavings_test": ["//loop/testing:interleavings"],
    "run_coroutine_threadsafe_test": [":run_coroutine_threadsafe"],
    "run_in_executor_test": [
        "//loop/executor:default_executor",
        "//loop/executor:fake_executor",
        "//loop/executor:thread_pool_executor",
        ":run_in_executor",
    ],
    "run_until_complete_test": [],
    "runner_interrupt_test": [
        "//loop/signals:signal_handlers",
        "//policy:running_loop",
        ":runner",
    ],
    "runner_test": [
        "//loop:current",
        "//loop:event_loop",
        "//selectors:fake_selector",
        "//timers:fake_clock",
        ":async_generator",
        ":run_in_executor",
        ":runner",
    ],
    "shield_test": [],
    "task_allocation_test": ["//base:allocation_counter"],
    "task_group_test": [],
    "task_test": [],
    "timeout_test": [],
    "wait_for_test": [],
    "wait_test": [":wait"],
}

def coro_tests():
    for name, deps in _TESTS.items():
        evkit_cc_test(
            name = name,
            srcs = [name + ".cc"],
            deps = _DEPS + deps,
        )
