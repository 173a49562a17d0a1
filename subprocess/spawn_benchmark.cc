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
#include <sys/mman.h>
#include <sys/poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

#include "benchmark/benchmark.h"
#include "evkit/subprocess/pidfd_child_watcher.h"
#include "evkit/subprocess/spawn.h"
#include "evkit/subprocess/thread_child_watcher.h"

namespace evkit {
namespace {

const char* const kProgram = "/bin/true";
char* const kArgv[] = {const_cast<char*>(kProgram), nullptr};

double CpuMicroseconds(int who) {
  rusage usage;
  getrusage(who, &usage);
  return 1e6 * static_cast<double>(usage.ru_utime.tv_sec +
                                   usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// Reports the CPU time of what is done during its life.
class CpuTime {
 public:
  explicit CpuTime(benchmark::State& state) : state_(state), start_(Now()) {}
  CpuTime(const CpuTime&) = delete;
  CpuTime& operator=(const CpuTime&) = delete;
  ~CpuTime() {
    state_.counters["cpu_us"] =
        (Now() - start_) / static_cast<double>(state_.iterations());
  }

 private:
  static double Now() {
    return CpuMicroseconds(RUSAGE_SELF) + CpuMicroseconds(RUSAGE_CHILDREN);
  }

  benchmark::State& state_;
  const double start_;
};

// Megabytes of resident memory, for the life of the object.
class Ballast {
 public:
  explicit Ballast(int64_t megabytes)
      : size_(static_cast<size_t>(megabytes) << 20) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof(one), &one);
    if (size_ == 0) return;
    memory_ = static_cast<char*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (memory_ == MAP_FAILED) abort();
    madvise(memory_, size_, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < size_; i += 4096) memory_[i] = 1;
  }
  Ballast(const Ballast&) = delete;
  Ballast& operator=(const Ballast&) = delete;
  ~Ballast() {
    if (size_ != 0) munmap(memory_, size_);
  }

 private:
  const size_t size_;
  char* memory_ = nullptr;
};

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

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("MiB")
      ->Arg(0)
      ->Arg(2048)
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond)
      ->ComputeStatistics("min", [](const std::vector<double>& values) {
        return *std::min_element(values.begin(), values.end());
      });
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
