// SPDX-License-Identifier: Apache-2.0
#include "backup/step_queue.hpp"

#include <algorithm>
#include <utility>

namespace vbackup::backup {

using model::Step;

StepQueue::StepQueue(std::vector<const Step*> waiting, std::set<std::string> good)
    : waiting_(std::move(waiting)), good_(std::move(good)) {}

const Step* StepQueue::next() {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (stopped_) return nullptr;
        const auto ready =
            std::find_if(waiting_.begin(), waiting_.end(), [&](const Step* step) { return is_ready(*step); });
        if (ready != waiting_.end()) {
            const auto* step = *ready;
            waiting_.erase(ready);
            ++running_;
            return step;
        }
        if (running_ == 0) return nullptr;
        changed_.wait(lock);
    }
}

void StepQueue::ended(const Step& step, bool good) {
    const std::scoped_lock lock(mutex_);
    --running_;
    if (good) good_.insert(step.id);
    changed_.notify_all();
}

void StepQueue::stop() {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
}

bool StepQueue::is_ready(const Step& step) const {
    return std::all_of(step.after.begin(), step.after.end(), [&](const auto& id) { return good_.contains(id); });
}

}  // namespace vbackup::backup
