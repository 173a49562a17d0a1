// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/signals/signal_handlers.h"

#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "evkit/base/check.h"
#include "evkit/loop/context.h"
#include "evkit/loop/loop_local.h"
#include "evkit/loop/signals/signal_receiver.h"

namespace evkit {
namespace {

// One loop's handlers. Has a receiver, and a descriptor in the loop, only while
// there are any.
class SignalHandlers {
 public:
  explicit SignalHandlers(AbstractEventLoop& loop) : loop_(loop) {}
  SignalHandlers(const SignalHandlers&) = delete;
  SignalHandlers& operator=(const SignalHandlers&) = delete;

  absl::Status Add(int signal, Callback callback, SourceLocation where);
  bool Remove(int signal);

 private:
  struct Handler {
    Handler(Callback to_call, SourceLocation added_at)
        : callback(std::move(to_call)),
          context(Context::CopyCurrent()),
          where(added_at) {}
    Callback callback;
    Context context;
    const SourceLocation where;
  };

  // One signal's, from when it is first handled until that is removed.
  struct Registration {
    // Shared with the run of it that is under way. Null: removed.
    std::shared_ptr<Handler> handler;
  };

  absl::Status StartReceiving();
  void StopReceiving();
  static void Run(const Registration& registration);

  AbstractEventLoop& loop_;
  std::unique_ptr<SignalReceiver> receiver_;
  // Shared with the calls that are queued.
  absl::flat_hash_map<int, std::shared_ptr<Registration>> registrations_;
};

constexpr LoopLocal<SignalHandlers> signal_handlers;

absl::Status SignalHandlers::Add(int signal, Callback callback,
                                 SourceLocation where) {
  if (receiver_ == nullptr) {
    if (absl::Status status = StartReceiving(); !status.ok()) return status;
  }
  const auto found = registrations_.find(signal);
  const bool is_new = found == registrations_.end();
  const std::shared_ptr<Registration> registration =
      is_new ? std::make_shared<Registration>() : found->second;
  absl::Status status = receiver_->Watch(signal, [this, registration](int) {
    const Handler& handler = *registration->handler;
    loop_.CallSoon([registration] { Run(*registration); }, handler.context,
                   handler.where);
  });
  if (!status.ok()) {
    if (registrations_.empty()) StopReceiving();
    return status;
  }
  if (is_new) registrations_[signal] = registration;
  // Destroyed last: that may run code of the user's, which finds all in order.
  const std::shared_ptr<Handler> old =
      std::exchange(registration->handler,
                    std::make_shared<Handler>(std::move(callback), where));
  return absl::OkStatus();
}

bool SignalHandlers::Remove(int signal) {
  if (receiver_ == nullptr || !receiver_->Unwatch(signal)) return false;
  const auto found = registrations_.find(signal);
  const std::shared_ptr<Handler> old =
      std::exchange(found->second->handler, nullptr);
  registrations_.erase(found);
  if (registrations_.empty()) StopReceiving();
  return true;
}

absl::Status SignalHandlers::StartReceiving() {
  absl::StatusOr<std::unique_ptr<SignalReceiver>> receiver =
      SignalReceiver::Create();
  if (!receiver.ok()) return receiver.status();
  // In a context of its own: it stays, and would keep the values of this one.
  absl::Status status = Context().Run([&] {
    return loop_.AddReader((*receiver)->fd(),
                           [this] { receiver_->Dispatch(); });
  });
  if (status.ok()) receiver_ = *std::move(receiver);
  return status;
}

void SignalHandlers::StopReceiving() {
  loop_.RemoveReader(receiver_->fd());
  receiver_.reset();
}

void SignalHandlers::Run(const Registration& registration) {
  const std::shared_ptr<Handler> handler = registration.handler;
  if (handler == nullptr) return;
  // Another context than that of the call, if it was replaced meanwhile.
  handler->context.Run([&] { handler->callback(); });
}

}  // namespace

absl::Status AddSignalHandler(AbstractEventLoop& loop, int signal,
                              Callback callback, SourceLocation where) {
  EVKIT_CHECK(static_cast<bool>(callback),
              "a signal's callback must not be null");
  if (loop.IsClosed()) {
    return absl::FailedPreconditionError(
        "AddSignalHandler: event loop is closed");
  }
  return signal_handlers.Get(loop).Add(signal, std::move(callback), where);
}

bool RemoveSignalHandler(AbstractEventLoop& loop, int signal) {
  SignalHandlers* const handlers = signal_handlers.GetIfExists(loop);
  return handlers != nullptr && handlers->Remove(signal);
}

}  // namespace evkit
