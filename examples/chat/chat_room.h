// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A room in which everybody reads what anybody writes, line by line.
//
// What makes it more than a loop over sockets: somebody who does not read must
// not keep the others waiting, nor fill the memory. So each member has a queue
// of `max_waiting` lines, which a task of its own sends; who has fallen so far
// behind that it is full is thrown out. The others wait for nobody.

#ifndef EVKIT_EXAMPLES_CHAT_CHAT_ROOM_H_
#define EVKIT_EXAMPLES_CHAT_CHAT_ROOM_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/net/streams/stream_reader.h"
#include "evkit/net/streams/stream_writer.h"

namespace evkit {

class ChatRoom {
 public:
  explicit ChatRoom(size_t max_waiting = 100) : max_waiting_(max_waiting) {}
  ChatRoom(const ChatRoom&) = delete;
  ChatRoom& operator=(const ChatRoom&) = delete;

  // One member, from the first line, which is its name, to the end of its
  // connection, which this closes.
  static Coro<void> Serve(std::shared_ptr<ChatRoom> room, StreamReader reader,
                          StreamWriter writer);

  size_t size() const { return members_.size(); }

 private:
  class Member;

  Coro<void> Attend(StreamReader reader, StreamWriter writer);
  Coro<void> Listen(std::string name, StreamReader reader);
  // To all but `from`.
  void Say(absl::string_view from, absl::string_view line);

  const size_t max_waiting_;
  std::map<std::string, std::shared_ptr<Member>> members_;
};

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_CHAT_CHAT_ROOM_H_
