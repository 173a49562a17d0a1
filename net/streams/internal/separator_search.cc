// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/internal/separator_search.h"

#include <algorithm>

namespace evkit::net_internal {

bool SeparatorSearch::AllAreValid() const {
  return !several_.empty() &&
         std::none_of(several_.begin(), several_.end(),
                      [](absl::string_view one) { return one.empty(); });
}

bool SeparatorSearch::FindOne(absl::string_view data) {
  const size_t at = data.find(one_, searched_);
  if (at != absl::string_view::npos) {
    begin_ = at;
    end_ = at + one_.size();
    return true;
  }
  if (data.size() + 1 > one_.size()) {
    searched_ = std::max(searched_, data.size() + 1 - one_.size());
  }
  return false;
}

bool SeparatorSearch::FindFirst(absl::string_view data) {
  bool found = false;
  size_t longest = 0;
  absl::string_view window = data.substr(searched_);
  for (const absl::string_view separator : several_) {
    longest = std::max(longest, separator.size());
    const size_t at = window.find(separator);
    if (at == absl::string_view::npos) continue;
    const size_t begin = searched_ + at;
    const size_t end = begin + separator.size();
    if (!found || end < end_ || (end == end_ && begin > begin_)) {
      begin_ = begin;
      end_ = end;
      found = true;
    }
    // What ends later does not matter for the others.
    window = data.substr(searched_, end_ - searched_);
  }
  if (!found && data.size() + 1 > longest) {
    searched_ = std::max(searched_, data.size() + 1 - longest);
  }
  return found;
}

}  // namespace evkit::net_internal
