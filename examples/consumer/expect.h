#ifndef EXPECT_H_
#define EXPECT_H_

#include <cstdio>
#include <cstdlib>

// Ends the program with exit status 1 unless `condition` holds.
#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, \
                   #condition);                                       \
      std::exit(1);                                                   \
    }                                                                 \
  } while (false)

#endif  // EXPECT_H_
