// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/fault_injection.h"

#include <algorithm>
#include <climits>
#include <cstring>

#include "evkit/base/check.h"

namespace evkit {
namespace {

std::atomic<bool> one_exists{false};

const char* BaseName(const char* path) {
  const char* const slash = std::strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

// "read" or "read@where", against a call of `name` in `file` and `function`.
bool Matches(const char* call, const char* name, const char* file,
             const char* function) {
  const size_t length = std::strlen(name);
  if (std::strncmp(call, name, length) != 0) return false;
  if (call[length] == '\0') return true;
  if (call[length] != '@') return false;
  const char* const where = call + length + 1;
  return std::strcmp(where, BaseName(file)) == 0 ||
         std::strcmp(where, function) == 0;
}

class SpinLock {
 public:
  explicit SpinLock(std::atomic_flag& flag) : flag_(flag) {
    while (flag_.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~SpinLock() { flag_.clear(std::memory_order_release); }

 private:
  std::atomic_flag& flag_;
};

}  // namespace

FaultInjection::FaultInjection() {
  EVKIT_CHECK(!one_exists.exchange(true), "a FaultInjection exists already");
  sys::InstallHook(this);
}

FaultInjection::~FaultInjection() {
  sys::InstallHook(nullptr);
  one_exists = false;
}

void FaultInjection::Fail(absl::string_view call, int error) {
  Fail(call, error, 1, INT_MAX);
}

void FaultInjection::Fail(absl::string_view call, int error, int nth,
                          int times) {
  EVKIT_CHECK(nth >= 1 && times >= 1, "calls are counted from 1");
  SpinLock lock(adding_);
  Rule& rule = NewRule(call);
  rule.error = error;
  rule.first = nth;
  rule.last = times > INT_MAX - nth ? INT_MAX : nth + times - 1;
  rule_count_.fetch_add(1, std::memory_order_release);
}

void FaultInjection::LimitSize(absl::string_view call, size_t bytes) {
  EVKIT_CHECK(bytes >= 1, "a call cannot be limited to 0 bytes");
  SpinLock lock(adding_);
  NewRule(call).max_bytes = bytes;
  rule_count_.fetch_add(1, std::memory_order_release);
}

void FaultInjection::Clear() {
  SpinLock lock(adding_);
  rule_count_.store(0, std::memory_order_release);
}

int FaultInjection::Count(absl::string_view call) const {
  const std::string wanted(call);
  int count = 0;
  const size_t sites = site_count_.load(std::memory_order_acquire);
  for (size_t i = 0; i < sites; ++i) {
    const SiteRecord& site = sites_[i];
    if (Matches(wanted.c_str(), site.name, site.file, site.function)) {
      count += site.count;
    }
  }
  return count;
}

std::vector<FaultInjection::Site> FaultInjection::Sites() const {
  std::vector<Site> result;
  const size_t sites = site_count_.load(std::memory_order_acquire);
  for (size_t i = 0; i < sites; ++i) {
    const SiteRecord& record = sites_[i];
    Site site;
    site.call = record.name;
    site.file = BaseName(record.file);
    site.function = record.function;
    site.line = record.line;
    site.count = record.count;
    result.push_back(std::move(site));
  }
  return result;
}

int FaultInjection::BeforeCall(const char* name, const sys::CallSite& site) {
  CountCall(name, site);
  int error = 0;
  const size_t count = rule_count_.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) {
    Rule& rule = rules_[i];
    if (rule.error == 0 ||
        !Matches(rule.call, name, site.file(), site.function())) {
      continue;
    }
    const int nth = rule.seen.fetch_add(1) + 1;
    if (error == 0 && nth >= rule.first && nth <= rule.last) error = rule.error;
  }
  return error;
}

size_t FaultInjection::LimitSize(const char* name, const sys::CallSite& site,
                                 size_t size) {
  const size_t count = rule_count_.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) {
    const Rule& rule = rules_[i];
    if (rule.max_bytes != 0 &&
        Matches(rule.call, name, site.file(), site.function())) {
      size = std::min(size, rule.max_bytes);
    }
  }
  return size;
}

FaultInjection::Rule& FaultInjection::NewRule(absl::string_view call) {
  const size_t index = rule_count_.load(std::memory_order_relaxed);
  EVKIT_CHECK(index < kMaxRules, "too many rules");
  Rule& rule = rules_[index];
  EVKIT_CHECK(call.size() < sizeof(rule.call), "name of a call is too long");
  rule.error = 0;
  rule.max_bytes = 0;
  rule.seen = 0;
  std::memset(rule.call, 0, sizeof(rule.call));
  std::memcpy(rule.call, call.data(), call.size());
  return rule;
}

void FaultInjection::CountCall(const char* name, const sys::CallSite& site) {
  const auto is_this = [&](const SiteRecord& record) {
    return record.line == site.line() && record.name == name &&
           std::strcmp(record.file, site.file()) == 0;
  };
  size_t known = site_count_.load(std::memory_order_acquire);
  for (size_t i = 0; i < known; ++i) {
    if (is_this(sites_[i])) {
      ++sites_[i].count;
      return;
    }
  }
  SpinLock lock(adding_);
  for (size_t i = known; i < site_count_.load(std::memory_order_relaxed); ++i) {
    if (is_this(sites_[i])) {
      ++sites_[i].count;
      return;
    }
  }
  known = site_count_.load(std::memory_order_relaxed);
  EVKIT_CHECK(known < kMaxSites, "too many call sites");
  SiteRecord& record = sites_[known];
  record.name = name;
  record.file = site.file();
  record.function = site.function();
  record.line = site.line();
  record.count = 1;
  site_count_.store(known + 1, std::memory_order_release);
}

}  // namespace evkit
