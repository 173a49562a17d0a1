// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the programs of this folder are made of: one for each event loop, all
// with the same command line and the same cases.
//
//   NAME_micro --case=cb_chain [--seconds=0.2] [--units=0] [--scale=1]
//   NAME_micro --list=1
//
// The first runs one case and prints
// {"ns":...,"best_ns":...,"cpu_ns":...,"best_cpu_ns":...,"operations":...}:
// nanoseconds for each of what the case is about, as the median of its units
// and as the least, and those of processor time, of the whole process and of
// its children. The second prints the names of the cases, a line each.

#ifndef EVKIT_BENCH_MICRO_MICRO_H_
#define EVKIT_BENCH_MICRO_MICRO_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace evkit {

// Keeps the compiler from leaving out what nobody looks at.
template <typename T>
void Keep(T&& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

int64_t WallNanos();

// Times what a case does.
class Meter {
 public:
  // For `seconds`, or for just `units` units if that is not 0. `scale` divides
  // the sizes that cases ask for by Scaled().
  Meter(double seconds, int64_t units, int64_t scale)
      : seconds_(seconds), units_(units), scale_(scale) {}

  // Calls `unit` over and over, which each time does `operations` of what is
  // measured. The first time warms up and does not count, unless it alone takes
  // as long as there is time for. In any thread, once.
  void Run(int64_t operations, const std::function<void()>& unit);

  // The same where a part of `unit` is not to count: it returns the nanoseconds
  // that do. All its processor time does.
  void RunTimed(int64_t operations, const std::function<int64_t()>& unit);

  // `count`, or less where only whether it works is asked.
  int64_t Scaled(int64_t count) const;

  // What Run() found, as a line.
  std::string Result() const;

 private:
  const double seconds_;
  const int64_t units_;
  const int64_t scale_;
  int64_t operations_ = 0;  // Of a unit.
  std::vector<double> times_;
  std::vector<double> cpu_times_;
};

class Case {
 public:
  Case(const char* case_name, std::function<void(Meter&)> body)
      : name(case_name), run(std::move(body)) {}
  std::string name;
  std::function<void(Meter&)> run;
};

// When a loop looks for ready descriptors. kSeldom: in every so many turns, if
// it can be told so, else as it does.
enum class Polls { kNever, kEachTurn, kSeldom };

enum class Posts { kRoundTrips, kIdleRoundTrips, kFlood };

// What a program does in the cases that every loop has. Null: it has none.
class LoopCases {
 public:
  LoopCases() = default;

  // A callback that schedules itself. kNever: no descriptor is watched.
  void (*cb_chain)(Meter&, Polls polls) = nullptr;
  // Many callbacks at once.
  void (*cb_burst)(Meter&) = nullptr;
  // Another thread posts to the loop.
  void (*wake)(Meter&, Posts what) = nullptr;
  // A timer is started and cancelled while others are pending.
  void (*timer_ins_cancel)(Meter&, int64_t pending) = nullptr;
  // One of those pending is put off.
  void (*timer_rearm)(Meter&, int64_t pending) = nullptr;
  // Timers all over a second are started, and fire.
  void (*timer_fire)(Meter&) = nullptr;
  // As timer_ins_cancel, but nothing is kept for the next time.
  void (*timer_call_later)(Meter&, int64_t pending) = nullptr;
  // A child is started and waited for.
  void (*spawn)(Meter&) = nullptr;
  // A descriptor is watched and not, with a turn of the loop after each or not.
  void (*fd_churn)(Meter&, bool with_turns) = nullptr;
  // So many descriptors are always ready; a callback each.
  void (*fd_dispatch)(Meter&, int64_t count) = nullptr;
};
std::vector<Case> TableOf(const LoopCases& cases);

// The main() of a program with these cases.
int RunMicro(int argc, char** argv, const std::vector<Case>& cases);

// The same numbers in every program, and cheap.
class Random {
 public:
  explicit Random(int64_t below) : below_(static_cast<uint64_t>(below)) {}
  int64_t Next() {
    state_ += 0x9E3779B97F4A7C15;
    const uint64_t mixed = (state_ ^ (state_ >> 32)) * 0xD6E8FEB86659FD93;
    return static_cast<int64_t>((mixed >> 32) * below_ >> 32);
  }

 private:
  const uint64_t below_;
  uint64_t state_ = 1;
};

// An eventfd that stays readable, or never is.
int NewEventFd(bool readable);

// The sizes of the cases.
inline constexpr int64_t kChain = 10'000;     // Callbacks, one after the other.
inline constexpr int kSeldomPoll = 61;        // Turns for a poll, as in Tokio.
inline constexpr int64_t kBurst = 10'000;     // Callbacks at once.
inline constexpr int64_t kStarted = 10'000;   // Timers that are cancelled.
inline constexpr int64_t kRearmed = 10'000;   // Timers that are postponed.
inline constexpr int64_t kFired = 1'000'000;  // Timers that fire.
inline constexpr int64_t kChurned = 1'000;    // Descriptors, watched and not.
inline constexpr int64_t kDispatched = 2'000;  // Events, or a turn of them.
inline constexpr int64_t kSpawned = 5;         // Children, one after the other.
// Of the parent that is large.
inline constexpr int64_t kBallastBytes = int64_t{2} << 30;
inline constexpr int64_t kMinDelayMs = 1'000;
inline constexpr int64_t kDelaysMs = 60'000;
inline constexpr int64_t kFireWithinMs = 1'000;

// The program that is started, over and over.
inline constexpr char kChild[] = "/bin/true";

}  // namespace evkit

#endif  // EVKIT_BENCH_MICRO_MICRO_H_
