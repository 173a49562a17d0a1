// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/fake_tls_context.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"

namespace evkit {
namespace {

// A record: its kind, its length in two bytes, and that many bytes, scrambled.
constexpr char kHello = 'h';
constexpr char kData = 'd';
constexpr char kClose = 'c';
constexpr char kAlert = 'a';
constexpr size_t kHeader = 3;
constexpr size_t kLongest = 16384;

class FakeTlsEngine final : public TlsEngine {
 public:
  FakeTlsEngine(bool server, std::string server_name, FakeTlsOptions options)
      : server_(server), options_(std::move(options)) {
    info_.server_name = std::move(server_name);
  }

  void Feed(absl::string_view ciphertext) override {
    input_.append(ciphertext.data(), ciphertext.size());
  }
  void FeedEof() override { at_eof_ = true; }

  absl::StatusOr<bool> Handshake() override {
    if (!server_ && !hello_sent_) {
      hello_sent_ = true;
      Say(kHello, info_.server_name);
    }
    absl::StatusOr<std::optional<Record>> record = Next();
    if (!record.ok()) return record.status();
    if (!record->has_value()) {
      if (at_eof_) return StatusFromErrno(ECONNRESET, "TLS handshake");
      return false;
    }
    if ((*record)->kind == kAlert) {
      return absl::AbortedError((*record)->text);
    }
    if ((*record)->kind != kHello) {
      return absl::AbortedError("TLS handshake: no hello");
    }
    const absl::Status& error =
        server_ ? options_.server_error : options_.client_error;
    if (!error.ok()) {
      Say(kAlert, error.message());
      return error;
    }
    if (server_) {
      info_.server_name = (*record)->text;
      Say(kHello, "");
    }
    info_.protocol = "FakeTLS";
    return true;
  }

  absl::StatusOr<std::optional<size_t>> Read(absl::Span<char> buffer) override {
    while (plaintext_.empty()) {
      if (peer_closed_) return 0;
      absl::StatusOr<std::optional<Record>> record = Next();
      if (!record.ok()) return record.status();
      if (!record->has_value()) {
        if (at_eof_) return absl::DataLossError("TLS read: no close_notify");
        return std::nullopt;
      }
      if ((*record)->kind == kClose) {
        peer_closed_ = true;
      } else if ((*record)->kind == kData) {
        plaintext_ = (*record)->text;
      } else {
        return absl::AbortedError("TLS read: not a record");
      }
    }
    const size_t size = std::min(buffer.size(), plaintext_.size());
    std::copy_n(plaintext_.begin(), size, buffer.begin());
    plaintext_.erase(0, size);
    return size;
  }

  absl::Status Write(absl::string_view data) override {
    if (closed_) {
      return absl::FailedPreconditionError("TLS write: after close_notify");
    }
    while (!data.empty()) {
      Say(kData, data.substr(0, kLongest));
      data.remove_prefix(std::min(kLongest, data.size()));
    }
    return absl::OkStatus();
  }

  absl::Status Shutdown() override {
    if (!std::exchange(closed_, true)) Say(kClose, "");
    return absl::OkStatus();
  }

  absl::string_view PendingOutput() const override { return output_; }
  void ConsumeOutput() override { output_.clear(); }

  TlsInfo info() const override { return info_; }

 private:
  class Record {
   public:
    Record(char its_kind, std::string its_text)
        : kind(its_kind), text(std::move(its_text)) {}
    char kind;
    std::string text;
  };

  static std::string Scrambled(absl::string_view text) {
    std::string scrambled(text);
    for (char& byte : scrambled) byte = static_cast<char>(byte ^ 0x5a);
    return scrambled;
  }

  void Say(char kind, absl::string_view text) {
    output_.push_back(kind);
    output_.push_back(static_cast<char>(text.size() >> 8));
    output_.push_back(static_cast<char>(text.size() & 0xff));
    output_.append(Scrambled(text));
  }

  absl::StatusOr<std::optional<Record>> Next() {
    if (!input_.empty() &&
        absl::string_view("hdca").find(input_[0]) == absl::string_view::npos) {
      return absl::AbortedError("TLS: wrong version number");
    }
    if (input_.size() < kHeader) return std::nullopt;
    const size_t size =
        static_cast<uint8_t>(input_[1]) << 8 | static_cast<uint8_t>(input_[2]);
    if (input_.size() < kHeader + size) return std::nullopt;
    Record record(input_[0], Scrambled(input_.substr(kHeader, size)));
    input_.erase(0, kHeader + size);
    return record;
  }

  const bool server_;
  const FakeTlsOptions options_;
  TlsInfo info_;
  std::string input_;
  std::string output_;
  std::string plaintext_;
  bool hello_sent_ = false;
  bool closed_ = false;
  bool peer_closed_ = false;
  bool at_eof_ = false;
};

class FakeTlsContext final : public TlsContext {
 public:
  explicit FakeTlsContext(FakeTlsOptions options)
      : options_(std::move(options)) {}

  absl::StatusOr<std::unique_ptr<TlsEngine>> NewClientEngine(
      absl::string_view server_name) override {
    if (server_name.empty()) {
      return absl::InvalidArgumentError("a TLS client needs a server_name");
    }
    return std::make_unique<FakeTlsEngine>(false, std::string(server_name),
                                           options_);
  }
  absl::StatusOr<std::unique_ptr<TlsEngine>> NewServerEngine() override {
    return std::make_unique<FakeTlsEngine>(true, "", options_);
  }

 private:
  const FakeTlsOptions options_;
};

}  // namespace

std::shared_ptr<TlsContext> NewFakeTlsContext(FakeTlsOptions options) {
  return std::make_shared<FakeTlsContext>(std::move(options));
}

}  // namespace evkit
