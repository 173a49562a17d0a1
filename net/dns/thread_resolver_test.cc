// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/dns/thread_resolver.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/context.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/executor/call_in_executor.h"
#include "evkit/loop/executor/default_executor.h"
#include "evkit/net/dns/gai_status.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/socket_address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Addresses = absl::StatusOr<std::vector<AddressInfo>>;

// Stands for libc: answers when told to, and keeps count. Thread-safe.
class FakeLibc {
 public:
  FakeLibc() = default;
  FakeLibc(const FakeLibc&) = delete;
  FakeLibc& operator=(const FakeLibc&) = delete;
  // Waits until no thread has its functions any more.
  ~FakeLibc() {
    Wait([this] { return users_ == 0; });
  }

  NameFunctions functions() {
    Set([this] { ++users_; });
    const std::shared_ptr<FakeLibc> user(
        this, [](FakeLibc* libc) { libc->Set([libc] { --libc->users_; }); });
    NameFunctions functions;
    functions.getaddrinfo = [this](const char* host, const char* service,
                                   const addrinfo*, addrinfo** answer) {
      return GetAddrInfo(host, service, answer);
    };
    functions.freeaddrinfo = [user](addrinfo* answer) { user->Free(answer); };
    functions.getnameinfo = [this](const sockaddr*, socklen_t, char* host,
                                   socklen_t, char* service, socklen_t, int) {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++calls_;
      host[0] = 'h', host[1] = '\0';
      service[0] = 's', service[1] = '\0';
      return code_;
    };
    return functions;
  }

  // Questions are not answered from now on, until Unblock().
  void Block() {
    Set([this] { blocked_ = true; });
  }
  void Unblock() {
    Set([this] { blocked_ = false; });
  }
  // The answer from now on.
  void Fail(int code, int error = 0) {
    Set([this, code, error] { code_ = code, error_ = error; });
  }

  void WaitUntilAsked(size_t questions) {
    Wait([this, questions] { return asked_.size() >= questions; });
  }
  void WaitUntilFreed(int answers) {
    Wait([this, answers] { return freed_ >= answers; });
  }

  std::vector<std::string> asked() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return asked_;
  }
  // Answers given and freed.
  int given() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return given_;
  }
  int freed() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return freed_;
  }
  int calls() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return calls_;
  }

 private:
  class Answer {
   public:
    Answer() {
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(0xC0000201);  // 192.0.2.1
      address.sin_port = htons(80);
      first.ai_family = AF_INET;
      first.ai_socktype = SOCK_STREAM;
      first.ai_protocol = IPPROTO_TCP;
      first.ai_addr = reinterpret_cast<sockaddr*>(&address);
      first.ai_addrlen = sizeof address;
      first.ai_next = &other;
      other.ai_family = AF_UNIX;  // Nothing that evkit knows of a name.
      other.ai_addr = first.ai_addr;
      other.ai_addrlen = 1;
    }
    addrinfo first = {};
    addrinfo other = {};
    sockaddr_in address = {};
  };

  int GetAddrInfo(const char* host, const char* service, addrinfo** answer) {
    std::unique_lock<std::mutex> lock(mutex_);
    ++calls_;
    asked_.push_back(std::string(host == nullptr ? "(null)" : host) + ":" +
                     (service == nullptr ? "(null)" : service));
    changed_.notify_all();
    changed_.wait(lock, [this] { return !blocked_; });
    errno = error_;
    if (code_ != 0) return code_;
    ++given_;
    *answer = &(new Answer())->first;
    return 0;
  }
  void Free(addrinfo* answer) {
    static_assert(offsetof(Answer, first) == 0);
    delete reinterpret_cast<Answer*>(answer);
    Set([this] { ++freed_; });
  }

  void Set(const std::function<void()>& change) {
    const std::lock_guard<std::mutex> lock(mutex_);
    change();
    changed_.notify_all();
  }
  void Wait(const std::function<bool()>& condition) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, condition);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool blocked_ = false;
  int code_ = 0;
  int error_ = 0;
  int given_ = 0;
  int freed_ = 0;
  int calls_ = 0;
  int users_ = 0;
  std::vector<std::string> asked_;
};

