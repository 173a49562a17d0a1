// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/http_file_server/file_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/examples/http_file_server/temporary_files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

using Path = std::vector<std::string>;

TEST(FileTreeTest, FindsFilesAndDirectories) {
  TemporaryFiles files;
  files.MakeDirectory("a");
  files.Write("a/b.txt", "hello");
  const FileTree tree = *FileTree::Open(files.root());
  const absl::StatusOr<OpenFile> file = tree.Find(Path{"a", "b.txt"});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_FALSE(file->is_directory());
  EXPECT_EQ(file->info.st_size, 5);
  EXPECT_TRUE(tree.Find(Path{"a"})->is_directory());
  EXPECT_TRUE(tree.Find(Path{"a", ""})->is_directory());
  EXPECT_TRUE(tree.Find(Path{""})->is_directory());
  EXPECT_TRUE(absl::IsNotFound(tree.Find(Path{"b"}).status()));
  EXPECT_TRUE(absl::IsNotFound(tree.Find(Path{"b", "c"}).status()));
  EXPECT_TRUE(absl::IsNotFound(tree.Find(Path{"a", "b.txt", "c"}).status()));
  EXPECT_TRUE(
      absl::IsNotFound(tree.Find(Path{std::string(300, 'x')}).status()));
  EXPECT_FALSE(FileTree::Open(files.root() + "/none").ok());
}

TEST(FileTreeTest, NoLinkLeadsAnywhere) {
  TemporaryFiles files;
  files.Write("secret", "s");
  files.MakeDirectory("tree");
  files.Write("tree/own", "o");
  files.Link("../secret", "tree/file");
  files.Link("..", "tree/up");
  files.Link("/etc", "tree/etc");
  files.Link("own", "tree/inside");
  const FileTree tree = *FileTree::Open(files.root() + "/tree");
  EXPECT_TRUE(tree.Find(Path{"own"}).ok());
  for (const Path& path : {Path{"file"}, Path{"up"}, Path{"up", "secret"},
                           Path{"etc", "passwd"}, Path{"inside"}}) {
    EXPECT_TRUE(absl::IsNotFound(tree.Find(path).status())) << path.back();
  }
}

TEST(FileTreeTest, AFifoIsRefusedAtOnce) {
  TemporaryFiles files;
  ASSERT_EQ(mkfifo((files.root() + "/fifo").c_str(), 0600), 0);
  const FileTree tree = *FileTree::Open(files.root());
  EXPECT_TRUE(absl::IsPermissionDenied(tree.Find(Path{"fifo"}).status()));
}

TEST(FileTreeTest, ListsADirectory) {
  TemporaryFiles files;
  files.Write("b", "");
  files.Write("a", "");
  files.MakeDirectory("c");
  const FileTree tree = *FileTree::Open(files.root());
  const absl::StatusOr<OpenFile> folder = tree.Find(Path{""});
  EXPECT_THAT(*FileTree::List(*folder), ElementsAre("a", "b", "c/"));
  EXPECT_THAT(*FileTree::List(*folder), ElementsAre("a", "b", "c/"));
}

}  // namespace
}  // namespace evkit
