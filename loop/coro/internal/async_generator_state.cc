// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/async_generator_state.h"

#include <exception>

#include "absl/strings/str_cat.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/loop_local.h"

namespace evkit::loop_internal {

AsyncGeneratorPromise::~AsyncGeneratorPromise() {
  if (state_ != nullptr) state_->OnFrameDestroyed();
}

AsyncGeneratorState* AsyncGeneratorPromise::NewState() {
  return state_ = new AsyncGeneratorState(*this);
}

std::string AsyncGeneratorState::DebugString() const {
  if (finished()) return "<AsyncGenerator finished>";
  if (!begun()) return "<AsyncGenerator not begun>";
  const SourceLocation at = frame_->where();
  return absl::StrCat("<AsyncGenerator ", running_ ? "running" : "suspended",
                      " at ", at.file(), ":", at.line(), " in ", at.function(),
                      ">");
}

absl::Status AsyncGeneratorState::CheckCanStep(const char* what) const {
  if (running_) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, ": the asynchronous generator is already running"));
  }
  if (begun() && hub_.get() != &TaskState::Current()->hub()) {
    return absl::FailedPreconditionError(
        absl::StrCat(what,
                     ": the asynchronous generator was begun on another "
                     "event loop"));
  }
  return absl::OkStatus();
}

void AsyncGeneratorState::BeginStep(bool closing, PromiseBase& caller,
                                    Call& call) {
  // First, since it may call the exception handler, which is the user's.
  if (!begun()) {
    TaskHub& hub = TaskState::Current()->hub();
    hub_ = RefPtr<TaskHub>(&hub);
    frame_->set_where(caller.where());
    AsyncGeneratorList::Of(*hub.loop()).Add(*this);
  }
  running_ = true;
  frame_->closing_ = closing;
  call.Adopt(*frame_);
  call.Begin(&caller, *caller.stack());
}

void AsyncGeneratorState::EndStep(Call& call) {
  running_ = false;
  call.Release();
}

void AsyncGeneratorState::DestroyFrame() {
  if (frame_ == nullptr || running_) return;
  AsyncGeneratorPromise& frame = *frame_;
  // The frame's locals may hold the last reference to this.
  frame.state_ = nullptr;
  OnFrameDestroyed();
  frame.handle().destroy();
}

void AsyncGeneratorState::OnFrameDestroyed() {
  frame_ = nullptr;
  running_ = false;
  if (list_ != nullptr) list_->Remove(*this);
}

AsyncGeneratorList& AsyncGeneratorList::Of(AbstractEventLoop& loop) {
  static constexpr LoopLocal<AsyncGeneratorList> kLists;
  return kLists.Get(loop);
}

AsyncGeneratorList::~AsyncGeneratorList() {
  while (first_ != nullptr) {
    const AsyncGeneratorRef generator(first_);
    Remove(*generator);
    generator->DestroyFrame();
  }
}

void AsyncGeneratorList::Add(AsyncGeneratorState& generator) {
  generator.list_ = this;
  generator.previous_ = last_;
  generator.next_ = nullptr;
  (last_ == nullptr ? first_ : last_->next_) = &generator;
  last_ = &generator;
  if (!shut_down_) return;
  ErrorContext report(
      "an asynchronous generator was begun after ShutdownAsyncGenerators(), "
      "and may be destroyed instead of closed");
  report.details["asyncgen"] = generator.DebugString();
  loop_.CallExceptionHandler(report);
}

void AsyncGeneratorList::Remove(AsyncGeneratorState& generator) {
  (generator.previous_ == nullptr ? first_ : generator.previous_->next_) =
      generator.next_;
  (generator.next_ == nullptr ? last_ : generator.next_->previous_) =
      generator.previous_;
  generator.list_ = nullptr;
}

std::vector<AsyncGeneratorRef> AsyncGeneratorList::ShutDown() {
  shut_down_ = true;
  std::vector<AsyncGeneratorRef> generators;
  while (first_ != nullptr) {
    generators.emplace_back(first_);
    Remove(*first_);
  }
  return generators;
}

bool AsyncYieldAwait::Evaluate(absl::Status& why) {
  if (!promise_.closing() || (tells_ && !ignored_close_)) return true;
  if (ignored_close_) {
    why = absl::FailedPreconditionError(
        "Close: the asynchronous generator ignored close, and yielded again");
  }
  return false;
}

bool AsyncCloseAwait::await_ready() {
  if (generator().finished()) return true;
  slot_.status = generator().CheckCanStep("Close");
  if (!slot_.status.ok()) return true;
  if (generator().begun()) return false;
  generator().DestroyFrame();
  return true;
}

absl::Status AsyncCloseAwait::await_resume() {
  if (stepped()) EndStep();
  if (slot_.exception != nullptr) {
    std::rethrow_exception(std::move(slot_.exception));
  }
  return std::move(slot_.status);
}

}  // namespace evkit::loop_internal
