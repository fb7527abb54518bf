// SPDX-License-Identifier: Apache-2.0
#include "backup/keep.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text.hpp"

namespace vbackup::backup {

namespace {

using State = Candidate::State;
using Days = std::chrono::sys_days;

Days day_of(Moment moment) {
    return std::chrono::floor<std::chrono::days>(moment);
}

// Periods as numbers: equal for two moments in the same one.
long hour_number(Moment moment) {
    return static_cast<long>(std::chrono::floor<std::chrono::hours>(moment).time_since_epoch().count());
}
long day_number(Moment moment) {
    return static_cast<long>(day_of(moment).time_since_epoch().count());
}
long week_number(Moment moment) {
    const auto day = day_of(moment);
    const std::chrono::weekday weekday(day);
    return day_number(moment) - static_cast<long>(weekday.iso_encoding()) + 1;
}
long month_number(Moment moment) {
    const std::chrono::year_month_day date(day_of(moment));
    return static_cast<long>(static_cast<int>(date.year())) * 12 +
           static_cast<long>(static_cast<unsigned>(date.month()));
}
long year_number(Moment moment) {
    return static_cast<long>(static_cast<int>(std::chrono::year_month_day(day_of(moment)).year()));
}

// The decisions of one call, as they come about.
class Deciding {
public:
    Deciding(const std::vector<Candidate>& all, const KeepRules& rules, Moment now)
        : all_(all), rules_(rules), now_(now), reasons_(all.size()) {}

    std::vector<Decision> result() {
        for (const auto& newest_first : good_by_target()) follow_rules(newest_first);
        keep_newest_of_collections();
        keep_what_is_pinned();
        keep_what_is_wanted();
        keep_what_no_rule_counts();
        keep_bases();
        std::vector<Decision> decisions;
        for (std::size_t i = 0; i < all_.size(); ++i) {
            const bool keep = !reasons_[i].empty();
            decisions.push_back({all_[i].id, keep, keep ? reasons_[i] : std::vector{why_not(all_[i])}});
        }
        return decisions;
    }

private:
    using Indexes = std::vector<std::size_t>;

    // Of backups begun in the same second the one listed first counts as the newer.
    std::vector<Indexes> good_by_target() const {
        std::map<std::string, Indexes> found;
        for (std::size_t i = 0; i < all_.size(); ++i) {
            if (is_good(all_[i]) && !is_ahead(all_[i])) found[all_[i].target].push_back(i);
        }
        std::vector<Indexes> groups;
        for (auto& [_, group] : found) {
            std::stable_sort(group.begin(), group.end(), [&](auto a, auto b) { return all_[a].when > all_[b].when; });
            groups.push_back(std::move(group));
        }
        return groups;
    }

    void follow_rules(const Indexes& good) {
        const auto seen = std::find_if(good.begin(), good.end(), [&](auto i) { return all_[i].state == State::good; });
        if (seen == good.end())
            reasons_[good.front()].emplace_back("the newest one");
        else
            reasons_[*seen].emplace_back("the newest good one");
        for (std::size_t i = 0; i < good.size() && i < rules_.last; ++i)
            reasons_[good[i]].push_back(fmt::format("last {} of {}", i + 1, rules_.last));
        by_period(good, "hourly", rules_.hourly, hour_number);
        by_period(good, "daily", rules_.daily, day_number);
        by_period(good, "weekly", rules_.weekly, week_number);
        by_period(good, "monthly", rules_.monthly, month_number);
        by_period(good, "yearly", rules_.yearly, year_number);
        if (!rules_.within) return;
        for (const auto i : good) {
            if (all_[good.front()].when - all_[i].when <= *rules_.within)
                reasons_[i].push_back(fmt::format("within {}", format_duration(*rules_.within)));
        }
    }

    void by_period(const Indexes& good, std::string_view word, std::size_t most, long (*number)(Moment)) {
        std::set<long> seen;
        for (const auto i : good) {
            if (seen.size() == most) return;
            if (seen.insert(number(all_[i].when)).second)
                reasons_[i].push_back(fmt::format("{} {} of {}", word, seen.size(), most));
        }
    }

    void keep_newest_of_collections() {
        for (const auto& good : good_by_target()) {
            std::set<std::string> seen;
            for (const auto i : good) {
                // One that names none is of everything.
                if (all_[i].collections.empty() && seen.insert("").second && reasons_[i].empty())
                    reasons_[i].emplace_back("the newest good one of everything");
                for (const auto& name : all_[i].collections) {
                    if (seen.insert(name).second && reasons_[i].empty())
                        reasons_[i].push_back(fmt::format("the newest good one of collection {}", name));
                }
            }
        }
    }

    void keep_what_is_pinned() {
        for (std::size_t i = 0; i < all_.size(); ++i) {
            if (all_[i].pinned) reasons_[i].emplace_back("pinned");
        }
    }

    static bool is_good(const Candidate& one) { return one.state == State::good || one.state == State::unseen; }

    bool is_wanted(const Candidate& one) const { return one.retention && now_ <= later(one.when, *one.retention); }

    void keep_what_is_wanted() {
        for (std::size_t i = 0; i < all_.size(); ++i) {
            const auto& one = all_[i];
            if (!is_good(one)) continue;
            if (is_wanted(one)) reasons_[i].push_back(fmt::format("wanted for {}", format_duration(*one.retention)));
            if (!one.retention && !rules_.any() && reasons_[i].empty())
                reasons_[i].emplace_back("no rule speaks of it");
        }
    }

    // A clock that was wrong must not make each later backup an old one.
    bool is_ahead(const Candidate& one) const { return one.when > now_ + std::chrono::hours(1); }

    void keep_what_no_rule_counts() {
        for (std::size_t i = 0; i < all_.size(); ++i) {
            if (is_good(all_[i]) && is_ahead(all_[i])) reasons_[i].emplace_back("dated in the future");
            if (all_[i].state == State::under_way) reasons_[i].emplace_back("under way");
            if (all_[i].state == State::bad && now_ - all_[i].when < std::chrono::hours(24))
                reasons_[i].emplace_back("went wrong less than a day ago");
        }
    }

    // Also of what was kept for being a base: the chain is followed to its end.
    void keep_bases() {
        for (bool more = true; more;) {
            more = false;
            for (std::size_t i = 0; i < all_.size(); ++i) {
                if (reasons_[i].empty()) continue;
                for (std::size_t base = 0; base < all_.size(); ++base) {
                    if (!reasons_[base].empty() || !is_base(all_[base], all_[i])) continue;
                    reasons_[base].push_back(fmt::format("{} builds on it", all_[i].id));
                    more = true;
                }
            }
        }
    }

    static bool is_base(const Candidate& base, const Candidate& of) {
        return std::find(of.bases.begin(), of.bases.end(), base.id) != of.bases.end();
    }

    std::string why_not(const Candidate& one) const {
        if (one.state == State::bad) return "no good backup, and more than a day old";
        if (one.retention && !rules_.any()) return fmt::format("wanted for {} only", format_duration(*one.retention));
        return "no rule keeps it";
    }

    const std::vector<Candidate>& all_;
    const KeepRules& rules_;
    Moment now_;
    std::vector<std::vector<std::string>> reasons_;
};

}  // namespace

std::vector<Decision> decide(const std::vector<Candidate>& all, const KeepRules& rules, Moment now) {
    return Deciding(all, rules, now).result();
}

}  // namespace vbackup::backup