class ThreadResolverTest : public ::testing::Test {
 protected:
  ~ThreadResolverTest() override { libc_.Unblock(); }

  void Make(int max_threads = 2) {
    ThreadResolverOptions options;
    options.max_threads = max_threads;
    options.functions = libc_.functions();
    resolver_ = std::make_unique<ThreadResolver>(*loop_, std::move(options));
  }

  // Asks, and keeps the answer.
  Resolution Ask(std::string host, Service service = 80) {
    ++open_;
    return resolver_->Resolve(std::move(host), std::move(service),
                              AddressHints(), [this](Addresses answer) {
                                answers_.push_back(std::move(answer));
                                if (--open_ == 0) loop_->Stop();
                              });
  }
  // Runs until all that was asked is answered.
  void Run() { ASSERT_TRUE(loop_->RunForever().ok()); }
  // Runs what is ready.
  void RunOnce() {
    loop_->Stop();
    Run();
  }

  FakeLibc libc_;
  std::unique_ptr<AbstractEventLoop> loop_ = *NewDefaultEventLoop();
  std::unique_ptr<ThreadResolver> resolver_;
  int open_ = 0;
  std::vector<Addresses> answers_;
};

// DNS-01
TEST_F(ThreadResolverTest, AsksTheSystem) {
  ThreadResolver resolver(*loop_);
  AddressHints hints;
  hints.type = SOCK_STREAM;
  hints.flags = AI_CANONNAME;
  std::optional<Addresses> answer;
  const Resolution resolution =
      resolver.Resolve("localhost", 80, hints, [&](Addresses result) {
        answer = std::move(result);
        loop_->Stop();
      });
  EXPECT_FALSE(answer.has_value());
  Run();
  ASSERT_TRUE(answer->ok()) << answer->status();
  ASSERT_FALSE((*answer)->empty());
  EXPECT_FALSE((**answer)[0].canonical_name.empty());
  for (const AddressInfo& info : **answer) {
    EXPECT_EQ(info.type, SOCK_STREAM);
    EXPECT_EQ(info.protocol, IPPROTO_TCP);
    EXPECT_EQ(info.family, info.address.family());
    EXPECT_TRUE(info.address == SocketAddress::LoopbackIPv4(80) ||
                info.address == SocketAddress::LoopbackIPv6(80));
  }
}

// DNS-02
TEST_F(ThreadResolverTest, TheSystemsErrorIsPassedOn) {
  ThreadResolver resolver(*loop_);
  AddressHints hints;
  hints.flags = AI_NUMERICHOST;
  absl::Status error;
  const Resolution resolution =
      resolver.Resolve("localhost", 80, hints, [&](Addresses result) {
        error = result.status();
        loop_->Stop();
      });
  Run();
  EXPECT_EQ(GaiErrorFromStatus(error), EAI_NONAME);
  EXPECT_EQ(error.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(error.message()),
              HasSubstr("getaddrinfo(localhost, 80)"));
}

// DNS-03
TEST_F(ThreadResolverTest, NamesOfAddresses) {
  ThreadResolver resolver(*loop_);
  std::vector<absl::StatusOr<NameInfo>> names;
  const auto keep = [&](absl::StatusOr<NameInfo> name) {
    names.push_back(std::move(name));
    loop_->Stop();
  };
  Resolution resolution = resolver.ResolveName(
      SocketAddress::LoopbackIPv4(80), NI_NUMERICHOST | NI_NUMERICSERV, keep);
  EXPECT_THAT(names, IsEmpty());
  Run();
  resolution = resolver.ResolveName(SocketAddress::LoopbackIPv4(80),
                                    NI_NUMERICHOST, keep);
  Run();
  resolution = resolver.ResolveName(SocketAddress(), 0, keep);
  Run();
  ASSERT_THAT(names, SizeIs(3));
  EXPECT_EQ(names[0]->host, "127.0.0.1");
  EXPECT_EQ(names[0]->service, "80");
  EXPECT_EQ(names[1]->host, "127.0.0.1");
  EXPECT_EQ(GaiErrorFromStatus(names[2].status()), EAI_FAMILY);
  EXPECT_EQ(names[2].status().code(), absl::StatusCode::kInvalidArgument);
}

