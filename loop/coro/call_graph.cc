// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/call_graph.h"

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/coro/internal/coro_stack.h"
#include "evkit/loop/coro/internal/future_state.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/loop/coro/task.h"
#include "evkit/policy/running_loop.h"

namespace evkit {
namespace {

using loop_internal::DoneHook;
using loop_internal::FutureRef;
using loop_internal::FutureState;
using loop_internal::PromiseBase;
using loop_internal::TaskState;

// Beyond this lines are not indented further: a chain of a million tasks is to
// be read, and not to fill the memory with spaces.
constexpr int kMostIndented = 100;

// Who waits for `future`, each once, in the order in which they came.
std::vector<FutureState*> AwaitersOf(const FutureState& future) {
  std::vector<FutureState*> awaiters;
  std::unordered_set<FutureState*> seen;
  for (DoneHook* hook = future.first_hook(); hook != nullptr;
       hook = hook->next_hook()) {
    FutureState* const awaiter = hook->awaiter();
    if (awaiter != nullptr && seen.insert(awaiter).second) {
      awaiters.push_back(awaiter);
    }
  }
  return awaiters;
}

// Where `task` stands, innermost first; `where`, if it is not null, in the
// place of the innermost frame, which is running.
std::vector<SourceLocation> CallStackOf(const TaskState& task,
                                        const SourceLocation* where) {
  std::vector<SourceLocation> call_stack;
  for (const PromiseBase* frame = task.innermost(); frame != nullptr;
       frame = frame->caller()) {
    call_stack.push_back(frame->where());
  }
  if (where != nullptr && !call_stack.empty()) call_stack.front() = *where;
  return call_stack;
}

void KeepEntries(std::vector<SourceLocation>& call_stack,
                 std::optional<int> limit) {
  if (!limit.has_value()) return;
  const auto size = static_cast<ptrdiff_t>(call_stack.size());
  if (*limit >= 0) {
    call_stack.resize(std::min<ptrdiff_t>(size, *limit));
  } else {
    call_stack.erase(call_stack.begin(),
                     call_stack.end() + std::max<ptrdiff_t>(-size, *limit));
  }
}

std::string Indent(int level) {
  return std::string(4 * std::min(level, kMostIndented), ' ');
}

std::string NameOf(FutureState& future) {
  std::string name;
  if (TaskState* const task = future.AsTask(); task != nullptr) {
    absl::StrAppend(&name, "name='", task->name(), "', ");
  }
  return absl::StrFormat("%s(%sid=%p)", future.Kind(), name,
                         static_cast<void*>(&future));
}

std::string PlaceOf(SourceLocation where) {
  // A coroutine that has awaited nothing has not said where it is.
  if (*where.file() == '\0') return "File ?";
  return absl::StrCat("File '", where.file(), "', line ", where.line(), ", in ",
                      where.function(), "()");
}

void AppendCallStack(const std::string& indent,
                     const std::vector<SourceLocation>& call_stack,
                     std::string& text) {
  for (const SourceLocation where : call_stack) {
    absl::StrAppend(&text, indent, "  |   ", PlaceOf(where), "\n");
  }
}

std::string StateOf(const TaskState& task) {
  if (&task == TaskState::Current()) return "Running";
  if (task.innermost() == nullptr) return "Not begun";
  if (task.waiting_on() == nullptr || task.queued()) return "Ready";
  return absl::StrCat("Waiting for: ", task.waiting_on()->Describe());
}

// Who waits for whom among the tasks of a loop, with the futures between them
// left out.
class TaskForest {
 public:
  explicit TaskForest(AbstractEventLoop& loop) : tasks_(AllTasks(loop)) {
    for (const AnyTask& task : tasks_) LinkToAwaiters(task.task());
  }

  std::string Format() {
    for (const AnyTask& task : tasks_) {
      if (!is_awaited_.contains(&task.task())) AppendTree(task.task());
    }
    // What is left goes round in circles.
    for (const AnyTask& task : tasks_) {
      if (!shown_.contains(&task.task())) AppendTree(task.task());
    }
    if (!text_.empty()) text_.pop_back();
    return std::move(text_);
  }

 private:
  void LinkToAwaiters(TaskState& task) {
    std::unordered_set<FutureState*> seen;
    std::vector<FutureState*> futures = {&task};
    while (!futures.empty()) {
      FutureState& future = *futures.back();
      futures.pop_back();
      for (FutureState* const awaiter : AwaitersOf(future)) {
        if (!seen.insert(awaiter).second) continue;
        if (TaskState* const waiting = awaiter->AsTask(); waiting != nullptr) {
          awaited_by_[waiting].push_back(&task);
          is_awaited_.insert(&task);
        } else {
          futures.push_back(awaiter);
        }
      }
    }
  }

  void AppendTree(TaskState& root) {
    std::vector<std::pair<TaskState*, int>> left = {{&root, 0}};
    while (!left.empty()) {
      const auto [task, level] = left.back();
      left.pop_back();
      const std::string indent = Indent(level);
      absl::StrAppend(&text_, indent, "* ", NameOf(*task));
      if (!shown_.insert(task).second) {
        absl::StrAppend(&text_, " (see above)\n");
        continue;
      }
      absl::StrAppend(&text_, "\n", indent, "  + ", StateOf(*task), "\n");
      const bool running = task == TaskState::Current();
      std::vector<SourceLocation> call_stack = CallStackOf(*task, nullptr);
      if (running && !call_stack.empty()) call_stack.erase(call_stack.begin());
      AppendCallStack(indent, call_stack, text_);
      absl::StrAppend(&text_, indent,
                      "  + Created: ", PlaceOf(task->created_at()), "\n");
      const auto awaited = awaited_by_.find(task);
      if (awaited == awaited_by_.end()) continue;
      absl::StrAppend(&text_, indent, "  + Awaits:\n");
      for (auto it = awaited->second.rbegin(); it != awaited->second.rend();
           ++it) {
        left.push_back({*it, level + 1});
      }
    }
  }

