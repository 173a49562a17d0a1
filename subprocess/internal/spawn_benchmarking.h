// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the benchmarks of starting children share: CPU time of parent and
// children together, a parent of any size, the sizes.

#ifndef EVKIT_SUBPROCESS_INTERNAL_SPAWN_BENCHMARKING_H_
#define EVKIT_SUBPROCESS_INTERNAL_SPAWN_BENCHMARKING_H_

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "benchmark/benchmark.h"

namespace evkit::subprocess_internal {

inline double CpuMicroseconds(int who) {
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

inline void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("MiB")
      ->Arg(0)
      ->Arg(2048)
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond)
      ->ComputeStatistics("min", [](const std::vector<double>& values) {
        return *std::min_element(values.begin(), values.end());
      });
}

}  // namespace evkit::subprocess_internal

#endif  // EVKIT_SUBPROCESS_INTERNAL_SPAWN_BENCHMARKING_H_
