// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/internal/openssl_session_cache.h"

#include <iterator>

namespace evkit::net_internal {

OpensslSessionCache::~OpensslSessionCache() {
  for (const Entry& entry : entries_) SSL_SESSION_free(entry.session);
}

void OpensslSessionCache::Erase(Entries::iterator entry) {
  SSL_SESSION_free(entry->session);
  by_name_.erase(entry->name);
  entries_.erase(entry);
}

void OpensslSessionCache::Put(const std::string& name, SSL_SESSION* session) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (const auto old = by_name_.find(name); old != by_name_.end()) {
    Erase(old->second);
  }
  entries_.emplace_front(name, session);
  by_name_[name] = entries_.begin();
  if (entries_.size() > kMost) Erase(std::prev(entries_.end()));
}

void OpensslSessionCache::Use(const std::string& name, SSL* ssl) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  const Entries::iterator entry = found->second;
  SSL_set_session(ssl, entry->session);  // Keeps a reference of its own.
  if (SSL_SESSION_get_protocol_version(entry->session) >= TLS1_3_VERSION) {
    Erase(entry);
  } else {
    entries_.splice(entries_.begin(), entries_, entry);
  }
}

}  // namespace evkit::net_internal
