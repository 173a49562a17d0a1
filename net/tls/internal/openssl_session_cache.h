// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The sessions that a client may resume, by the server's name.

#ifndef EVKIT_NET_TLS_INTERNAL_OPENSSL_SESSION_CACHE_H_
#define EVKIT_NET_TLS_INTERNAL_OPENSSL_SESSION_CACHE_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

namespace evkit::net_internal {

// The last session of each of the `kMost` names used last. Thread-safe.
class OpensslSessionCache {
 public:
  OpensslSessionCache() = default;
  OpensslSessionCache(const OpensslSessionCache&) = delete;
  OpensslSessionCache& operator=(const OpensslSessionCache&) = delete;
  ~OpensslSessionCache();

  // Takes over one reference.
  void Put(const std::string& name, SSL_SESSION* session);
  // Has `ssl` offer the session of that name, if there is one. A session of TLS
  // 1.3 is offered once (RFC 8446, C.4).
  void Use(const std::string& name, SSL* ssl);

 private:
  static constexpr size_t kMost = 256;

  class Entry {
   public:
    Entry(std::string its_name, SSL_SESSION* its_session)
        : name(std::move(its_name)), session(its_session) {}
    std::string name;
    SSL_SESSION* session;
  };
  using Entries = std::list<Entry>;

  void Erase(Entries::iterator entry);

  std::mutex mutex_;
  Entries entries_;  // The one used last in front.
  std::unordered_map<std::string, Entries::iterator> by_name_;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_TLS_INTERNAL_OPENSSL_SESSION_CACHE_H_
