// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/bench/micro/micro.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "evkit/bench/net/command_line.h"

namespace evkit {
namespace {

// Exit status: the program does not have the case.
constexpr int kUnavailable = 3;

int64_t Nanos(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

int64_t CpuNanos() {
  rusage children;
  getrusage(RUSAGE_CHILDREN, &children);
  const auto micros = [](const timeval& time) {
    return static_cast<int64_t>(time.tv_sec) * 1'000'000 + time.tv_usec;
  };
  return Nanos(CLOCK_PROCESS_CPUTIME_ID) +
         (micros(children.ru_utime) + micros(children.ru_stime)) * 1000;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half]
                                : (values[half - 1] + values[half]) / 2;
}

double Least(const std::vector<double>& values) {
  return *std::min_element(values.begin(), values.end());
}

// Memory that is in use, in pages of 4 KiB: what fork() would have to copy the
// tables of.
class Ballast {
 public:
  explicit Ballast(int64_t bytes)
      : size_(static_cast<size_t>(bytes)),
        memory_(mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) Die("mmap: no memory for the ballast");
    madvise(memory_, size_, MADV_NOHUGEPAGE);
    volatile char* const bytes_in_use = static_cast<char*>(memory_);
    for (size_t at = 0; at < size_; at += 4096) bytes_in_use[at] = 1;
  }
  ~Ballast() { munmap(memory_, size_); }
  Ballast(const Ballast&) = delete;
  Ballast& operator=(const Ballast&) = delete;

 private:
  const size_t size_;
  void* const memory_;
};

}  // namespace

int64_t WallNanos() { return Nanos(CLOCK_MONOTONIC); }

void Meter::Run(int64_t operations, const std::function<void()>& unit) {
  RunTimed(operations, [&unit] {
    const int64_t start = WallNanos();
    unit();
    return WallNanos() - start;
  });
}

void Meter::RunTimed(int64_t operations, const std::function<int64_t()>& unit) {
  operations_ = operations;
  const int64_t enough = static_cast<int64_t>(seconds_ * 1e9);
  const auto measure = [&] {
    const int64_t cpu = CpuNanos();
    times_.push_back(static_cast<double>(unit()));
    cpu_times_.push_back(static_cast<double>(CpuNanos() - cpu));
  };
  int64_t start = WallNanos();
  measure();
  if (units_ == 0 && WallNanos() - start < enough) {
    times_.clear();
    cpu_times_.clear();
    start = WallNanos();
    measure();
  }
  while (units_ != 0 ? static_cast<int64_t>(times_.size()) < units_
                     : WallNanos() - start < enough) {
    measure();
  }
}

int64_t Meter::Scaled(int64_t count) const {
  return count == 0 ? 0 : std::max(int64_t{1}, count / scale_);
}

std::string Meter::Result() const {
  if (times_.empty()) Die("nothing was measured");
  const double each = static_cast<double>(operations_);
  char text[200];
  std::snprintf(text, sizeof text,
                "{\"ns\":%.3f,\"best_ns\":%.3f,\"cpu_ns\":%.3f,"
                "\"best_cpu_ns\":%.3f,\"operations\":%.0f}",
                Median(times_) / each, Least(times_) / each,
                Median(cpu_times_) / each, Least(cpu_times_) / each,
                each * static_cast<double>(times_.size()));
  return text;
}

int NewEventFd(bool readable) {
  return static_cast<int>(DieIfNegative(
      eventfd(readable ? 1 : 0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd"));
}

std::vector<Case> TableOf(const LoopCases& cases) {
  std::vector<Case> table;
  const auto add = [&table](const char* name, auto function,
                            auto... arguments) {
    if (function == nullptr) return;
    table.emplace_back(name,
                       [=](Meter& meter) { function(meter, arguments...); });
  };
  add("cb_chain", cases.cb_chain, Polls::kNever);
  add("cb_chain_fd", cases.cb_chain, Polls::kEachTurn);
  add("cb_chain_fd_61", cases.cb_chain, Polls::kSeldom);
  add("cb_burst", cases.cb_burst);
  add("wake_rtt", cases.wake, Posts::kRoundTrips);
  add("wake_rtt_idle", cases.wake, Posts::kIdleRoundTrips);
  add("wake_flood", cases.wake, Posts::kFlood);
  add("timer_ins_cancel_0", cases.timer_ins_cancel, 0);
  add("timer_ins_cancel_10k", cases.timer_ins_cancel, 10'000);
  add("timer_ins_cancel_1m", cases.timer_ins_cancel, 1'000'000);
  add("timer_rearm_10k", cases.timer_rearm, 10'000);
  add("timer_rearm_1m", cases.timer_rearm, 1'000'000);
  add("timer_fire_1m", cases.timer_fire);
  add("timer_call_later_10k", cases.timer_call_later, 10'000);
  add("spawn_small", cases.spawn);
  if (cases.spawn != nullptr) {
    table.emplace_back("spawn_2g", [spawn = cases.spawn](Meter& meter) {
      const Ballast ballast(meter.Scaled(kBallastBytes));
      spawn(meter);
    });
  }
  add("fd_churn", cases.fd_churn, false);
  add("fd_churn_loop", cases.fd_churn, true);
  add("fd_dispatch_1", cases.fd_dispatch, 1);
  add("fd_dispatch_100", cases.fd_dispatch, 100);
  add("fd_dispatch_1000", cases.fd_dispatch, 1000);
  return table;
}

int RunMicro(int argc, char** argv, const std::vector<Case>& cases) {
  CommandLine arguments(argc, argv);
  const std::string name = arguments.Get("case", std::string());
  const double seconds = arguments.Get("seconds", 0.2);
  const int64_t units = arguments.Get("units", int64_t{0});
  const int64_t scale = arguments.Get("scale", int64_t{1});
  const bool list = arguments.Get("list", int64_t{0}) != 0;
  arguments.CheckAllUsed();
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (const Case& one : cases) {
    if (list) {
      std::puts(one.name.c_str());
    } else if (one.name == name) {
      Meter meter(seconds, units, scale);
      one.run(meter);
      std::puts(meter.Result().c_str());
      return 0;
    }
  }
  if (list) return 0;
  std::fprintf(stderr, "not available: %s\n", name.c_str());
  return kUnavailable;
}

}  // namespace evkit
