// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Latencies in buckets that are at most 1.6 % wide.

#ifndef EVKIT_BENCH_NET_HISTOGRAM_H_
#define EVKIT_BENCH_NET_HISTOGRAM_H_

#include <bit>
#include <cstdint>
#include <vector>

namespace evkit {

class Histogram {
 public:
  Histogram() : counts_((65 - kBits) << kBits) {}

  void Add(uint64_t value) {
    ++counts_[Bucket(value)];
    ++total_;
  }

  // The smallest value that at least `fraction` of all are not above; 0 of
  // none.
  uint64_t Quantile(double fraction) const {
    const auto rank = static_cast<uint64_t>(fraction * total_);
    uint64_t seen = 0;
    for (uint64_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > rank) {
        return Value(i);
      }
    }
    return Max();
  }

  uint64_t Max() const {
    for (uint64_t i = counts_.size(); i-- > 0;) {
      if (counts_[i] > 0) {
        return Value(i);
      }
    }
    return 0;
  }

  uint64_t total() const { return total_; }

  void Clear() {
    counts_.assign(counts_.size(), 0);
    total_ = 0;
  }

 private:
  // A power of two is cut into 2^kBits buckets; below 2^kBits they are exact.
  static constexpr int kBits = 6;

  static uint64_t Bucket(uint64_t value) {
    const int shift = std::bit_width(value) - 1 - kBits;
    if (shift <= 0) {
      return value;
    }
    return (uint64_t{static_cast<unsigned>(shift)} << kBits) + (value >> shift);
  }

  static uint64_t Value(uint64_t bucket) {
    const uint64_t shift = bucket >> kBits;
    if (shift <= 1) {
      return bucket;
    }
    return (bucket - ((shift - 1) << kBits)) << (shift - 1);
  }

  std::vector<uint64_t> counts_;
  uint64_t total_ = 0;
};

}  // namespace evkit

#endif  // EVKIT_BENCH_NET_HISTOGRAM_H_
