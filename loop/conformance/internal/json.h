// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Reads as much of JSON as the recorded programs are made of: arrays, objects,
// 32-bit integers, strings, null. For these tests only: who wants JSON takes a
// library, which for this package would be one more dependency than it saves
// lines.

#ifndef EVKIT_LOOP_CONFORMANCE_INTERNAL_JSON_H_
#define EVKIT_LOOP_CONFORMANCE_INTERNAL_JSON_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace evkit::conformance {

// One value. Asking for what it is not is a bug in the program read (checked).
class Json {
 public:
  // kInvalidArgument, with the position, if `text` is not one value of the
  // kinds above.
  static absl::StatusOr<Json> Parse(absl::string_view text);

  Json() = default;  // Null.

  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_array() const { return kind_ == Kind::kArray; }
  bool is_object() const { return kind_ == Kind::kObject; }

  int integer() const;
  const std::string& string() const;
  // Of an array.
  const std::vector<Json>& items() const;
  size_t size() const { return items().size(); }
  const Json& operator[](size_t index) const;
  // Of an object: the member, or a null one if there is none.
  const Json& Member(absl::string_view key) const;

 private:
  friend class JsonReader;
  enum class Kind { kNull, kInteger, kString, kArray, kObject };

  Kind kind_ = Kind::kNull;
  int integer_ = 0;
  std::string string_;
  std::vector<Json> items_;        // Of an object: the members' values,
  std::vector<std::string> keys_;  // and their names.
};

}  // namespace evkit::conformance

#endif  // EVKIT_LOOP_CONFORMANCE_INTERNAL_JSON_H_
