// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Looks for the first of several separators in bytes that keep coming, and
// looks at each byte once, but for those where a separator may have begun.

#ifndef EVKIT_NET_STREAMS_INTERNAL_SEPARATOR_SEARCH_H_
#define EVKIT_NET_STREAMS_INTERNAL_SEPARATOR_SEARCH_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace evkit::net_internal {

class SeparatorSearch {
 public:
  // A separator, or several; their bytes, and the span's, outlive this.
  explicit SeparatorSearch(absl::string_view separator) : one_(separator) {}
  explicit SeparatorSearch(absl::Span<const absl::string_view> separators)
      : several_(separators), is_one_(false) {}

  // Whether there is at least one, and none is empty.
  bool valid() const { return is_one_ ? !one_.empty() : AllAreValid(); }

  // Goes on in `data`: what it was given before, and more behind it. True if
  // there is a separator.
  bool Find(absl::string_view data) {
    return is_one_ ? FindOne(data) : FindFirst(data);
  }

  // Of the match that ends first; of those that end together, the shortest.
  size_t match_begin() const { return begin_; }
  size_t match_end() const { return end_; }
  // Before this, no separator begins. Where the next search starts.
  size_t searched() const { return searched_; }

 private:
  bool AllAreValid() const;
  bool FindOne(absl::string_view data);
  bool FindFirst(absl::string_view data);

  absl::string_view one_;
  absl::Span<const absl::string_view> several_;
  size_t searched_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool is_one_ = true;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_STREAMS_INTERNAL_SEPARATOR_SEARCH_H_
