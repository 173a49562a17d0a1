// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/udp_dns_probe/dns_message.h"

#include <arpa/inet.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace evkit {
namespace {

constexpr uint16_t kA = 1, kNs = 2, kCname = 5, kSoa = 6, kPtr = 12, kMx = 15,
                   kTxt = 16, kAaaa = 28, kSrv = 33;
constexpr uint16_t kInternet = 1;
constexpr size_t kMaxName = 255;
constexpr size_t kMaxLabel = 63;

class TypeName {
 public:
  constexpr TypeName(uint16_t number_in, absl::string_view name_in)
      : number(number_in), name(name_in) {}
  uint16_t number;
  absl::string_view name;
};
constexpr TypeName kTypes[] = {
    {kA, "A"},   {kNs, "NS"},   {kCname, "CNAME"}, {kSoa, "SOA"}, {kPtr, "PTR"},
    {kMx, "MX"}, {kTxt, "TXT"}, {kAaaa, "AAAA"},   {kSrv, "SRV"}};

void AppendUint16(std::string* out, uint16_t value) {
  out->push_back(static_cast<char>(value >> 8));
  out->push_back(static_cast<char>(value & 0xff));
}

void AppendEscaped(std::string* out, absl::string_view bytes,
                   absl::string_view special) {
  for (const char c : bytes) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c)) ||
        absl::StrContains(special, c)) {
      absl::StrAppendFormat(out, "\\%03d", static_cast<unsigned char>(c));
    } else {
      out->push_back(c);
    }
  }
}

// Reads from `packet`, from `position` to `end`. After the first failure all
// that is read is empty.
class Reader {
 public:
  Reader(absl::string_view packet, size_t position, size_t end)
      : packet_(packet), position_(position), end_(end) {}

  bool ok() const { return ok_; }
  bool at_end() const { return position_ == end_; }
  size_t position() const { return position_; }
  size_t left() const { return end_ - position_; }

  absl::string_view Bytes(size_t size) {
    if (!ok_ || size > left()) {
      ok_ = false;
      return absl::string_view();
    }
    position_ += size;
    return packet_.substr(position_ - size, size);
  }
  uint8_t Uint8() {
    const absl::string_view bytes = Bytes(1);
    return ok_ ? static_cast<uint8_t>(bytes[0]) : uint8_t{0};
  }
  uint16_t Uint16() {
    const uint16_t high = Uint8();
    return static_cast<uint16_t>(high << 8 | Uint8());
  }
  uint32_t Uint32() {
    const uint32_t high = Uint16();
    return high << 16 | Uint16();
  }

  // A name may end with a pointer to where its rest is. Each must point before
  // the place where the part that it ends began, so there can be no loop.
  std::string Name() {
    std::string name;
    size_t size = 1;  // As it would be without pointers.
    size_t here = position_;
    size_t limit = end_;
    size_t before = position_;
    bool jumped = false;
    while (ok_) {
      if (here >= limit) return Fail();
      const uint8_t length = static_cast<uint8_t>(packet_[here]);
      if (length >= 0xc0) {
        if (limit - here < 2) return Fail();
        const size_t target = static_cast<size_t>(length & 0x3f) << 8 |
                              static_cast<uint8_t>(packet_[here + 1]);
        if (!jumped) position_ = here + 2;
        if (target >= before) return Fail();
        jumped = true;
        here = before = target;
        limit = packet_.size();
        continue;
      }
      if (length > kMaxLabel) return Fail();
      ++here;
      if (length == 0) break;
      size += length + size_t{1};
      if (size > kMaxName || limit - here < length) return Fail();
      if (!name.empty()) name.push_back('.');
      AppendEscaped(&name, packet_.substr(here, length), ".\\");
      here += length;
    }
    if (!jumped) position_ = here;
    return name.empty() ? "." : name;
  }

  std::string Fail() {
    ok_ = false;
    return "";
  }

 private:
  const absl::string_view packet_;
  size_t position_;
  const size_t end_;
  bool ok_ = true;
};

std::string Address(int family, absl::string_view bytes) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(family, bytes.data(), text, sizeof(text));
}