// DNS-04
TEST_F(ThreadResolverTest,
       bug_M1_ResolversThatHangHoldUpOtherNamesAndNothingElse) {
  Make(/*max_threads=*/2);
  libc_.Block();
  const Resolution a = Ask("a.test"), b = Ask("b.test"), c = Ask("c.test");
  libc_.WaitUntilAsked(2);
  bool job_done = false;
  ASSERT_TRUE(CallInExecutor(
                  *loop_, nullptr, [] {},
                  [&](const ExecutorOutcome& outcome) {
                    job_done = outcome.status.ok();
                    loop_->Stop();
                  })
                  .ok());
  Run();
  EXPECT_TRUE(job_done);
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_THAT(libc_.asked(), SizeIs(2));  // As many as there are threads.
  libc_.Unblock();
  Run();
  EXPECT_THAT(answers_, SizeIs(3));
  EXPECT_THAT(libc_.asked(), SizeIs(3));
}

// DNS-04
TEST_F(ThreadResolverTest, ItOutlivesTheDefaultExecutor) {
  Make();
  ASSERT_TRUE(ShutdownDefaultExecutor(*loop_, absl::InfiniteDuration(),
                                      [this](absl::Status) { loop_->Stop(); })
                  .ok());
  Run();
  const Resolution resolution = Ask("a.test");
  Run();
  EXPECT_TRUE(answers_[0].ok());
}

TEST_F(ThreadResolverTest, bug_M2_NoCodeOfTheSystemAborts) {
  Make();
  const int codes[] = {EAI_AGAIN, EAI_NONAME, EAI_MEMORY, EAI_SYSTEM,
                       4711,      -4711,      EAI_FAIL};
  for (const int code : codes) {
    libc_.Fail(code, EMFILE);
    const Resolution resolution = Ask("a.test");
    Run();
    ASSERT_FALSE(answers_.empty());
    EXPECT_EQ(GaiErrorFromStatus(answers_.back().status()), code);
    EXPECT_EQ(ErrnoFromStatus(answers_.back().status()),
              code == EAI_SYSTEM ? EMFILE : 0);
  }
  EXPECT_EQ(libc_.freed(), 0);
}

// DNS-06
TEST_F(ThreadResolverTest, bug_M3_TheAnswerToACancelledQuestionIsFreedOnce) {
  Make(/*max_threads=*/1);
  libc_.Block();
  {
    const Resolution cancelled = Ask("a.test");
    libc_.WaitUntilAsked(1);
  }
  open_ = 0;
  const Resolution next = Ask("b.test");
  RunOnce();
  EXPECT_THAT(libc_.asked(), SizeIs(1));  // The thread is still busy.
  libc_.Unblock();
  Run();
  EXPECT_THAT(answers_, SizeIs(1));
  EXPECT_THAT(libc_.asked(), ElementsAre("a.test:80", "b.test:80"));
  libc_.WaitUntilFreed(2);
  EXPECT_EQ(libc_.given(), 2);
  EXPECT_EQ(libc_.freed(), 2);
}

