// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A place in the source, recorded by the caller without saying so:
//
//   void Schedule(Callback callback,
//                 SourceLocation where = SourceLocation::Here());
//
// std::source_location in all but name, which Clang before 15 does not have.

#ifndef EVKIT_BASE_SOURCE_LOCATION_H_
#define EVKIT_BASE_SOURCE_LOCATION_H_

#include <cstdint>

namespace evkit {

// Cheap to copy. The strings live as long as the program.
class SourceLocation {
 public:
  // Nowhere: an empty file name.
  constexpr SourceLocation() = default;

  // Where it is evaluated; as a default argument, where the function is called.
  static constexpr SourceLocation Here(
      const char* file = __builtin_FILE(), int line = __builtin_LINE(),
      const char* function = __builtin_FUNCTION()) {
    return SourceLocation(file, line, function);
  }

  constexpr const char* file() const { return file_; }
  constexpr int line() const { return static_cast<int>(line_); }
  constexpr const char* function() const { return function_; }

 private:
  constexpr SourceLocation(const char* file, int line, const char* function)
      : file_(file), function_(function), line_(line) {}

  const char* file_ = "";
  const char* function_ = "";
  // As wide as the others. A narrower one is written as such and then copied
  // together with the padding, for which the processor waits for the write to
  // be over: a third of the price of scheduling a callback.
  int64_t line_ = 0;
};

}  // namespace evkit

#endif  // EVKIT_BASE_SOURCE_LOCATION_H_
