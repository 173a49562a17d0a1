// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Serves the files of a directory by HTTP/1.1, one coroutine a connection.
//
//   GET and HEAD; ranges; 304 for what has not changed; index.html or a
//   listing of a directory; connections that stay open, also pipelined.
//
// What a hostile peer gets: a head of at most `max_head` bytes, sent within
// `head_timeout`, however it is cut; a body never; an idle connection for
// `idle_timeout`; a file as fast as it takes it, but a portion of `portion`
// within `portion_timeout`; no more than `max_connections`; and only what is
// below the root (file_tree.h).

#ifndef EVKIT_EXAMPLES_HTTP_FILE_SERVER_HTTP_FILE_SERVER_H_
#define EVKIT_EXAMPLES_HTTP_FILE_SERVER_HTTP_FILE_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "evkit/examples/http_file_server/file_tree.h"
#include "evkit/examples/http_file_server/http_request.h"
#include "evkit/examples/http_file_server/http_response.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/net/streams/stream_reader.h"
#include "evkit/net/streams/stream_writer.h"

namespace evkit {

class HttpFileServerOptions {
 public:
  HttpFileServerOptions() {}

  size_t max_head = 16384;
  size_t max_connections = 10000;
  absl::Duration idle_timeout = absl::Seconds(30);
  absl::Duration head_timeout = absl::Seconds(10);
  uint64_t portion = 1 << 20;
  absl::Duration portion_timeout = absl::Minutes(1);
  // The time of day, for the answers.
  std::function<absl::Time()> now = absl::Now;
};

// Shared by whoever made it and its connections. Belongs to the loop's thread.
class HttpFileServer {
 public:
  explicit HttpFileServer(
      FileTree files, HttpFileServerOptions options = HttpFileServerOptions())
      : files_(std::move(files)), options_(std::move(options)) {}
  HttpFileServer(const HttpFileServer&) = delete;
  HttpFileServer& operator=(const HttpFileServer&) = delete;

  // Answers the requests of one connection, and closes it. `reader`'s limit is
  // to be `options.max_head`.
  static Coro<void> Serve(std::shared_ptr<HttpFileServer> server,
                          StreamReader reader, StreamWriter writer);

  // Connections that are waiting for a request are closed, the others after the
  // answer that they are at.
  void Shutdown();

 private:
  class Session;
  // An answer, and the file to send after it, if there is one.
  class Answer;

  Coro<void> AnswerRequests(Session& session);
  // False: nothing more will come.
  Coro<bool> WaitForRequest(Session& session);
  Coro<void> Send(Session& session, Answer answer, bool with_body, bool keep);
  Coro<void> SendFile(Session& session, const Answer& answer);
  Coro<void> Linger(Session& session);
  // What a request is answered with, and whether another may follow.
  Answer Decide(absl::string_view head, bool* with_body, bool* keep) const;
  Answer DecideFile(const HttpRequest& request) const;
  Answer DecideDirectory(const HttpRequest& request, OpenFile folder) const;

  const FileTree files_;
  const HttpFileServerOptions options_;
  std::set<Session*> sessions_;
  bool stopping_ = false;
};

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_HTTP_FILE_SERVER_HTTP_FILE_SERVER_H_
