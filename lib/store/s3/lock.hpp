// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "store/s3/bucket.hpp"

namespace vbackup::store::s3 {

// An object that says who works on something, for as long as it is renewed. It is made with If-None-Match, renewed with
// If-Match, and counts as left behind when its holder is a process of this machine that has ended, or when it was not renewed
// for `lease` by the service's own clock; then it is taken over with If-Match, so that of two only one does.
//
// What it cannot promise: a run that is held up for longer than the lease loses the lock while it believes to hold it. It
// notices at its next renewal, and `require_held` refuses to make anything visible then; what it overwrote before that stays
// so. On a service that knows no conditional writes two runs that begin within the same moment may both believe to hold it;
// the one that reads the other's name in it afterwards gives up.
class Lock {
public:
    struct Times {
        Milliseconds lease{120'000};
        Milliseconds renewal{20'000};
    };

    // Throws Error{busy} when another run holds it, with who and for how long it may still count.
    Lock(std::shared_ptr<Bucket> bucket, std::string key, std::string what, Times times);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    // Error{busy} once another run has taken it over; asks when it was not renewed in time. Thread-safe.
    void require_held();

private:
    void take();
    bool try_once(Call& call);
    bool put(Call& call, net::Headers conditions);
    bool renew(Call& call);
    bool is_mine(Call& call);
    void require_mine(Call& call);
    void keep(const std::stop_token& stop);
    Error busy(const std::map<std::string, std::string>& holder, Milliseconds age) const;

    const std::shared_ptr<Bucket> bucket_;
    const std::string key_;
    const std::string what_;
    const Times times_;
    const std::string nonce_;
    const std::string body_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable_any wake_;
    std::string etag_;
    Instant renewed_;
    bool lost_ = false;
    std::jthread keeper_;
};

}  // namespace vbackup::store::s3
