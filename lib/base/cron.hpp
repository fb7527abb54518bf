// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace vbackup {

// When something recurs, in UTC: five fields (minute, hour, day of the month, month, day of the week), one of the macros
// @yearly @annually @monthly @weekly @daily @hourly @reboot, or "@every 1h30m" with Go's units. As with cron, a day is meant when
// either of the two day fields says so, if neither begins with '*'.
class Cron {
public:
    // Fields are numbers, '*', ranges, steps and lists of these; months and days of the week also by their first three
    // letters, Sunday as 0 or 7. Error{usage} says which field is wrong and what it would take. Five fields only: programs
    // disagree on whether a sixth is seconds or years.
    static Cron parse(std::string_view text);

    // The first time after `after`; empty when there is none within nine years (such as 30 February) and for @reboot.
    std::optional<Moment> next(Moment after) const;

    bool at_start() const { return at_start_; }  // @reboot

    // What to send: one blank between fields and numbers instead of names. What is neither a star, a number, a range, a step nor
    // a list of numbers ("1-5,20-25/5") becomes the list of its numbers, which every reader of cron understands;
    // "@every 1.5h" becomes "@every 1h30m".
    const std::string& text() const { return text_; }

private:
    static Cron parse_macro(std::string_view text);
    static Cron parse_fields(std::string_view text);
    bool has_day(std::chrono::sys_days day) const;

    std::string text_;
    std::optional<Milliseconds> every_;         // @every
    bool at_start_ = false;                     // @reboot
    std::array<std::uint64_t, 5> allowed_{};    // a bit for each value
    bool any_day_ = true, any_weekday_ = true;  // the field begins with '*'
};

}  // namespace vbackup
