// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "base/call.hpp"
#include "base/error.hpp"
#include "model/plan.hpp"

namespace vbackup::job {

// How long to wait without progress. The deadline is the call's.
struct Limits {
    Milliseconds with_progress = std::chrono::minutes(30);  // where the server shows progress
    Milliseconds without_progress = std::chrono::hours(6);  // where it shows none
    Milliseconds after_outage = std::chrono::minutes(2);    // once the server was seen down or restarted
    int gone_tolerance = 3;                                 // looks in a row that may find nothing at the beginning
};

// Looks once; may itself take up to `patience`. The call it is given outlives the deadline by a moment, so that the last
// look is possible.
using Look = std::function<model::Seen(Call& call, Milliseconds patience)>;

// Waits until the job is final and returns that last look: succeeded, failed, cancelled or gone. A look that fails because
// the server cannot be reached, is silent, busy, not understood or fails is taken again; when that lasts longer than
// `after_outage`, the look's own error is thrown. Otherwise throws: deadline; stalled; not_understood when a word nobody
// knows outlived a limit; interrupted on stop; any other error of a look at once. A last look is taken at the deadline.
// The first look is at once. The tally's stage shows the server's word.
model::Seen wait(Call& call, const Look& look, const Limits& limits);

// The pause after a look at a job of that age: a quarter of a second at first, an eighth of its age later, 12 s at most. So
// a job of 2 s is seen within half a second of its end, and one of an hour costs fewer than one request in 10 s.
Milliseconds pause(Milliseconds age);

}  // namespace vbackup::job
