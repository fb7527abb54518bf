// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace vbackup {

namespace {

// Hands out the indexes, each once, and notes what became of them.
class Queue {
public:
    Queue(std::size_t count, const std::stop_token& stop) : results_(count), stop_(stop) {}

    std::optional<std::size_t> take() {
        const std::lock_guard lock(mutex_);
        if (ended_ || next_ == results_.size() || stop_.stop_requested()) return std::nullopt;
        return next_++;
    }

    void end() {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }

    // Each index belongs to one worker, so no lock is needed; the vector is read after all have been joined.
    void failed(std::size_t index, std::exception_ptr why) { results_[index] = std::move(why); }
    std::vector<std::exception_ptr> results() { return std::move(results_); }

private:
    std::mutex mutex_;
    std::size_t next_ = 0;
    bool ended_ = false;
    std::vector<std::exception_ptr> results_;
    const std::stop_token& stop_;
};

void drain(Queue& queue, const std::function<bool(std::size_t)>& work) {
    while (const auto index = queue.take()) {
        try {
            if (!work(*index)) queue.end();
        } catch (...) {
            queue.failed(*index, std::current_exception());
        }
    }
}

}  // namespace

std::vector<std::exception_ptr> run_parallel(std::size_t count, std::size_t limit, const std::stop_token& stop,
                                             const std::function<bool(std::size_t)>& work) {
    Queue queue(count, stop);
    {
        // The calling thread is one of the workers.
        std::vector<std::jthread> workers;
        for (std::size_t i = 1; i < std::min(limit, count); ++i) {
            try {
                workers.emplace_back([&queue, &work] { drain(queue, work); });
            } catch (const std::system_error&) {
                break;  // The system gives no more threads; those that run do all the work, only later.
            }
        }
        drain(queue, work);
    }
    return queue.results();
}

void run_all(std::size_t count, std::size_t limit, const std::stop_token& stop,
             const std::function<void(std::size_t)>& work) {
    const auto problems = run_parallel(count, limit, stop, [&](std::size_t index) {
        work(index);
        return true;
    });
    for (const auto& problem : problems)
        if (problem) std::rethrow_exception(problem);
}

}  // namespace vbackup
