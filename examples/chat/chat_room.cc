// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/chat/chat_room.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/wait_for.h"
#include "evkit/loop/sync/queue.h"

namespace evkit {
namespace {

constexpr absl::Duration kTimeForAName = absl::Minutes(1);

// A line without its end; kOutOfRange if there is none any more.
Coro<std::string> ReadWords(StreamReader reader) {
  const std::string line = co_await OrReturn(reader.ReadLine());
  if (line.empty()) co_return absl::OutOfRangeError("has left");
  co_return std::string(absl::StripAsciiWhitespace(line));
}

}  // namespace

// Shared by the room and by the task that sends.
class ChatRoom::Member {
 public:
  // Of one text all queues have the same copy.
  using Text = std::shared_ptr<const std::string>;

  Member(StreamWriter writer, size_t max_waiting)
      : writer_(std::move(writer)), waiting_(max_waiting) {}
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  // Never waits.
  void Tell(const Text& text) {
    if (waiting_.PutNowait(text).ok()) return;
    // Far behind. What it was sent goes with the connection.
    waiting_.Shutdown(/*immediate=*/true);
    writer_.transport()->Abort();
  }
  // No more will be told.
  void Finish() { waiting_.Shutdown(); }

  static Coro<void> SendAll(std::shared_ptr<Member> member) {
    for (;;) {
      const absl::StatusOr<Text> text = co_await member->waiting_.Get();
      if (absl::IsOutOfRange(text.status())) co_return absl::OkStatus();
      if (!text.ok()) co_return text.status();
      co_await OrReturn(member->writer_.Write(**text));
      co_await OrReturn(member->writer_.Drain());
    }
  }

 private:
  const StreamWriter writer_;
  Queue<Text> waiting_;
};

Coro<void> ChatRoom::Serve(std::shared_ptr<ChatRoom> room, StreamReader reader,
                           StreamWriter writer) {
  const absl::Status status = co_await room->Attend(std::move(reader), writer);
  writer.Close();
  // That a member is gone, or was too slow, is nothing to report.
  co_return absl::IsCancelled(status) ? status : absl::OkStatus();
}

Coro<void> ChatRoom::Attend(StreamReader reader, StreamWriter writer) {
  co_await OrReturn(writer.Write("Your name?\n"));
  const std::string name =
      co_await OrReturn(WaitFor(ReadWords(reader), kTimeForAName));
  if (name.empty() || members_.count(name) > 0) {
    co_return writer.Write("That one is taken.\n");
  }
  const auto member = std::make_shared<Member>(writer, max_waiting_);
  members_[name] = member;
  const Task<void> sender = CreateTask(Member::SendAll(member));
  Say(name, absl::StrCat(name, " has come.\n"));

  const absl::Status status = co_await Listen(name, std::move(reader));
  members_.erase(name);
  Say(name, absl::StrCat(name, " has left.\n"));
  member->Finish();
  if (absl::IsCancelled(status)) sender.Cancel();
  (void)co_await sender;
  co_return status;
}

Coro<void> ChatRoom::Listen(std::string name, StreamReader reader) {
  for (;;) {
    const std::string words = co_await OrReturn(ReadWords(reader));
    if (words == "/quit") co_return absl::OkStatus();
    if (words == "/who") {
      const std::string all = absl::StrJoin(
          members_, ", ", [](std::string* out, const auto& member) {
            out->append(member.first);
          });
      members_.at(name)->Tell(std::make_shared<const std::string>(all + "\n"));
    } else if (!words.empty()) {
      Say(name, absl::StrCat(name, ": ", words, "\n"));
    }
  }
}

void ChatRoom::Say(absl::string_view from, absl::string_view line) {
  const auto text = std::make_shared<const std::string>(line);
  for (const auto& [name, member] : members_) {
    if (name != from) member->Tell(text);
  }
}

}  // namespace evkit
