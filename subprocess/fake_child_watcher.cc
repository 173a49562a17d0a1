// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/fake_child_watcher.h"

#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"

namespace evkit {
namespace {

WakeupFd NewWakeupFd() {
  absl::StatusOr<WakeupFd> wakeup = WakeupFd::Create();
  EVKIT_CHECK(wakeup.ok(), "the test is out of descriptors");
  return *std::move(wakeup);
}

}  // namespace

FakeChildWatcher::FakeChildWatcher() : wakeup_(NewWakeupFd()) {}

FakeChildWatcher::~FakeChildWatcher() {
  *destroyed_ = true;
  const auto callbacks = std::exchange(callbacks_, {});
}

void FakeChildWatcher::Exit(pid_t pid, ExitStatus status) {
  for (auto& exit : exits_) {
    EVKIT_CHECK(exit.first != pid, "this child has exited already");
  }
  exits_.emplace_back(pid, status);
  if (IsWatched(pid)) wakeup_.Wake();
}

std::vector<pid_t> FakeChildWatcher::watched() const {
  std::vector<pid_t> pids;
  for (const auto& [pid, callback] : callbacks_) pids.push_back(pid);
  return pids;
}

absl::Status FakeChildWatcher::Watch(pid_t pid, Callback on_exit) {
  EVKIT_CHECK(on_exit != nullptr, "on_exit is null");
  if (!watch_status_.ok()) return watch_status_;
  if (pid <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("Watch(", pid, ")"));
  }
  std::swap(callbacks_[pid], on_exit);
  if (FirstReportableExit().has_value()) wakeup_.Wake();
  return absl::OkStatus();
}

absl::Status FakeChildWatcher::WatchSpawned(pid_t pid, int /*pidfd*/,
                                            Callback on_exit) {
  return Watch(pid, std::move(on_exit));
}

bool FakeChildWatcher::Unwatch(pid_t pid) {
  const auto found = callbacks_.find(pid);
  if (found == callbacks_.end()) return false;
  const Callback forgotten = std::move(found->second);
  callbacks_.erase(found);
  return true;
}

void FakeChildWatcher::Dispatch() {
  wakeup_.Dispatch();
  const std::shared_ptr<const bool> destroyed = destroyed_;
  while (const std::optional<Exits::iterator> exit = FirstReportableExit()) {
    const auto [pid, status] = **exit;
    exits_.erase(*exit);
    {
      const auto watched = callbacks_.find(pid);
      Callback on_exit = std::move(watched->second);
      callbacks_.erase(watched);
      on_exit(pid, status);
    }
    if (*destroyed) return;
  }
}

std::optional<FakeChildWatcher::Exits::iterator>
FakeChildWatcher::FirstReportableExit() {
  for (auto exit = exits_.begin(); exit != exits_.end(); ++exit) {
    if (IsWatched(exit->first)) return exit;
  }
  return std::nullopt;
}

}  // namespace evkit
