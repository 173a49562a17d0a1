// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/conformance/internal/json.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"

namespace evkit::conformance {

class JsonReader {
 public:
  explicit JsonReader(absl::string_view text) : text_(text) {}

  absl::StatusOr<Json> Read() {
    Json value;
    if (!ReadValue(value, 0) || !AtEnd()) {
      return absl::InvalidArgumentError(
          absl::StrCat("not the JSON of a program, at byte ", position_));
    }
    return value;
  }

 private:
  static constexpr int kMaxDepth = 200;

  void SkipSpace() {
    while (position_ < text_.size() &&
           absl::ascii_isspace(static_cast<unsigned char>(text_[position_]))) {
      ++position_;
    }
  }
  bool AtEnd() {
    SkipSpace();
    return position_ == text_.size();
  }
  // Whether `c` comes next, and is passed.
  bool Take(char c) {
    SkipSpace();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  bool ReadValue(Json& value, int depth) {
    if (depth > kMaxDepth) return false;
    if (Take('[')) return ReadArray(value, depth);
    if (Take('{')) return ReadObject(value, depth);
    if (Take('"')) {
      value.kind_ = Json::Kind::kString;
      return ReadString(value.string_);
    }
    constexpr absl::string_view kNull = "null";
    if (text_.substr(position_, kNull.size()) == kNull) {
      position_ += kNull.size();
      return true;
    }
    return ReadInteger(value);
  }

  bool ReadArray(Json& value, int depth) {
    value.kind_ = Json::Kind::kArray;
    if (Take(']')) return true;
    do {
      value.items_.emplace_back();
      if (!ReadValue(value.items_.back(), depth + 1)) return false;
    } while (Take(','));
    return Take(']');
  }

  bool ReadObject(Json& value, int depth) {
    value.kind_ = Json::Kind::kObject;
    if (Take('}')) return true;
    do {
      value.keys_.emplace_back();
      value.items_.emplace_back();
      if (!Take('"') || !ReadString(value.keys_.back()) || !Take(':') ||
          !ReadValue(value.items_.back(), depth + 1)) {
        return false;
      }
    } while (Take(','));
    return Take('}');
  }

  // The opening quote has been passed. Escapes of Unicode are not needed.
  bool ReadString(std::string& string) {
    for (; position_ < text_.size(); ++position_) {
      char c = text_[position_];
      if (c == '"') {
        ++position_;
        return true;
      }
      if (c == '\\') {
        if (++position_ == text_.size()) return false;
        c = text_[position_];
        if (c == 'n') {
          c = '\n';
        } else if (c == 't') {
          c = '\t';
        } else if (c != '"' && c != '\\' && c != '/') {
          return false;
        }
      }
      string += c;
    }
    return false;
  }

  bool ReadInteger(Json& value) {
    const size_t begin = position_;
    while (
        position_ < text_.size() &&
        (text_[position_] == '-' ||
         absl::ascii_isdigit(static_cast<unsigned char>(text_[position_])))) {
      ++position_;
    }
    value.kind_ = Json::Kind::kInteger;
    return absl::SimpleAtoi(text_.substr(begin, position_ - begin),
                            &value.integer_);
  }

  const absl::string_view text_;
  size_t position_ = 0;
};

absl::StatusOr<Json> Json::Parse(absl::string_view text) {
  return JsonReader(text).Read();
}

int Json::integer() const {
  EVKIT_CHECK(kind_ == Kind::kInteger, "the program has no integer here");
  return integer_;
}

const std::string& Json::string() const {
  EVKIT_CHECK(kind_ == Kind::kString, "the program has no string here");
  return string_;
}

const std::vector<Json>& Json::items() const {
  EVKIT_CHECK(kind_ == Kind::kArray, "the program has no array here");
  return items_;
}

const Json& Json::operator[](size_t index) const {
  EVKIT_CHECK(index < size(), "the program has too few operands here");
  return items_[index];
}

const Json& Json::Member(absl::string_view key) const {
  EVKIT_CHECK(kind_ == Kind::kObject, "the program has no object here");
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i] == key) return items_[i];
  }
  static const Json* const kNull = new Json();
  return *kNull;
}

}  // namespace evkit::conformance
