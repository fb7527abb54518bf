// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "base/call.hpp"
#include "net/http.hpp"

namespace vbackup::net {

// How often a request is sent again after its first failure.
inline constexpr int most_repeats = 4;

// GET and HEAD that carry nothing, and what says so of itself: sending them twice changes nothing.
bool is_repeatable(const Request& request);

// Statuses that may be gone a moment later: 408, 429, 500, 502, 503, 504.
bool is_passing(int status);

// Random numbers from the system, one generator a thread.
double system_random();

// The only retry loop. Calls `attempt` until it gives an answer that is not passing, at most most_repeats times more,
// and pauses in between by the call's clock. When the next pause would outlive the deadline, or the repeats are used up,
// the last answer is returned or the last Error{unreachable} thrown; other errors end it at once. `note` is told of each
// repeat for the trace; `also` says which other answers are passing.
Response repeat_while_passing(const Call& call, const Random& random, const Trace& note,
                              const std::function<Response()>& attempt,
                              const std::function<bool(const Response&)>& also = {});

// For servers that promise that a 429 with Retry-After means "not even begun" (Kubernetes: API priority and fairness): whatever
// the request was, it is sent again after that time, as often and within the same deadline as above.
Response repeat_while_turned_away(const Call& call, const Trace& note, const std::function<Response()>& attempt);

}  // namespace vbackup::net
