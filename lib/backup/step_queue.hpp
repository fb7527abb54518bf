// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "model/plan.hpp"

namespace vbackup::backup {

// Hands out steps in the order their `after` allows. Thread-safe. The steps outlive it.
class StepQueue {
public:
    // `good`: the ids of the steps that have ended well already.
    StepQueue(std::vector<const model::Step*> waiting, std::set<std::string> good);

    // The next step that may begin, waiting for others to end where it must; null when none ever will.
    const model::Step* next();
    // A step that `next` gave has ended; those that come after it may begin when it was good.
    void ended(const model::Step& step, bool good);
    // No more steps are handed out.
    void stop();

private:
    bool is_ready(const model::Step& step) const;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<const model::Step*> waiting_;
    std::set<std::string> good_;
    std::size_t running_ = 0;
    bool stopped_ = false;
};

}  // namespace vbackup::backup
