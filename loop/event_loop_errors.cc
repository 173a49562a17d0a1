// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What an EventLoop refuses and reports.

#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/base/check.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/handle.h"
#include "evkit/loop/handle_node.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit {

using loop_internal::CatchExceptions;

void EventLoop::ReportException(HandleNode& node, std::exception_ptr thrown) {
  ErrorContext error(
      absl::StrCat("Exception in callback ", node.DebugString()));
  error.exception = std::move(thrown);
  node.Ref();
  error.handle = Handle(&node);
  CallExceptionHandler(error);
}

void EventLoop::ReportSlow(const HandleNode& node, absl::Duration taken) {
  Log(absl::StrFormat("Executing %s took %.3f seconds", node.DebugString(),
                      absl::ToDoubleSeconds(taken)));
}

ExceptionHandler EventLoop::SetExceptionHandler(ExceptionHandler handler) {
  std::shared_ptr<ExceptionHandler> old = std::move(exception_handler_);
  exception_handler_ =
      handler == nullptr
          ? nullptr
          : std::make_shared<ExceptionHandler>(std::move(handler));
  if (old == nullptr) return nullptr;
  if (old.use_count() == 1) return std::move(*old);
  // A handler that replaces itself is still in use by the call under way, so
  // it is handed out as a share of itself.
  return [old = std::move(old)](AbstractEventLoop& loop,
                                const ErrorContext& error) {
    (*old)(loop, error);
  };
}

void EventLoop::CallExceptionHandler(const ErrorContext& error) {
  const std::shared_ptr<ExceptionHandler> handler = exception_handler_;
  if (handler == nullptr) {
    DefaultExceptionHandler(error);
    return;
  }
  const auto call = [&] { (*handler)(*this, error); };
  std::exception_ptr thrown = CatchExceptions([&] {
    if (error.context.has_value()) {
      Context(*error.context).Run(call);
    } else if (!(error.handle == Handle())) {
      error.handle.context().Run(call);
    } else {
      call();
    }
  });
  if (thrown == nullptr) return;
  ErrorContext second("Unhandled error in exception handler");
  second.exception = std::move(thrown);
  second.details["context"] = error.ToString();
  DefaultExceptionHandler(second);
}

void EventLoop::DefaultExceptionHandler(const ErrorContext& error) {
  Log(error.ToString());
}

absl::Status EventLoop::InheritedError(const char* what) {
  return absl::FailedPreconditionError(
      absl::StrCat(what, ": event loop belongs to the parent process"));
}

absl::Status EventLoop::UnusableError(const char* what) const {
  if (!closed_) return InheritedError(what);
  return absl::FailedPreconditionError(
      absl::StrCat(what, ": event loop is closed"));
}

void EventLoop::CheckThreadNow(const char* what) const {
  const std::thread::id running = running_thread_;
  if (running == std::thread::id() || running == std::this_thread::get_id()) {
    return;
  }
  const std::string message =
      absl::StrCat("non-thread-safe operation: ", what,
                   " was called on an event loop that runs in another thread; "
                   "use CallSoonThreadsafe");
  EVKIT_CHECK(false, message.c_str());
}

void EventLoop::RefuseClosed(const char* what) {
  ErrorContext error(absl::StrCat(what, ": event loop is closed"));
  error.status = absl::FailedPreconditionError(error.message);
  CallExceptionHandler(error);
}

void EventLoop::Log(absl::string_view text) {
  if (log_ != nullptr) {
    (void)CatchExceptions([&] { log_(text); });
    return;
  }
  const std::string line = absl::StrCat(text, "\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace evkit
