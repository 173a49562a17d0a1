// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/stream_reader.h"

#include <algorithm>
#include <optional>

#include "evkit/base/check.h"
#include "evkit/net/streams/stream_errors.h"

namespace evkit {
namespace net_internal {

bool ReadAwait::IsSatisfied() {
  if (reader().eof()) return true;
  switch (what_) {
    case What::kSome:
      return n_ == 0 || reader().size() > 0;
    case What::kAll:
      return false;
    case What::kExactly:
      return reader().size() >= n_;
  }
  return true;
}

absl::StatusOr<std::string> ReadAwait::await_resume() {
  absl::Status status = End();
  if (!status.ok()) return status;
  const size_t size = reader().size();
  switch (what_) {
    case What::kSome:
      return reader().Take(std::min(n_, size));
    case What::kAll:
      return reader().Take(size);
    case What::kExactly:
      break;
  }
  if (size < n_) return IncompleteReadError(reader().Take(size), n_);
  return reader().Take(n_);
}

bool ReadUntilAwait::IsSatisfied() {
  if (!search_.valid()) return true;
  found_ = search_.Find(reader().data());
  return found_ || search_.searched() > reader().limit() || reader().eof();
}

absl::StatusOr<std::string> ReadUntilAwait::await_resume() {
  absl::Status status = End();
  if (!status.ok()) return status;
  if (!search_.valid()) {
    return absl::InvalidArgumentError(
        "a separator should be at least one byte long");
  }
  if (found_) {
    if (search_.match_begin() <= reader().limit()) {
      return reader().Take(search_.match_end());
    }
    return Overrun("Separator is found, but chunk is longer than limit",
                   search_.match_begin());
  }
  if (search_.searched() > reader().limit()) {
    return Overrun("Separator is not found, and chunk exceed the limit",
                   search_.searched());
  }
  std::string rest = reader().Take(reader().size());
  if (is_line_) return rest;
  return IncompleteReadError(rest, std::nullopt);
}

absl::Status ReadUntilAwait::Overrun(absl::string_view message,
                                     size_t consumed) {
  if (is_line_) {
    reader().Drop(found_ ? search_.match_end() : reader().size());
  }
  return LimitOverrunError(message, consumed);
}

bool MoreAwait::IsSatisfied() {
  return reader().size() > have_ || reader().eof() || have_ > reader().limit();
}

absl::StatusOr<bool> MoreAwait::await_resume() {
  absl::Status status = End();
  if (!status.ok()) return status;
  if (reader().size() > have_) return true;
  if (reader().eof()) return false;
  return LimitOverrunError("no end within the limit", have_);
}

}  // namespace net_internal

StreamReader::StreamReader(size_t limit)
    : state_(std::make_shared<net_internal::ReaderState>(limit)) {
  EVKIT_CHECK(limit > 0, "the limit of a stream must be positive");
}

void StreamReader::Consume(size_t n) const {
  EVKIT_CHECK(n <= state_->size(), "more consumed than there is");
  EVKIT_CHECK(!state_->has_waiter(), "consumed while a read waits");
  if (n > 0) state_->Drop(n);
}

}  // namespace evkit