  const std::vector<AnyTask> tasks_;
  std::unordered_map<TaskState*, std::vector<TaskState*>> awaited_by_;
  std::unordered_set<TaskState*> is_awaited_;
  std::unordered_set<TaskState*> shown_;
  std::string text_;
};

absl::Status Print(const std::string& text, std::FILE* file) {
  const std::string line = absl::StrCat(text, "\n");
  if (std::fwrite(line.data(), 1, line.size(), file) == line.size()) {
    return absl::OkStatus();
  }
  return StatusFromErrno(errno, "PrintCallGraph: fwrite");
}

}  // namespace

CallGraphOptions::CallGraphOptions() = default;

FutureCallGraphEntry::FutureCallGraphEntry(AnyFuture its_future, int its_level)
    : future(std::move(its_future)), level(its_level) {}

FutureCallGraph CaptureCallGraph(const AnyFuture& future,
                                 CallGraphOptions options,
                                 SourceLocation where) {
  FutureCallGraph graph;
  if (!future.valid()) return graph;
  std::unordered_set<FutureState*> seen;
  std::vector<std::pair<FutureState*, int>> left = {{future.state(), 0}};
  while (!left.empty()) {
    const auto [state, level] = left.back();
    left.pop_back();
    FutureCallGraphEntry& entry =
        graph.emplace_back(AnyFuture(FutureRef(state)), level);
    entry.repeated = !seen.insert(state).second;
    if (entry.repeated) continue;
    if (TaskState* const task = state->AsTask(); task != nullptr) {
      const bool running = task == TaskState::Current();
      const bool invoked_here = running && level == 0;
      entry.call_stack = CallStackOf(*task, invoked_here ? &where : nullptr);
      if (invoked_here) {
        const auto skipped = std::clamp<ptrdiff_t>(
            options.depth - 1, 0,
            static_cast<ptrdiff_t>(entry.call_stack.size()));
        entry.call_stack.erase(entry.call_stack.begin(),
                               entry.call_stack.begin() + skipped);
      }
      KeepEntries(entry.call_stack, options.limit);
    }
    const std::vector<FutureState*> awaiters = AwaitersOf(*state);
    if (level >= options.max_levels) {
      entry.cut_off = !awaiters.empty();
      continue;
    }
    for (auto it = awaiters.rbegin(); it != awaiters.rend(); ++it) {
      left.push_back({*it, level + 1});
    }
  }
  return graph;
}

absl::StatusOr<FutureCallGraph> CaptureCallGraph(CallGraphOptions options,
                                                 SourceLocation where) {
  if (GetRunningLoopOrNull() == nullptr) {
    return absl::FailedPreconditionError(
        "CaptureCallGraph: no running event loop, and no future given");
  }
  return CaptureCallGraph(CurrentTask(), options, where);
}

std::string FormatCallGraph(const FutureCallGraph& graph) {
  std::string text;
  int previous_level = -1;
  for (const FutureCallGraphEntry& entry : graph) {
    if (entry.level > previous_level && previous_level >= 0) {
      absl::StrAppend(&text, Indent(previous_level), "  + Awaited by:\n");
    }
    previous_level = entry.level;
    const std::string indent = Indent(entry.level);
    absl::StrAppend(&text, indent, "* ", NameOf(*entry.future.state()),
                    entry.repeated ? " (see above)\n" : "\n");
    if (!entry.call_stack.empty()) {
      absl::StrAppend(&text, indent, "  + Call stack:\n");
      AppendCallStack(indent, entry.call_stack, text);
    }
    if (entry.cut_off) {
      absl::StrAppend(&text, indent, "  + Awaited by: ...\n");
    }
  }
  if (!text.empty()) text.pop_back();
  return text;
}

std::string FormatCallGraph(const AnyFuture& future, CallGraphOptions options,
                            SourceLocation where) {
  return FormatCallGraph(CaptureCallGraph(future, options, where));
}

absl::StatusOr<std::string> FormatCallGraph(CallGraphOptions options,
                                            SourceLocation where) {
  const absl::StatusOr<FutureCallGraph> graph =
      CaptureCallGraph(options, where);
  if (!graph.ok()) return graph.status();
  return FormatCallGraph(*graph);
}

absl::Status PrintCallGraph(const AnyFuture& future, CallGraphOptions options,
                            std::FILE* file, SourceLocation where) {
  return Print(FormatCallGraph(future, options, where), file);
}

absl::Status PrintCallGraph(CallGraphOptions options, std::FILE* file,
                            SourceLocation where) {
  const absl::StatusOr<std::string> text = FormatCallGraph(options, where);
  if (!text.ok()) return text.status();
  return Print(*text, file);
}

std::string FormatTasks(AbstractEventLoop& loop) {
  return TaskForest(loop).Format();
}

}  // namespace evkit
