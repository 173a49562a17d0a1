// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/http_file_server/http_file_server.h"

#include <sys/types.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "evkit/examples/http_file_server/content_type.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/wait_for.h"
#include "evkit/net/sendfile.h"

namespace evkit {
namespace {

// How long, and how much, is read and thrown away after a refusal: a connection
// that is closed with something unread is reset, and the peer may not see why.
constexpr absl::Duration kLingerTime = absl::Seconds(2);
constexpr size_t kMaxIgnored = 1 << 20;

}  // namespace

class HttpFileServer::Session {
 public:
  Session(HttpFileServer& server, StreamReader in, StreamWriter out)
      : reader(std::move(in)), writer(std::move(out)), server_(server) {
    server_.sessions_.insert(this);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { server_.sessions_.erase(this); }

  StreamReader reader;
  StreamWriter writer;
  bool idle = true;
  // The last request was refused, and the peer may not have sent all of it.
  bool has_unread = false;

 private:
  HttpFileServer& server_;
};

class HttpFileServer::Answer {
 public:
  explicit Answer(HttpResponse response_in)
      : response(std::move(response_in)), end(response.body.size()) {}
  explicit Answer(int status) : Answer(HttpResponse::Page(status)) {}

  uint64_t size() const { return end - begin; }
  // Of what could not be read as a request to the end.
  bool is_refusal() const {
    const int status = response.status;
    return status == 400 || status == 405 || status == 408 || status == 413 ||
           status == 431 || status == 505;
  }

