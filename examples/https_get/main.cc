// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Prints a page: what TLS agreed upon to the standard error, the head and the
// body to the standard output.
//
//   $ bazel run //examples/https_get -- https://example.com/
//   $ bazel run //examples/https_get -- --ca=ca.pem https://127.0.0.1:8443/

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/examples/https_get/https_get.h"
#include "evkit/examples/https_get/https_url.h"
#include "evkit/loop/coro/run.h"
#include "evkit/loop/coro/wait_for.h"
#include "evkit/net/tls/openssl_context.h"
#include "evkit/net/tls/tls_engine.h"

ABSL_FLAG(std::string, ca, "",
          "a file of authorities, PEM, to trust instead of the system's");
ABSL_FLAG(bool, insecure, false, "talk to anybody who answers");
ABSL_FLAG(bool, head, false, "print no body");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(30), "for all of it");

namespace evkit {
namespace {

int Main(const std::vector<char*>& arguments) {
  if (arguments.size() != 2) {
    std::cerr << "usage: https_get [--ca=FILE] [--insecure] [--head] "
                 "[--timeout=30s] URL\n";
    return 2;
  }
  absl::StatusOr<HttpsUrl> url = HttpsUrl::Parse(arguments[1]);
  if (!url.ok()) {
    std::cerr << url.status().message() << "\n";
    return 2;
  }
  OpensslOptions options;
  options.alpn_protocols = {"http/1.1"};
  if (const std::string ca = absl::GetFlag(FLAGS_ca); !ca.empty()) {
    options.trust_system_store = false;
    options.trusted_files = {ca};
  }
  if (absl::GetFlag(FLAGS_insecure)) {
    options.verify_server = TlsVerification::kNone;
  }
  absl::StatusOr<std::shared_ptr<TlsContext>> context =
      NewOpensslContext(std::move(options));
  if (!context.ok()) {
    std::cerr << context.status() << "\n";
    return 1;
  }
  const auto get = [&]() -> Coro<HttpsPage> {
    co_return co_await WaitFor(HttpsGet(*url, *context),
                               absl::GetFlag(FLAGS_timeout));
  };
  const absl::StatusOr<HttpsPage> page = Run(get);
  if (!page.ok()) {
    std::cerr << page.status() << "\n";
    return 1;
  }
  std::cerr << page->tls.protocol << ", " << page->tls.cipher << ", "
            << (page->tls.peer_verified ? "verified" : "NOT VERIFIED") << "\n";
  std::cout << page->head;
  if (!absl::GetFlag(FLAGS_head)) std::cout << page->body;
  std::cout.flush();
  return 0;
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  return evkit::Main(absl::ParseCommandLine(argc, argv));
}
