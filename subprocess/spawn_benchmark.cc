// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What it costs to start /bin/true and to hear of its end, from a parent of a
// few megabytes and from one of 2 GiB (in 4 KiB pages). The floor is the child
// itself: BM_RawClone is the least that can be done to start it. Everything
// runs on one core, so that no child waits for another core to wake up.
// "cpu_us" is the CPU time of parent and child together, which a busy machine
// disturbs least.
//
//   bazel run -c opt //subprocess:spawn_benchmark --
//       --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "benchmark/benchmark.h"
#include "evkit/subprocess/internal/spawn_benchmarking.h"
#include "evkit/subprocess/pidfd_child_watcher.h"
#include "evkit/subprocess/spawn.h"
#include "evkit/subprocess/thread_child_watcher.h"

namespace evkit {
namespace {

using subprocess_internal::Ballast;
using subprocess_internal::CpuTime;
using subprocess_internal::Sizes;

const char* const kProgram = "/bin/true";
char* const kArgv[] = {const_cast<char*>(kProgram), nullptr};

void Wait(pid_t pid) {
  siginfo_t info;
  if (pid <= 0 || waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 ||
      info.si_status != 0) {
    abort();
  }
}

void BM_Spawn(benchmark::State& state) {
  const Ballast ballast(state.range(0));
  SpawnOptions options;
  options.argv = {kProgram};
  const CpuTime cpu_time(state);
  for (auto _ : state) Wait(Spawn(options)->pid);
}

template <typename Watcher>
void SpawnAndWatch(benchmark::State& state) {
  const Ballast ballast(state.range(0));
  const std::unique_ptr<ChildWatcher> watcher = *Watcher::Create();
  SpawnOptions options;
  options.argv = {kProgram};
  const CpuTime cpu_time(state);
  for (auto _ : state) {
    const Child child = *Spawn(options);
    bool done = false;
    if (!watcher
             ->WatchSpawned(child.pid, child.pidfd.get(),
                            [&](pid_t, ExitStatus status) {
                              if (!status.ok()) abort();
                              done = true;
                            })
             .ok()) {
      abort();
    }
    while (!done) {
      pollfd poll_fd = {watcher->fd(), POLLIN, 0};
      poll(&poll_fd, 1, -1);
      watcher->Dispatch();
    }
  }
}

void BM_SpawnAndPidfdWatch(benchmark::State& state) {
  SpawnAndWatch<PidfdChildWatcher>(state);
}

void BM_SpawnAndThreadWatch(benchmark::State& state) {
  SpawnAndWatch<ThreadChildWatcher>(state);
}

int ExecTrue(void*) {
  execve(kProgram, kArgv, environ);
  return 127;
}

// No checks, no signals, no descriptors: the limit.
void BM_RawClone(benchmark::State& state) {
  const Ballast ballast(state.range(0));
  alignas(16) static char stack[32 * 1024];
  const CpuTime cpu_time(state);
  for (auto _ : state) {
    Wait(clone(ExecTrue, stack + sizeof(stack),
               CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr));
  }
}

void BM_PosixSpawn(benchmark::State& state) {
  const Ballast ballast(state.range(0));
  const CpuTime cpu_time(state);
  for (auto _ : state) {
    pid_t pid = -1;
    if (posix_spawn(&pid, kProgram, nullptr, nullptr, kArgv, environ) != 0) {
      abort();
    }
    Wait(pid);
  }
}

// posix_spawn() asked for what Spawn() always does, but for the descriptors.
void BM_PosixSpawnResettingSignals(benchmark::State& state) {
  const Ballast ballast(state.range(0));
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t set;
  sigemptyset(&set);
  posix_spawnattr_setsigmask(&attributes, &set);
  sigfillset(&set);
  posix_spawnattr_setsigdefault(&attributes, &set);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const CpuTime cpu_time(state);
  for (auto _ : state) {
    pid_t pid = -1;
    if (posix_spawn(&pid, kProgram, nullptr, &attributes, kArgv, environ) !=
        0) {
      abort();
    }
    Wait(pid);
  }
  posix_spawnattr_destroy(&attributes);
}

void BM_ForkExec(benchmark::State& state) {
  const Ballast ballast(state.range(0));
  const CpuTime cpu_time(state);
  for (auto _ : state) {
    const pid_t pid = fork();
    if (pid == 0) _exit(ExecTrue(nullptr));
    Wait(pid);
  }
}

BENCHMARK(BM_RawClone)->Apply(Sizes);
BENCHMARK(BM_Spawn)->Apply(Sizes);
BENCHMARK(BM_SpawnAndPidfdWatch)->Apply(Sizes);
BENCHMARK(BM_SpawnAndThreadWatch)->Apply(Sizes);
BENCHMARK(BM_PosixSpawn)->Apply(Sizes);
BENCHMARK(BM_PosixSpawnResettingSignals)->Apply(Sizes);
BENCHMARK(BM_ForkExec)->Apply(Sizes);

}  // namespace
}  // namespace evkit
