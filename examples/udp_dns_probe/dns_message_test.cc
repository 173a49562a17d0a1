// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/udp_dns_probe/dns_message.h"

#include <cstdint>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/examples/udp_dns_probe/dns_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string QueryFor(absl::string_view name, uint16_t type = 1) {
  return *EncodeDnsQuery(0x1234, name, type);
}

TEST(DnsMessageTest, AQuestionIsWrittenAsTheRfcHasIt) {
  EXPECT_EQ(QueryFor("ab.c", 28),
            absl::string_view("\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0"
                              "\x02"
                              "ab\x01"
                              "c\0\0\x1c\0\x01",
                              22));
  EXPECT_EQ(QueryFor("ab.c."), QueryFor("ab.c"));
  EXPECT_EQ(QueryFor("."), QueryFor(""));
}

TEST(DnsMessageTest, ANameThatIsNoneIsNotAsked) {
  const std::string label(63, 'x');
  const std::string longest =
      absl::StrCat(label, ".", label, ".", label, ".", label.substr(2));
  EXPECT_TRUE(EncodeDnsQuery(1, longest, 1).ok());
  for (const std::string& name :
       {std::string("a..b"), std::string(".a"), absl::StrCat(label, "x.com"),
        absl::StrCat(longest, "x")}) {
    EXPECT_EQ(EncodeDnsQuery(1, name, 1).status().code(),
              absl::StatusCode::kInvalidArgument)
        << name;
  }
}

TEST(DnsMessageTest, AQuestionIsReadAsItWasWritten) {
  const absl::StatusOr<DnsMessage> message =
      ParseDnsMessage(QueryFor("Www.example.com", 15));
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->id, 0x1234);
  EXPECT_FALSE(message->is_response);
  EXPECT_EQ(message->question_name, "Www.example.com");
  EXPECT_EQ(message->question_type, 15);
  EXPECT_EQ(ParseDnsMessage(QueryFor("."))->question_name, ".");
}

