// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/async_generator.h"

#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/internal/all_done.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/error_context.h"

namespace evkit {
namespace {

using loop_internal::AllDone;
using loop_internal::AsyncGeneratorList;
using loop_internal::AsyncGeneratorRef;

Coro<void> CloseGenerator(AsyncGeneratorRef generator) {
  loop_internal::AsyncCloseAwait close(generator);
  co_return co_await close;
}

void Report(AbstractEventLoop& loop, const AnyTask& closing,
            const std::string& generator) {
  ErrorContext report(absl::StrCat(
      "an error occurred during closing of asynchronous generator ",
      generator));
  report.status = closing.Error();
  report.exception = closing.Exception();
  report.details["asyncgen"] = generator;
  loop.CallExceptionHandler(report);
}

}  // namespace

Coro<void> ShutdownAsyncGenerators(AbstractEventLoop& loop) {
  std::vector<AnyTask> closing;
  std::vector<std::string> names;
  for (const AsyncGeneratorRef& generator :
       AsyncGeneratorList::Of(loop).ShutDown()) {
    names.push_back(generator->DebugString());
    closing.push_back(CreateTask(loop, CloseGenerator(generator)));
  }
  if (closing.empty()) co_return absl::OkStatus();
  const Future<void> all = AllDone(loop, closing);
  const absl::Status waited = co_await all;
  if (!waited.ok()) {
    for (const AnyTask& task : closing) task.Cancel();
    const Future<void> rest = AllDone(loop, closing);
    const absl::Status again = co_await rest;
    if (!again.ok()) co_return again;
  }
  for (size_t i = 0; i < closing.size(); ++i) {
    if (!closing[i].cancelled() && !closing[i].Error().ok()) {
      Report(loop, closing[i], names[i]);
    }
  }
  co_return waited;
}

}  // namespace evkit
