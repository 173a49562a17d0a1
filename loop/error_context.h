// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What an exception handler is told: an error that has nobody else to go to.

#ifndef EVKIT_LOOP_ERROR_CONTEXT_H_
#define EVKIT_LOOP_ERROR_CONTEXT_H_

#include <exception>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "evkit/loop/context.h"
#include "evkit/loop/handle.h"

namespace evkit {

class AbstractEventLoop;

// One report (contract rule ERR-02). Fields that do not apply are empty.
class ErrorContext {
 public:
  ErrorContext() = default;
  explicit ErrorContext(std::string what) : message(std::move(what)) {}

  // What happened: "Exception in callback <Handle ...>".
  std::string message;
  // The error, if it was a status.
  absl::Status status;
  // The error, if it was thrown by the user's code.
  std::exception_ptr exception;
  // The callback that was running, or that could not be scheduled.
  Handle handle;
  // Where the handler runs: the task's, if it is about one. Without it, in the
  // handle's (ERR-07).
  std::optional<Context> context;
  // Whatever else is known, by name: "fd", "task", "transport".
  std::map<std::string, std::string> details;

  // The report as the default handler prints it: the message (or "Unhandled
  // exception in event loop"), then each thing known as a line "name: value",
  // sorted by name (ERR-06).
  std::string ToString() const;
};

// Called with each report, on the loop's thread, in the context of the task or
// callback concerned (ERR-07). What it throws is reported to the default
// handler.
using ExceptionHandler = absl::AnyInvocable<void(AbstractEventLoop& loop,
                                                 const ErrorContext& error)>;

}  // namespace evkit

#endif  // EVKIT_LOOP_ERROR_CONTEXT_H_