TEST_F(ThreadResolverTest, bug_M4_ANameIsAskedWholeOrNotAtAll) {
  Make();
  std::vector<std::string> whole;
  for (const size_t size : {255, 256, 257, 1024}) {
    const std::string name(size, 'a');
    const Resolution resolution = Ask(name);
    Run();
    ASSERT_TRUE(answers_.back().ok()) << answers_.back().status();
    EXPECT_EQ(libc_.asked().back(), name + ":80");
  }
  const size_t asked = libc_.asked().size();
  const std::string nul("example.com\0.evil", 17);
  const std::pair<std::string, Service> hostile[] = {
      {std::string(1025, 'a'), 80},
      {std::string(65536, 'a'), 80},
      {nul, 80},
      {"example.com", nul},
      {"example.com", 65536},
      {"example.com", -1},
      {"example.com", " 80"},
      {"example.com", "+80"},
      {"example.com", "80 "},
      {"example.com", "99999999999999999999"}};
  for (const auto& [host, service] : hostile) {
    const Resolution resolution = Ask(host, service);
    Run();
    EXPECT_EQ(answers_.back().status().code(),
              absl::StatusCode::kInvalidArgument)
        << service.text();
    EXPECT_LT(answers_.back().status().message().size(), 200u);
  }
  EXPECT_EQ(libc_.asked().size(), asked);
}

TEST_F(ThreadResolverTest, bug_M5_NumbersNeedNoThread) {
  Make();
  FaultInjection faults;
  const Resolution v4 = Ask("127.0.0.1"), v6 = Ask("::1", "443");
  EXPECT_THAT(answers_, IsEmpty());
  Run();
  ASSERT_THAT(answers_, SizeIs(2));
  EXPECT_EQ((*answers_[0])[0].address, SocketAddress::LoopbackIPv4(80));
  EXPECT_EQ((*answers_[1])[0].address, SocketAddress::LoopbackIPv6(443));
  std::optional<absl::StatusOr<NameInfo>> name;
  const Resolution reverse = resolver_->ResolveName(
      SocketAddress::LoopbackIPv4(80), NI_NUMERICHOST | NI_NUMERICSERV,
      [&](absl::StatusOr<NameInfo> found) { name = std::move(found); });
  RunOnce();
  EXPECT_EQ((*name)->host, "127.0.0.1");
  EXPECT_EQ(faults.Count("pthread_create"), 0);
  EXPECT_EQ(libc_.calls(), 0);
}

TEST_F(ThreadResolverTest, OfferedAreOnlyAddressesThatEvkitKnows) {
  Make();
  const Resolution resolution = Ask("a.test", "http");
  Run();
  ASSERT_THAT(*answers_[0], SizeIs(1));
  EXPECT_EQ((*answers_[0])[0].address.ToString(), "192.0.2.1:80");
}

TEST_F(ThreadResolverTest, NoHostAndNoServiceAreNull) {
  Make();
  const Resolution a = Ask("", "http");
  Run();
  const Resolution b = Ask("a.test", "");
  Run();
  EXPECT_THAT(libc_.asked(), ElementsAre("(null):http", "a.test:(null)"));
}

TEST_F(ThreadResolverTest, AQuestionThatIsTakenBackBeforeItsTurnIsNotAsked) {
  Make(/*max_threads=*/1);
  libc_.Block();
  const Resolution a = Ask("a.test");
  libc_.WaitUntilAsked(1);
  Resolution b = Ask("b.test");
  const Resolution c = Ask("c.test");
  b.Cancel();
  --open_;
  libc_.Unblock();
  Run();
  EXPECT_THAT(libc_.asked(), ElementsAre("a.test:80", "c.test:80"));
  EXPECT_THAT(answers_, SizeIs(2));
}

