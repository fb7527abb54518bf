// SPDX-License-Identifier: Apache-2.0
#include "job/wait.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/text.hpp"

namespace vbackup::job {

namespace {

using model::Phase;
using model::Seen;

// The last look may end this much after the deadline, not more: a person who said `--timeout 60s` counts on it.
constexpr Milliseconds grace{1'500};
// How long one look may hold a watch; it is also how soon a deadline or a signal is noticed where a driver can push.
constexpr Milliseconds patience{10'000};

// The server's word, and how far it is where it says so.
std::string stage_of(const Seen& seen) {
    if (!seen.done || seen.total.value_or(0) == 0 || model::is_final(seen.phase)) return seen.said;
    return fmt::format("{} {:.0f} %", seen.said,
                       100 * static_cast<double>(*seen.done) / static_cast<double>(*seen.total));
}

// A word that nobody knows, or one that what else was seen contradicts.
std::string doubt(const Seen& seen) {
    return fmt::format("\"{}\", {}", one_line(seen.said, 80),
                       seen.why.empty() ? "which this version does not know" : "but " + one_line(seen.why, 200));
}

class Wait {
public:
    Wait(Call& call, const Limits& limits)
        : call_(call), limits_(limits), begin_(call.clock.now()), progress_(begin_) {}

    Seen run(const Look& look) {
        for (;;) {
            require_no_stop();
            const bool last = call_.clock.now() >= call_.deadline;
            if (auto seen = look_once(look)) {
                note(*seen);
                if (is_over(*seen)) return *seen;
            }
            require_within_limits();
            if (last) throw_deadline();
            const auto length = std::min(pause(age()), until_deadline());
            if (!call_.clock.sleep(length, call_.stop)) require_no_stop();
        }
    }

private:
    std::optional<Seen> look_once(const Look& look) {
        Call extended = call_;
        if (call_.deadline != Instant::max()) extended.deadline = call_.deadline + grace;
        try {
            Seen seen = look(extended, std::min(patience, std::max(until_deadline(), Milliseconds{1})));
            if (trouble_) recover();
            return seen;
        } catch (const Error& error) {
            require_no_stop();
            if (error.kind() == ErrorKind::deadline) throw_deadline();
            if (!passes(error.kind())) throw;
            if (!trouble_) trouble_since_ = call_.clock.now();
            trouble_ = error;
            call_.tally.stage(fmt::format("waiting: {}", error.message()));
            return std::nullopt;
        }
    }

    // A server that fails at one look (500 while its leader changes, say) may answer the next.
    static bool passes(ErrorKind kind) {
        return describe(kind).transient || kind == ErrorKind::stalled || kind == ErrorKind::not_understood ||
               kind == ErrorKind::failed;
    }

    // The server is back. Whatever it was doing may be lost, so from now on a standstill is judged by the short limit.
    void recover() {
        if (trouble_->kind() == ErrorKind::unreachable) {
            was_down_ = true;
            progress_ = call_.clock.now();
        }
        trouble_.reset();
    }

    void note(const Seen& seen) {
        call_.tally.stage(stage_of(seen));
        shows_progress_ = shows_progress_ || !seen.mark.empty();
        if (seen.phase == Phase::unknown) {
            unknown_ = doubt(seen);
            call_.tally.warn(fmt::format("the server says {}; still waiting", *unknown_));
        } else {
            unknown_.reset();
        }
        gone_ = seen.phase == Phase::gone ? gone_ + 1 : 0;
        if (seen.mark == mark_ && seen.said == said_) return;
        if (looked_) was_down_ = false;
        looked_ = true;
        mark_ = seen.mark;
        said_ = seen.said;
        progress_ = call_.clock.now();
    }

    bool is_over(const Seen& seen) const {
        return seen.phase == Phase::gone ? gone_ > limits_.gone_tolerance : is_final(seen.phase);
    }

    void require_no_stop() const {
        if (call_.stop.stop_requested()) throw Error(ErrorKind::interrupted, "the wait was interrupted");
    }

    void require_within_limits() const {
        const auto now = call_.clock.now();
        if (trouble_) {
            if (now - trouble_since_ >= limits_.after_outage) throw *trouble_;
            return;
        }
        const auto limit = was_down_         ? limits_.after_outage
                           : shows_progress_ ? limits_.with_progress
                                             : limits_.without_progress;
        if (now - progress_ < limit) return;
        if (unknown_) throw_unknown();
        throw Error(ErrorKind::stalled,
                    fmt::format("no progress for {}{}; the server says \"{}\"", format_duration(limit),
                                was_down_ ? " since the server was away" : "", one_line(said_, 80)),
                    "look at the server's log; the job may still go on");
    }

    [[noreturn]] void throw_deadline() const {
        if (unknown_) throw_unknown();
        throw Error(
            ErrorKind::deadline,
            fmt::format("not done after {}; the server says \"{}\"", format_duration(age()), one_line(said_, 80)),
            "the job goes on at the server");
    }

    [[noreturn]] void throw_unknown() const {
        throw Error(ErrorKind::not_understood, fmt::format("the server kept saying {}", *unknown_),
                    "look at the server; where a word is not known, a newer vbackup may know it");
    }

    Milliseconds age() const { return std::chrono::duration_cast<Milliseconds>(call_.clock.now() - begin_); }
    Milliseconds until_deadline() const { return call_.left(std::chrono::hours(24)); }

    Call& call_;
    const Limits& limits_;
    Instant begin_;
    Instant progress_;
    Instant trouble_since_{};
    std::optional<Error> trouble_;
    std::optional<std::string> unknown_;
    std::string mark_, said_;
    int gone_ = 0;
    bool looked_ = false, shows_progress_ = false, was_down_ = false;
};

}  // namespace

Milliseconds pause(Milliseconds age) {
    return std::clamp(age / 8, Milliseconds{250}, Milliseconds{12'000});
}

model::Seen wait(Call& call, const Look& look, const Limits& limits) {
    return Wait(call, limits).run(look);
}

}  // namespace vbackup::job