// What the rest of `reader` says, for people.
std::string RecordData(uint16_t type, Reader& reader) {
  std::string text;
  switch (type) {
    case kA:
      if (reader.left() != 4) return reader.Fail();
      return Address(AF_INET, reader.Bytes(4));
    case kAaaa:
      if (reader.left() != 16) return reader.Fail();
      return Address(AF_INET6, reader.Bytes(16));
    case kNs:
    case kCname:
    case kPtr:
      return reader.Name();
    case kMx: {
      const uint16_t preference = reader.Uint16();
      return absl::StrCat(preference, " ", reader.Name());
    }
    case kSrv:
      for (int i = 0; i < 3; ++i) absl::StrAppend(&text, reader.Uint16(), " ");
      return absl::StrCat(text, reader.Name());
    case kSoa:
      text = reader.Name();
      absl::StrAppend(&text, " ", reader.Name());
      for (int i = 0; i < 5; ++i) absl::StrAppend(&text, " ", reader.Uint32());
      return text;
    case kTxt:
      while (reader.ok() && !reader.at_end()) {
        absl::StrAppend(&text, text.empty() ? "\"" : " \"");
        AppendEscaped(&text, reader.Bytes(reader.Uint8()), "\"\\");
        text.push_back('"');
      }
      return text;
    default:
      absl::StrAppend(&text, "\\# ", reader.left());
      text.push_back(' ');
      for (const char c : reader.Bytes(reader.left())) {
        absl::StrAppendFormat(&text, "%02x", static_cast<unsigned char>(c));
      }
      return text;
  }
}

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("malformed message: ", what));
}

}  // namespace

absl::StatusOr<uint16_t> DnsTypeFromName(absl::string_view name) {
  for (const TypeName& type : kTypes) {
    if (absl::EqualsIgnoreCase(type.name, name)) return type.number;
  }
  uint32_t number;
  if (absl::StartsWithIgnoreCase(name, "TYPE") &&
      absl::SimpleAtoi(name.substr(4), &number) && number <= 0xffff) {
    return static_cast<uint16_t>(number);
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown type: ", name));
}

std::string DnsTypeName(uint16_t type) {
  for (const TypeName& known : kTypes) {
    if (known.number == type) return std::string(known.name);
  }
  return absl::StrCat("TYPE", type);
}

std::string DnsCodeName(int code) {
  constexpr absl::string_view kNames[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                          "NXDOMAIN", "NOTIMP",  "REFUSED"};
  if (code >= 0 && code < 6) return std::string(kNames[code]);
  return absl::StrCat("RCODE", code);
}

absl::StatusOr<std::string> EncodeDnsQuery(uint16_t id, absl::string_view name,
                                           uint16_t type) {
  std::string query;
  AppendUint16(&query, id);
  AppendUint16(&query, 0x0100);  // Recursion desired.
  AppendUint16(&query, 1);       // One question, and nothing else.
  for (int i = 0; i < 3; ++i) AppendUint16(&query, 0);
  const size_t begin = query.size();
  const absl::string_view without_dot = absl::StripSuffix(name, ".");
  if (!without_dot.empty()) {
    for (const absl::string_view label : absl::StrSplit(without_dot, '.')) {
      if (label.empty() || label.size() > kMaxLabel) {
        return absl::InvalidArgumentError(
            absl::StrCat("not a name of the DNS: ", name));
      }
      query.push_back(static_cast<char>(label.size()));
      absl::StrAppend(&query, label);
    }
  }
  query.push_back('\0');
  if (query.size() - begin > kMaxName) {
    return absl::InvalidArgumentError(absl::StrCat("too long: ", name));
  }
  AppendUint16(&query, type);
  AppendUint16(&query, kInternet);
  return query;
}

absl::StatusOr<DnsMessage> ParseDnsMessage(absl::string_view packet) {
  Reader reader(packet, 0, packet.size());
  DnsMessage message;
  message.id = reader.Uint16();
  const uint16_t flags = reader.Uint16();
  message.is_response = (flags & 0x8000) != 0;
  message.is_truncated = (flags & 0x0200) != 0;
  message.code = flags & 0xf;
  const uint16_t questions = reader.Uint16();
  const uint16_t answers = reader.Uint16();
  reader.Uint32();  // How many of authorities and additions follow.
  if (!reader.ok()) return Malformed("no header");
  if (questions != 1) return Malformed("not one question");
  message.question_name = reader.Name();
  message.question_type = reader.Uint16();
  if (reader.Uint16() != kInternet || !reader.ok()) {
    return Malformed("its question");
  }
  for (int i = 0; i < answers; ++i) {
    DnsRecord record;
    record.name = reader.Name();
    record.type = reader.Uint16();
    const uint16_t dns_class = reader.Uint16();
    record.ttl = reader.Uint32();
    const uint16_t size = reader.Uint16();
    const size_t begin = reader.position();
    reader.Bytes(size);
    if (!reader.ok()) {
      if (message.is_truncated) break;  // Whatever was in time is of use.
      return Malformed(absl::StrCat("answer ", i + 1));
    }
    if (dns_class != kInternet) continue;
    Reader data(packet, begin, begin + size);
    record.data = RecordData(record.type, data);
    if (!data.ok() || !data.at_end()) {
      return Malformed(absl::StrCat("answer ", i + 1, ", its data"));
    }
    message.answers.push_back(std::move(record));
  }
  return message;
}

}  // namespace evkit