TEST_F(ThreadResolverTest, ANumberCanBeTakenBackToo) {
  Make();
  { const Resolution cancelled = Ask("127.0.0.1"); }
  RunOnce();
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(ThreadResolverTest, DoneMayDestroyTheResolver) {
  for (const std::string host : {"a.test", "127.0.0.1"}) {
    Make();
    bool called = false;
    const Resolution resolution =
        resolver_->Resolve(host, 80, AddressHints(), [&](const Addresses&) {
          resolver_.reset();
          called = true;
          loop_->Stop();
        });
    Run();
    EXPECT_TRUE(called);
  }
}

// Takes another question back when it is destroyed.
class CancelsAtEnd {
 public:
  explicit CancelsAtEnd(Resolution* resolution) : resolution_(resolution) {}
  CancelsAtEnd(const CancelsAtEnd&) = delete;
  CancelsAtEnd& operator=(const CancelsAtEnd&) = delete;
  ~CancelsAtEnd() { resolution_->Cancel(); }

 private:
  Resolution* const resolution_;
};

TEST_F(ThreadResolverTest, ItMayGoWithQuestionsOpenThatTakeBackEachOther) {
  Make(/*max_threads=*/1);
  libc_.Block();
  std::vector<Resolution> all(4);
  for (size_t i = 0; i < all.size(); ++i) {
    const auto next = std::make_shared<CancelsAtEnd>(&all[(i + 1) % 4]);
    all[i] = resolver_->Resolve("a.test", 80, AddressHints(),
                                [next](const Addresses&) { FAIL(); });
  }
  libc_.WaitUntilAsked(1);
  resolver_.reset();
  libc_.Unblock();
  libc_.WaitUntilFreed(1);
  RunOnce();
}

TEST_F(ThreadResolverTest, TheLoopClosesWhileAThreadIsStuck) {
  Make(/*max_threads=*/1);
  libc_.Block();
  const auto token = std::make_shared<int>(0);
  const auto done = [token](const Addresses&) { FAIL(); };
  const Resolution asked =
      resolver_->Resolve("a.test", 80, AddressHints(), done);
  const Resolution waiting =
      resolver_->Resolve("b.test", 80, AddressHints(), done);
  libc_.WaitUntilAsked(1);
  EXPECT_TRUE(loop_->Close().ok());
  resolver_.reset();
  EXPECT_EQ(token.use_count(), 2);  // This one's, and that of `done`.
  libc_.Unblock();
  libc_.WaitUntilFreed(1);
  EXPECT_THAT(libc_.asked(), SizeIs(1));
}

TEST_F(ThreadResolverTest, AClosedLoopIsRefused) {
  Make();
  std::vector<std::string> reports;
  loop_->SetExceptionHandler(
      [&](AbstractEventLoop&, const ErrorContext& error) {
        reports.push_back(error.message);
      });
  EXPECT_TRUE(loop_->Close().ok());
  for (const std::string host : {"a.test", "127.0.0.1"}) {
    const auto token = std::make_shared<int>(0);
    const Resolution resolution = resolver_->Resolve(
        host, 80, AddressHints(), [token](const Addresses&) { FAIL(); });
    EXPECT_EQ(token.use_count(), 1);
  }
  EXPECT_THAT(reports, SizeIs(2));
}

TEST_F(ThreadResolverTest, WithoutAThreadItIsAnErrorAndTheNextTriesAgain) {
  Make();
  {
    FaultInjection faults;
    faults.Fail("pthread_create", EAGAIN);
    const Resolution resolution = Ask("a.test");
    EXPECT_THAT(answers_, IsEmpty());
    Run();
    EXPECT_EQ(answers_[0].status().code(), absl::StatusCode::kUnavailable);
  }
  const Resolution resolution = Ask("a.test");
  Run();
  EXPECT_TRUE(answers_[1].ok());
}

TEST_F(ThreadResolverTest, DoneRunsInTheContextOfItsQuestion) {
  Make(/*max_threads=*/1);
  ContextVar<int> number("number");
  std::vector<int> seen;
  std::vector<Resolution> all;
  for (int i = 0; i < 3; ++i) {
    Context::CopyCurrent().Run([&] {
      number.Set(i);
      all.push_back(resolver_->Resolve(
          "a.test", 80, AddressHints(), [&](const Addresses&) {
            seen.push_back(number.Get().value_or(-1));
            if (seen.size() == 3) loop_->Stop();
          }));
    });
  }
  Run();
  EXPECT_THAT(seen, ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace evkit
