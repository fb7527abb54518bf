// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace vbackup::test {

// When a process is killed: at one of the calls that change the world, on the disk or with a server, counted together from 0.
// From there on nothing that it does has an effect any more, whatever it catches. Thread-safe.
class Fate {
public:
    enum class Call {
        works,
        last,     // it still has its effect, or half of it, and nobody hears of that
        nothing,  // no effect: it is dead
    };

    // Killed before that call; `within`: in the middle of it.
    void kill_at(std::size_t call, bool within) {
        const std::scoped_lock lock(mutex_);
        at_ = call;
        within_ = within;
        seen_ = 0;
        where_.clear();
    }
    // Another process lives. Counting begins anew.
    void live() {
        const std::scoped_lock lock(mutex_);
        at_.reset();
        seen_ = 0;
    }
    // A call of that kind comes: "request", "write", "sync", "rename", …
    Call next(std::string_view kind) {
        const std::scoped_lock lock(mutex_);
        const auto now = seen_++;
        if (!at_ || now < *at_) return Call::works;
        if (where_.empty()) where_ = kind;
        return now == *at_ && within_ ? Call::last : Call::nothing;
    }
    // Looking changes nothing, and the dead see nothing.
    bool is_dead() const {
        const std::scoped_lock lock(mutex_);
        return at_ && seen_ > *at_;
    }
    // The kind of call at which it was killed; empty: it was not.
    std::string where() const {
        const std::scoped_lock lock(mutex_);
        return where_;
    }
    std::size_t seen() const {
        const std::scoped_lock lock(mutex_);
        return seen_;
    }

private:
    mutable std::mutex mutex_;
    std::optional<std::size_t> at_;
    bool within_ = false;
    std::string where_;
    std::size_t seen_ = 0;
};

}  // namespace vbackup::test
