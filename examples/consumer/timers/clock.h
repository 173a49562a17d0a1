// The consumer's own, of the same path as one of evkit's: neither gets the
// other's.

#ifndef TIMERS_CLOCK_H_
#define TIMERS_CLOCK_H_

// A clock on the wall of a simulation: it moves when told to.
class Clock {
 public:
  long milliseconds() const { return milliseconds_; }
  void MoveBy(long milliseconds) { milliseconds_ += milliseconds; }

 private:
  long milliseconds_ = 0;
};

#endif  // TIMERS_CLOCK_H_