  HttpResponse response;
  std::optional<OpenFile> file;  // Otherwise the body is in the response.
  uint64_t begin = 0;
  uint64_t end;
};

namespace {

absl::Time ModifiedAt(const struct stat& info) {
  return absl::TimeFromTimespec(info.st_mtim);
}

// Changes whenever the file does, as far as its time can tell.
std::string EntityTag(const struct stat& info) {
  return absl::StrFormat("\"%x-%x\"", info.st_size,
                         absl::ToUnixNanos(ModifiedAt(info)));
}

bool IsUnchanged(const HttpRequest& request, const struct stat& info) {
  if (request.Field("If-None-Match").has_value()) {
    return request.FieldHas("If-None-Match", EntityTag(info)) ||
           request.FieldHas("If-None-Match", "*");
  }
  const std::optional<absl::string_view> since =
      request.Field("If-Modified-Since");
  absl::Time time;
  std::string ignored;
  return since.has_value() &&
         absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", *since, &time,
                         &ignored) &&
         absl::ToUnixSeconds(ModifiedAt(info)) <= absl::ToUnixSeconds(time);
}

}  // namespace

Coro<void> HttpFileServer::Serve(std::shared_ptr<HttpFileServer> server,
                                 StreamReader reader, StreamWriter writer) {
  Session session(*server, std::move(reader), std::move(writer));
  absl::Status status = co_await server->AnswerRequests(session);
  if (status.ok() && session.has_unread) {
    status = co_await WaitFor(server->Linger(session), kLingerTime);
  }
  if (status.ok()) {
    session.writer.Close();
  } else {
    // Closing would wait until the peer has taken what it does not take.
    session.writer.transport()->Abort();
  }
  // A peer that goes away is nothing to report.
  co_return absl::IsCancelled(status) ? status : absl::OkStatus();
}

Coro<void> HttpFileServer::AnswerRequests(Session& session) {
  if (sessions_.size() > options_.max_connections) {
    co_return co_await Send(session, Answer(503), /*with_body=*/true,
                            /*keep=*/false);
  }
  bool keep = true;
  while (keep) {
    const bool has_come = co_await OrReturn(WaitForRequest(session));
    if (!has_come) break;
    const absl::StatusOr<std::string> head = co_await WaitFor(
        session.reader.ReadUntil("\r\n\r\n"), options_.head_timeout);
    bool with_body = true;
    std::optional<Answer> answer;
    if (head.ok()) {
      answer.emplace(Decide(*head, &with_body, &keep));
    } else if (absl::IsResourceExhausted(head.status())) {
      keep = false;
      answer.emplace(431);
    } else if (absl::IsDeadlineExceeded(head.status())) {
      keep = false;
      answer.emplace(408);
    } else {
      co_return head.status();
    }
    session.has_unread = answer->is_refusal();
    keep = keep && !stopping_;
    co_await OrReturn(Send(session, *std::move(answer), with_body, keep));
    keep = keep && !stopping_;
  }
  co_return absl::OkStatus();
}

Coro<bool> HttpFileServer::WaitForRequest(Session& session) {
  if (!session.reader.buffered().empty()) co_return true;
  session.idle = true;
  const absl::StatusOr<bool> more =
      co_await WaitFor(session.reader.WaitForMore(0), options_.idle_timeout);
  session.idle = false;
  if (absl::IsDeadlineExceeded(more.status())) co_return false;
  co_return more;
}

Coro<void> HttpFileServer::Send(Session& session, Answer answer, bool with_body,
                                bool keep) {
  HttpResponse& response = answer.response;
  response.Add("Date", FormatHttpDate(options_.now()));
  if (response.status != 304) {
    response.Add("Content-Length", absl::StrCat(answer.size()));
  }
  response.Add("Connection", keep ? "keep-alive" : "close");
  std::string head = response.Head();
  if (with_body) head += response.body;
  co_await OrReturn(session.writer.Write(head));
  if (with_body && answer.file.has_value()) {
    co_await OrReturn(SendFile(session, answer));
  }
  co_return co_await WaitFor(session.writer.Drain(), options_.portion_timeout);
}

Coro<void> HttpFileServer::SendFile(Session& session, const Answer& answer) {
  SendfileOptions part;
  for (uint64_t at = answer.begin; at < answer.end;) {
    part.offset = static_cast<off_t>(at);
    part.count = std::min(options_.portion, answer.end - at);
    const size_t sent = co_await OrReturn(WaitFor(
        Sendfile(session.writer.transport(), answer.file->fd.get(), part),
        options_.portion_timeout));
    if (sent == 0) co_return absl::DataLossError("the file has shrunk");
    at += sent;
  }
  co_return absl::OkStatus();
}

Coro<void> HttpFileServer::Linger(Session& session) {
  // TLS has no half-close, and lingers by itself when it is closed.
  if (!session.writer.CanWriteEof()) co_return absl::OkStatus();
  co_await OrReturn(session.writer.WriteEof());
  for (size_t read = 0; read < kMaxIgnored;) {
    const std::string ignored = co_await OrReturn(session.reader.Read(65536));
    if (ignored.empty()) break;
    read += ignored.size();
  }
  co_return absl::OkStatus();
}

HttpFileServer::Answer HttpFileServer::Decide(absl::string_view head,
                                              bool* with_body,
                                              bool* keep) const {
  *keep = false;
  const absl::StatusOr<HttpRequest> request = ParseHttpRequest(head);
  if (!request.ok()) return Answer(HttpStatusOf(request.status()));
  // What a body would look like to us is another request: the connection ends.
  if (request->HasBody()) return Answer(413);
  *with_body = request->method != "HEAD";
  *keep = request->WantsKeepAlive();
  if (*with_body && request->method != "GET") {
    *keep = false;
    Answer answer(405);
    answer.response.Add("Allow", "GET, HEAD");
    return answer;
  }
  return DecideFile(*request);
}

HttpFileServer::Answer HttpFileServer::DecideFile(
    const HttpRequest& request) const {
  absl::StatusOr<OpenFile> file = files_.Find(request.path);
  if (!file.ok()) return Answer(HttpStatusOf(file.status()));
  if (file->is_directory()) return DecideDirectory(request, *std::move(file));
  if (request.path.back().empty()) return Answer(404);  // "file.txt/"

  const struct stat& info = file->info;
  const auto size = static_cast<uint64_t>(info.st_size);
  const std::string tag = EntityTag(info);
  HttpResponse response(200);
  response.Add("ETag", tag);
  response.Add("Last-Modified", FormatHttpDate(ModifiedAt(info)));
  response.Add("Accept-Ranges", "bytes");
  if (IsUnchanged(request, info)) {
    response.status = 304;
    return Answer(std::move(response));
  }
  std::optional<ByteRange> range;
  const std::optional<absl::string_view> if_range = request.Field("If-Range");
  if (request.Field("Range").has_value() && if_range.value_or(tag) == tag) {
    const absl::StatusOr<std::optional<ByteRange>> asked =
        ParseRange(*request.Field("Range"), size);
    if (!asked.ok()) {
      Answer answer(416);
      answer.response.Add("Content-Range", absl::StrCat("bytes */", size));
      return answer;
    }
    range = *asked;
  }
  response.Add("Content-Type", ContentType(request.path.back()));
  if (range.has_value()) {
    response.status = 206;
    response.Add("Content-Range", absl::StrCat("bytes ", range->begin, "-",
                                               range->end - 1, "/", size));
  }
  Answer answer(std::move(response));
  answer.file = *std::move(file);
  answer.begin = range.has_value() ? range->begin : 0;
  answer.end = range.has_value() ? range->end : size;
  return answer;
}

HttpFileServer::Answer HttpFileServer::DecideDirectory(
    const HttpRequest& request, OpenFile folder) const {
  if (!request.path.back().empty()) {
    Answer answer(301);
    answer.response.Add("Location", EncodePath(request.path) + "/");
    return answer;
  }
  HttpRequest index = request;
  index.path.back() = "index.html";
  const absl::StatusOr<OpenFile> found = files_.Find(index.path);
  if (found.ok() && !found->is_directory()) return DecideFile(index);
  const absl::StatusOr<std::vector<std::string>> names = FileTree::List(folder);
  if (!names.ok()) return Answer(HttpStatusOf(names.status()));
  HttpResponse response(200);
  response.Add("Content-Type", "text/html; charset=utf-8");
  response.body = ListingPage(request.path, *names);
  return Answer(std::move(response));
}

void HttpFileServer::Shutdown() {
  stopping_ = true;
  for (Session* const session : sessions_) {
    if (session->idle) session->writer.Close();
  }
}

}  // namespace evkit
