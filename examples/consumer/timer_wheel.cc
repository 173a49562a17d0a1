// evkit's timer wheel alone, driven by a clock of the consumer's own: sessions
// that expire unless they are used.

#include "evkit/timers/timer_wheel.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "expect.h"
#include "timers/clock.h"

namespace {

struct Session {
  std::string user;
  evkit::TimerWheel::Timer expiry;
};

evkit::MonotonicTime Now(const Clock& clock) {
  return evkit::MonotonicTime() + absl::Milliseconds(clock.milliseconds());
}

}  // namespace

int main() {
  Clock clock;
  evkit::TimerWheel wheel(Now(clock));
  Session ada;
  ada.user = "ada";
  Session bob;
  bob.user = "bob";
  Session eve;
  eve.user = "eve";

  wheel.Arm(ada.expiry, Now(clock) + absl::Minutes(30));
  wheel.Arm(bob.expiry, Now(clock) + absl::Minutes(20));
  wheel.Arm(eve.expiry, Now(clock) + absl::Minutes(10));
  wheel.Disarm(eve.expiry);
  clock.MoveBy(19 * 60 * 1000);
  wheel.Arm(bob.expiry, Now(clock) + absl::Minutes(20));  // Was used.

  std::vector<evkit::TimerWheel::Timer*> expired;
  auto note = [&expired](evkit::TimerWheel::Timer& timer) {
    expired.push_back(&timer);
  };
  EXPECT(wheel.Advance(Now(clock), note) == 0);
  clock.MoveBy(60 * 60 * 1000);
  EXPECT(wheel.Advance(Now(clock), note) == 2);
  EXPECT(expired[0] == &ada.expiry);
  EXPECT(expired[1] == &bob.expiry);
  EXPECT(wheel.empty() && !wheel.NextWakeup());
}
