// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the tests of this package share: a program to run, and looks at the
// process that runs it.

#ifndef EVKIT_SUBPROCESS_INTERNAL_SPAWN_TESTING_H_
#define EVKIT_SUBPROCESS_INTERNAL_SPAWN_TESTING_H_

#include <string>
#include <vector>

#include "evkit/subprocess/exit_status.h"
#include "evkit/subprocess/spawn.h"

namespace evkit::subprocess_internal {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSlowBuild = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
inline constexpr bool kSlowBuild = true;
#else
inline constexpr bool kSlowBuild = false;
#endif
#else
inline constexpr bool kSlowBuild = false;
#endif

// The absolute path of test_child.
const std::string& TestChildPath();

// Options that run test_child with `arguments`: see test_child.cc.
SpawnOptions RunTestChild(std::vector<std::string> arguments);

// Spawn(), which must succeed.
Child MustSpawn(const SpawnOptions& options);

// Waits until the child exits, and reaps it.
ExitStatus WaitFor(const Child& child);

// Everything up to the end of the file.
std::string ReadAll(int fd);

// Spawns, and returns what the child wrote to stdout when it has exited with
// code 0, which is checked. Sets `stdout_to`.
std::string OutputOf(SpawnOptions options);

// The open descriptors of this process.
std::vector<int> OpenFds();

// Whether fd is readable now, and whether it gets so (waits).
bool IsReadable(int fd);
void WaitUntilReadable(int fd);

// Whether this process has a child, running or zombie.
bool HasChildren();

}  // namespace evkit::subprocess_internal

#endif  // EVKIT_SUBPROCESS_INTERNAL_SPAWN_TESTING_H_
