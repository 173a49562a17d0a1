// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/error_group.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace evkit {
namespace {

constexpr char kMembersPayload[] = "evkit/error_group";

// The payload is, for each member: code, message, number of payloads, and for
// each of those its name and its bytes. Numbers are 4 bytes, the lowest first;
// strings follow their length.
class Writer {
 public:
  Writer() = default;

  void Number(uint32_t n) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes_.push_back(static_cast<char>(n >> shift & 0xff));
    }
  }
  void String(absl::string_view s) {
    Number(static_cast<uint32_t>(s.size()));
    bytes_.append(s.data(), s.size());
  }
  void Status(const absl::Status& status) {
    Number(static_cast<uint32_t>(status.code()));
    String(status.message());
    uint32_t count = 0;
    status.ForEachPayload(
        [&count](absl::string_view, const absl::Cord&) { ++count; });
    Number(count);
    status.ForEachPayload(
        [this](absl::string_view name, const absl::Cord& payload) {
          String(name);
          String(std::string(payload));
        });
  }

  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Of bytes that may be anybody's: what is cut off reads as zero.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : bytes_(bytes) {}

  bool at_end() const { return bytes_.empty(); }
  uint32_t Number() {
    const absl::string_view raw = Bytes(4);
    uint32_t n = 0;
    for (size_t i = raw.size(); i-- > 0;) {
      n = n << 8 | static_cast<unsigned char>(raw[i]);
    }
    return n;
  }
  absl::string_view String() { return Bytes(Number()); }
  absl::Status Status() {
    const uint32_t code = Number();
    absl::Status status(static_cast<absl::StatusCode>(code), String());
    for (uint32_t count = Number(); count > 0 && !at_end(); --count) {
      const absl::string_view name = String();
      status.SetPayload(name, absl::Cord(String()));
    }
    return status;
  }

 private:
  absl::string_view Bytes(size_t count) {
    const absl::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(taken.size());
    return taken;
  }

  absl::string_view bytes_;
};

}  // namespace

absl::Status MakeErrorGroup(absl::string_view message,
                            absl::Span<const absl::Status> members) {
  Writer writer;
  std::string text = absl::StrCat(message, " (", members.size(), ")");
  absl::StatusCode code = absl::StatusCode::kOk;
  const char* separator = ": ";
  for (const absl::Status& member : members) {
    writer.Status(member);
    absl::StrAppend(
        &text, separator,
        member.ToString(absl::StatusToStringMode::kWithNoExtraData));
    separator = "; ";
    if (code == absl::StatusCode::kOk && !absl::IsCancelled(member)) {
      code = member.code();
    }
  }
  if (code == absl::StatusCode::kOk) code = absl::StatusCode::kUnknown;
  absl::Status group(code, text);
  group.SetPayload(kMembersPayload, absl::Cord(writer.Take()));
  return group;
}

bool IsErrorGroup(const absl::Status& status) {
  return status.GetPayload(kMembersPayload).has_value();
}

std::vector<absl::Status> ErrorGroupMembers(const absl::Status& status) {
  std::vector<absl::Status> members;
  const absl::optional<absl::Cord> payload = status.GetPayload(kMembersPayload);
  if (!payload.has_value()) return members;
  const std::string bytes(*payload);
  Reader reader(bytes);
  while (!reader.at_end()) members.push_back(reader.Status());
  return members;
}

}  // namespace evkit
