// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// One program being run: the loop, in virtual time, and all that the program's
// statements act on.

#ifndef EVKIT_LOOP_CONFORMANCE_INTERNAL_MACHINE_H_
#define EVKIT_LOOP_CONFORMANCE_INTERNAL_MACHINE_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/conformance/internal/json.h"
#include "evkit/loop/conformance/internal/ref.h"
#include "evkit/loop/conformance/program.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/handle.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/timers/clock.h"

namespace evkit {

class TaskGroup;
class Timeout;

namespace conformance {

class Primitives;

// One call of a body.
class Frame {
 public:
  Frame() = default;
  explicit Frame(Ref passed) : argument(std::move(passed)) {}

  std::optional<Ref> argument;         // What a done callback is called with.
  std::vector<absl::Status> handling;  // By `try`; the innermost last.
};

// How a block ended, unless it failed: at its end, or by `return`.
class Flow {
 public:
  Flow() = default;
  explicit Flow(int value) : returned(value) {}
  std::optional<int> returned;
};

// What a handle slot holds. A post from another thread has no handle here as it
// has in asyncio; the program's are from the loop's thread, and get one that
// the callback asks.
class ScheduledCallback {
 public:
  explicit ScheduledCallback(Handle handle) : handle_(std::move(handle)) {}
  explicit ScheduledCallback(TimerHandle timer)
      : handle_(timer), when_(timer.when()) {}
  explicit ScheduledCallback(std::shared_ptr<bool> post_cancelled)
      : post_cancelled_(std::move(post_cancelled)) {}

  void Cancel() {
    if (post_cancelled_ != nullptr) *post_cancelled_ = true;
    handle_.Cancel();
  }
  bool cancelled() const {
    return post_cancelled_ != nullptr ? *post_cancelled_ : handle_.cancelled();
  }
  MonotonicTime when() const { return when_; }

 private:
  Handle handle_;
  MonotonicTime when_;
  std::shared_ptr<bool> post_cancelled_;  // Owned by this and the callback.
};

// One end of a socket pair.
class Socket {
 public:
  explicit Socket(int number) : fd(number) {}
  UniqueFd fd;
  // Counts up when the reader or the writer is replaced or removed: a waiting
  // receive must not remove its successor.
  int reader_generation = 0;
  int writer_generation = 0;
};

class Machine {
 public:
  explicit Machine(const Program& program);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  // Once.
  void Run();

  // The program ends here and now: nothing more of it is executed or logged,
  // but this.
  void End(absl::string_view entry);
  // The same for one that cannot be run.
  void Skip(std::string reason);
  bool over() const { return over_; }
  const std::string& skipped() const { return skipped_; }
  const std::vector<std::string>& trace() const { return trace_; }

  void Log(std::string entry);
  void Log(const Json& label, absl::string_view token);

  // Executes a block in which nothing suspends.
  absl::Status Execute(Frame& frame, const Json& block);
  // Executes one in a coroutine.
  static Coro<Flow> ExecuteAsync(Machine* machine, Frame* frame,
                                 const Json* block);
  // A call of a coroutine body.
  static Coro<int> Call(Machine* machine, int body);
  Coro<int> CallBody(int body) { return Call(this, body); }
  // What is given to the loop as a callback.
  void RunCallback(int callback, Frame frame);

  // A tick is one millisecond.
  static absl::Duration Ticks(const Json& ticks) {
    return absl::Milliseconds(ticks.integer());
  }
  // The same; infinite if null.
  static absl::Duration Timeout(const Json& ticks) {
    return ticks.is_null() ? absl::InfiniteDuration() : Ticks(ticks);
  }
  MonotonicTime AtTick(const Json& tick) const { return start_ + Ticks(tick); }
  int ToTick(MonotonicTime time) const {
    return static_cast<int>((time - start_) / absl::Milliseconds(1));
  }

  // Null if the slot is empty; then says so, if there is a label.
  const Ref* Find(const Json& name, const Json* label = nullptr);
  const Ref* FindByName(const std::string& name, const Json* label = nullptr);
  const Ref* FindTask(const Json& number, const Json* label = nullptr);
  void SetTask(const Json& number, Task<int> task);
  void SetRef(const std::string& name, Ref ref);
  // Until the end of the program. What is kept is not reported if it fails and
  // nobody looks.
  void Keep(Ref ref) { kept_.push_back(std::move(ref)); }
  // Whether `name` is a call, "c3"; and of what.
  static bool IsCall(const Json& name) { return name.string()[0] == 'c'; }
  static int CalledBody(const Json& name);
  // The options of a task in that slot.
  static TaskOptions OptionsOfTask(const Json& number);

  EventLoop& loop() { return test_.loop(); }
  FakeClock& clock() { return test_.clock(); }

  // By number, as declared.
  std::vector<int> vars;
  std::deque<ContextVar<int>> context_vars;
  std::deque<Socket> sockets;
  const std::unique_ptr<Primitives> primitives;
  // By slot.
  std::map<int, ScheduledCallback> handles;
  std::map<int, Context> contexts;
  // Owned by these and by the coroutine that runs in them.
  std::map<int, std::shared_ptr<evkit::Timeout>> timeouts;
  std::map<int, std::shared_ptr<TaskGroup>> groups;

  std::vector<std::string> notes;
  // The done callbacks that the program added, by future and callback.
  std::map<std::pair<loop_internal::FutureState*, int>,
           std::vector<DoneCallbackHandle>>
      done_callbacks;

 private:
  // Whether the program may go on.
  bool Continues();

  const Program& program_;
  std::vector<std::string> trace_;
  std::string skipped_;
  bool over_ = false;
  std::map<std::string, Ref> refs_;
  std::vector<Ref> kept_;      // What any slot has ever held, and more.
  std::deque<Socket> silent_;  // A pair that nothing is ever sent through.
  // Last: what runs on it refers to all of the above.
  TestLoop test_;
  const MonotonicTime start_;
};

}  // namespace conformance

}  // namespace evkit

#endif  // EVKIT_LOOP_CONFORMANCE_INTERNAL_MACHINE_H_
