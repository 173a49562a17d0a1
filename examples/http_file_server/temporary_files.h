// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A directory for a test, removed at its end.

#ifndef EVKIT_EXAMPLES_HTTP_FILE_SERVER_TEMPORARY_FILES_H_
#define EVKIT_EXAMPLES_HTTP_FILE_SERVER_TEMPORARY_FILES_H_

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace evkit {

class TemporaryFiles {
 public:
  TemporaryFiles() {
    std::string pattern = ::testing::TempDir() + "/filesXXXXXX";
    root_ = mkdtemp(pattern.data());
  }
  TemporaryFiles(const TemporaryFiles&) = delete;
  TemporaryFiles& operator=(const TemporaryFiles&) = delete;
  ~TemporaryFiles() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  const std::string& root() const { return root_; }

  void Write(const std::string& name, absl::string_view content) {
    std::ofstream(root_ + "/" + name, std::ios::binary) << content;
  }
  void MakeDirectory(const std::string& name) {
    EXPECT_EQ(mkdir((root_ + "/" + name).c_str(), 0700), 0);
  }
  void Link(const std::string& target, const std::string& name) {
    EXPECT_EQ(symlink(target.c_str(), (root_ + "/" + name).c_str()), 0);
  }

 private:
  std::string root_;
};

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_HTTP_FILE_SERVER_TEMPORARY_FILES_H_