TEST(DnsMessageTest, EachTypeIsReadAsPeopleWriteIt) {
  const absl::string_view nul("\0", 1);
  const absl::string_view pointer("\xc0\x0c", 2);
  std::string response = DnsResponseTo(QueryFor("a.test"));
  AddDnsAnswer(&response, 1, absl::string_view("\xc0\x00\x02\x01", 4));
  AddDnsAnswer(
      &response, 28,
      absl::string_view("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16));
  AddDnsAnswer(&response, 5, absl::StrCat("\x03www", pointer));
  AddDnsAnswer(&response, 15, absl::StrCat(nul, "\x0a", "\x04mail", pointer));
  AddDnsAnswer(&response, 16, "\x03one\x05t\"w\xffo");
  AddDnsAnswer(&response, 33,
               absl::StrCat(nul, "\x01", nul, "\x02", nul, "\x50", pointer));
  AddDnsAnswer(&response, 6,
               absl::StrCat(pointer, "\x01r", pointer, nul, nul, nul, "\x07",
                            nul, nul, nul, "\x01", nul, nul, nul, "\x02", nul,
                            nul, nul, "\x03", nul, nul, nul, "\x04"));
  AddDnsAnswer(&response, 999, "\x01\xab");
  const absl::StatusOr<DnsMessage> message = ParseDnsMessage(response);
  ASSERT_TRUE(message.ok()) << message.status();
  ASSERT_THAT(message->answers, SizeIs(8));
  const char* const expected[] = {"192.0.2.1",
                                  "2001:db8::1",
                                  "www.a.test",
                                  "10 mail.a.test",
                                  "\"one\" \"t\\034w\\255o\"",
                                  "1 2 80 a.test",
                                  "a.test r.a.test 7 1 2 3 4",
                                  "\\# 2 01ab"};
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(message->answers[i].data, expected[i]);
    EXPECT_EQ(message->answers[i].name, "a.test");
    EXPECT_EQ(message->answers[i].ttl, 300u);
  }
}

TEST(DnsMessageTest, BytesOfANameThatCouldBeTakenForSomethingElseAreEscaped) {
  std::string response = DnsResponseTo(QueryFor("a.test"));
  AddDnsAnswer(&response, 5,
               absl::string_view("\x05"
                                 "a.\\\n\xff\0",
                                 7));
  EXPECT_EQ(ParseDnsMessage(response)->answers[0].data,
            "a\\046\\092\\010\\255");
}

TEST(DnsMessageTest, APointerThatDoesNotPointBackIsRefused) {
  // To itself; to another that points back here; forwards; into a pointer.
  const std::string query = QueryFor("a.test");
  const size_t record = query.size();
  for (const size_t target : {record, record + 2, size_t{0x3fff}}) {
    std::string response = DnsResponseTo(query);
    AddDnsAnswer(&response, 1, absl::string_view("\x7f\0\0\1", 4));
    response[record] = static_cast<char>(0xc0 | target >> 8);
    response[record + 1] = static_cast<char>(target & 0xff);
    EXPECT_EQ(ParseDnsMessage(response).status().code(),
              absl::StatusCode::kInvalidArgument)
        << target;
  }
  // The data of a record points to the record, whose name is a pointer: fine,
  // since that one points back. Two that point to each other are not.
  std::string loop = DnsResponseTo(query);
  const size_t data = loop.size() + 12;
  AddDnsAnswer(
      &loop, 5,
      absl::StrCat("\x01x\xc0", std::string(1, static_cast<char>(data))));
  EXPECT_FALSE(ParseDnsMessage(loop).ok());
}

TEST(DnsMessageTest, PointersCannotMakeANameLongerThanNamesMayBe) {
  // Each name is 60 letters, and then the one before.
  std::string response = DnsResponseTo(QueryFor(std::string(60, 'q')));
  size_t previous = 12;
  for (int names = 2; names <= 5; ++names) {
    std::string data = absl::StrCat("\x3c", std::string(60, 'x'), "\xc0");
    data.push_back(static_cast<char>(previous));
    previous = response.size() + 12;
    AddDnsAnswer(&response, 5, data);
    EXPECT_EQ(ParseDnsMessage(response).ok(), names * 61 + 1 <= 255) << names;
  }
  std::string query = QueryFor(
      absl::StrCat(std::string(60, 'a'), ".", std::string(60, 'b'), ".",
                   std::string(60, 'c'), ".", std::string(60, 'd')));
  response = DnsResponseTo(query);
  AddDnsAnswer(&response, 5, absl::StrCat("\x09", "123456789", "\xc0\x0c"));
  EXPECT_TRUE(ParseDnsMessage(response).ok());
  response = DnsResponseTo(query);
  AddDnsAnswer(&response, 5, absl::StrCat("\x0a", "1234567890", "\xc0\x0c"));
  EXPECT_FALSE(ParseDnsMessage(response).ok());
}

TEST(DnsMessageTest, DataThatIsNotAsLongAsItSaysIsRefused) {
  for (const absl::string_view data : {"", "abc", "abcde"}) {
    std::string response = DnsResponseTo(QueryFor("a.test"));
    AddDnsAnswer(&response, 1, data);
    EXPECT_FALSE(ParseDnsMessage(response).ok());
  }
  std::string response = DnsResponseTo(QueryFor("a.test"));
  AddDnsAnswer(&response, 16, "\x05one");
  EXPECT_THAT(std::string(ParseDnsMessage(response).status().message()),
              HasSubstr("answer 1, its data"));
}

TEST(DnsMessageTest, EveryPrefixOfAMessageIsRefused) {
  std::string response = DnsResponseTo(QueryFor("a.test"));
  AddDnsAnswer(&response, 5, "\x03www\xc0\x0c");
  ASSERT_TRUE(ParseDnsMessage(response).ok());
  for (size_t size = 0; size < response.size(); ++size) {
    // In memory of its own, so that the sanitizer sees where it ends.
    const std::string prefix(response, 0, size);
    EXPECT_FALSE(ParseDnsMessage(prefix).ok()) << size;
  }
}

TEST(DnsMessageTest, RandomDamageDoesNoHarm) {
  std::string response = DnsResponseTo(QueryFor("www.a.test"));
  AddDnsAnswer(&response, 5, "\x03www\xc0\x0c");
  AddDnsAnswer(&response, 16, "\x03one\x03two");
  AddDnsAnswer(&response, 28, std::string(16, '\1'));
  std::mt19937 random(1);
  int parsed = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string damaged = response.substr(
        0, random() % 8 == 0 ? random() % response.size() : response.size());
    for (uint32_t n = random() % 4; n > 0 && !damaged.empty(); --n) {
      damaged[random() % damaged.size()] =
          static_cast<char>(random() % 3 == 0 ? 0xc0 | random() % 4 : random());
    }
    parsed += ParseDnsMessage(damaged).ok() ? 1 : 0;
  }
  EXPECT_GT(parsed, 1'000);
  EXPECT_LT(parsed, 49'000);
}

TEST(DnsMessageTest, TypesHaveNamesAndNumbers) {
  EXPECT_EQ(*DnsTypeFromName("aaaa"), 28);
  EXPECT_EQ(*DnsTypeFromName("TYPE65"), 65);
  EXPECT_FALSE(DnsTypeFromName("TYPE65536").ok());
  EXPECT_FALSE(DnsTypeFromName("B").ok());
  EXPECT_EQ(DnsTypeName(15), "MX");
  EXPECT_EQ(DnsTypeName(65), "TYPE65");
  EXPECT_EQ(DnsCodeName(3), "NXDOMAIN");
  EXPECT_EQ(DnsCodeName(9), "RCODE9");
}

}  // namespace
}  // namespace evkit
