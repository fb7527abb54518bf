// SPDX-License-Identifier: Apache-2.0
#include "backup/keep.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <random>
#include <set>

#include "base/text.hpp"

using namespace vbackup;
using namespace vbackup::backup;

namespace {

using State = Candidate::State;
using std::chrono::hours;

const Moment now = *parse_time("2026-11-21T12:00:00Z");

Candidate at(const std::string& id, Milliseconds age, State state = State::good) {
    return {
        .id = id, .target = "t", .collections = {"c"}, .bases = {}, .when = now - age, .state = state, .retention = {}};
}

std::set<std::string> kept(const std::vector<Candidate>& all, const KeepRules& rules) {
    std::set<std::string> names;
    for (const auto& one : decide(all, rules, now)) {
        CHECK_FALSE(one.reasons.empty());
        if (one.keep) names.insert(one.id);
    }
    return names;
}

using Ids = std::set<std::string>;

// What decide() promises, said a second time and from the other side: is this outcome allowed for these backups?
class Oracle {
public:
    Oracle(const std::vector<Candidate>& all, const KeepRules& rules) : all_(all), rules_(rules) {}

    bool keeps(std::size_t i, const std::vector<Decision>& decisions) const {
        const auto& one = all_[i];
        if (one.state == State::under_way || one.pinned) return true;
        if (one.state == State::bad) return now - one.when < hours(24) || is_base_of_kept(one, decisions);
        if (one.when > now + hours(1)) return true;
        return is_newest(one, i) || is_newest_of_collection(one, i) || by_rules(one, i) || wanted(one) ||
               (!rules_.any() && !one.retention) || is_base_of_kept(one, decisions);
    }

private:
    bool newer(std::size_t a, std::size_t b) const {
        return all_[a].when > all_[b].when || (all_[a].when == all_[b].when && a < b);
    }
    bool good_sibling(std::size_t other, const Candidate& one) const {
        return all_[other].state == State::good && all_[other].target == one.target &&
               all_[other].when <= now + hours(1);
    }
    bool is_newest(const Candidate& one, std::size_t i) const {
        for (std::size_t j = 0; j < all_.size(); ++j)
            if (j != i && good_sibling(j, one) && newer(j, i)) return false;
        return true;
    }
    bool is_newest_of_collection(const Candidate& one, std::size_t i) const {
        if (one.collections.empty()) {
            for (std::size_t j = 0; j < all_.size(); ++j)
                if (j != i && good_sibling(j, one) && newer(j, i) && all_[j].collections.empty()) return false;
            return true;
        }
        return std::any_of(one.collections.begin(), one.collections.end(), [&](const auto& name) {
            for (std::size_t j = 0; j < all_.size(); ++j) {
                const auto& has = all_[j].collections;
                if (j != i && good_sibling(j, one) && newer(j, i) &&
                    std::find(has.begin(), has.end(), name) != has.end())
                    return false;
            }
            return true;
        });
    }
    bool wanted(const Candidate& one) const { return one.retention && one.when + *one.retention >= now; }

    // In how many periods newer than its own is there a good one, and is it the last of its own?
    bool in_period(const Candidate& one, std::size_t i, std::size_t most, std::string (*period)(Moment)) const {
        std::set<std::string> later;
        for (std::size_t j = 0; j < all_.size(); ++j) {
            if (j == i || !good_sibling(j, one) || !newer(j, i)) continue;
            if (period(all_[j].when) == period(one.when)) return false;
            later.insert(period(all_[j].when));
        }
        return later.size() < most;
    }
    bool by_rules(const Candidate& one, std::size_t i) const {
        std::size_t before = 0;
        Moment newest = one.when;
        for (std::size_t j = 0; j < all_.size(); ++j) {
            if (j == i || !good_sibling(j, one)) continue;
            before += newer(j, i) ? 1U : 0U;
            newest = std::max(newest, all_[j].when);
        }
        if (before < rules_.last) return true;
        if (rules_.within && newest - one.when <= *rules_.within) return true;
        return in_period(one, i, rules_.hourly, [](Moment m) { return format_time(m).substr(0, 13); }) ||
               in_period(one, i, rules_.daily, [](Moment m) { return format_time(m).substr(0, 10); }) ||
               in_period(one, i, rules_.weekly, week) ||
               in_period(one, i, rules_.monthly, [](Moment m) { return format_time(m).substr(0, 7); }) ||
               in_period(one, i, rules_.yearly, [](Moment m) { return format_time(m).substr(0, 4); });
    }
    // 5 January 1970 was a Monday.
    static std::string week(Moment moment) {
        const auto since =
            std::chrono::floor<std::chrono::days>(moment) - std::chrono::sys_days(std::chrono::year(1970) / 1 / 5);
        return std::to_string(since.count() / 7);
    }
    bool is_base_of_kept(const Candidate& one, const std::vector<Decision>& decisions) const {
        for (std::size_t j = 0; j < all_.size(); ++j) {
            const auto& bases = all_[j].bases;
            if (decisions[j].keep && std::find(bases.begin(), bases.end(), one.id) != bases.end()) return true;
        }
        return false;
    }

    const std::vector<Candidate>& all_;
    const KeepRules& rules_;
};

bool agree(const std::vector<Candidate>& all, const KeepRules& rules) {
    const auto decisions = decide(all, rules, now);
    if (decisions.size() != all.size()) return false;
    const Oracle oracle(all, rules);
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (decisions[i].id != all[i].id || decisions[i].reasons.empty()) return false;
        if (decisions[i].keep != oracle.keeps(i, decisions)) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("unseen ones count like good ones, but the newest that is seen to be good stays whatever is newer") {
    const std::vector<Candidate> all{at("u1", hours(1), State::unseen), at("u2", hours(2), State::unseen),
                                     at("good", hours(30)), at("u3", hours(40), State::unseen)};
    CHECK(kept(all, {.last = 2}) == Ids{"u1", "u2", "good"});
    CHECK(kept({all[0], all[1], all[3]}, {.last = 1}) == Ids{"u1"});
    CHECK(kept(all, {}) == Ids{"u1", "u2", "good", "u3"});
    auto wanted = all;
    for (auto& one : wanted) one.retention = hours(1);
    CHECK(kept(wanted, {}) == Ids{"u1", "good"});
}

TEST_CASE("the newest good one is kept by no rule at all, and bad ones never count") {
    const std::vector<Candidate> all{at("bad", hours(25), State::bad), at("a", hours(30)), at("b", hours(60))};
    CHECK(kept(all, {.last = 1}) == Ids{"a"});
    CHECK(kept(all, {.last = 2}) == Ids{"a", "b"});
    CHECK(kept(all, {.daily = 1}) == Ids{"a"});
}

TEST_CASE("without a rule only what is no longer wanted or went wrong goes, never the newest good one") {
    auto old = at("old", hours(100));
    old.retention = hours(72);
    auto young = at("young", hours(50));
    young.retention = hours(72);
    const auto plain = at("plain", hours(9000));
    CHECK(kept({young, old, plain, at("wrong", hours(30), State::bad), at("fresh", hours(2), State::bad)}, {}) ==
          Ids{"young", "plain", "fresh"});
    CHECK(kept({old}, {}) == Ids{"old"});
    CHECK(kept({at("new", hours(1)), young, old}, {.last = 1}) == Ids{"new", "young"});
}

TEST_CASE("the last of each period is kept: hours, days, weeks from Monday, months, years in UTC") {
    std::vector<Candidate> all;
    const auto add = [&](const std::string& id, const std::string& time) {
        all.push_back(at(id, std::chrono::duration_cast<Milliseconds>(now - *parse_time(time))));
    };
    add("sat", "2026-11-21T11:00:00Z");
    add("sat-early", "2026-11-21T10:59:59Z");
    add("mon", "2026-11-16T00:00:00Z");
    add("sun", "2026-11-15T23:59:59Z");
    add("oct", "2026-10-31T23:00:00Z");
    add("last-year", "2025-12-31T23:59:59Z");
    CHECK(kept(all, {.hourly = 2}) == Ids{"sat", "sat-early"});
    CHECK(kept(all, {.daily = 2}) == Ids{"sat", "mon"});
    CHECK(kept(all, {.weekly = 2}) == Ids{"sat", "sun"});
    CHECK(kept(all, {.monthly = 2}) == Ids{"sat", "oct"});
    CHECK(kept(all, {.yearly = 2}) == Ids{"sat", "last-year"});
    CHECK(kept(all, {.within = hours(24 * 6)}) == Ids{"sat", "sat-early", "mon", "sun"});
}

TEST_CASE("targets are counted on their own, and the newest good one of each collection stays") {
    auto other = at("other", hours(500));
    other.target = "u";
    auto alone = at("alone", hours(400));
    alone.collections = {"only-here"};
    CHECK(kept({at("a", hours(1)), at("b", hours(2)), alone, other}, {.last = 1}) == Ids{"a", "alone", "other"});
}

TEST_CASE("one that names no collection is of everything, and the newest of these stays") {
    auto all = at("all", hours(30)), older = at("older", hours(50));
    all.collections = older.collections = {};
    CHECK(kept({at("part", hours(1)), all, older}, {.last = 1}) == Ids{"part", "all"});
}

TEST_CASE("one that is dated in the future stays, and does not make the others old") {
    CHECK(kept({at("wrong", -hours(1000)), at("new", hours(1)), at("old", hours(25))}, {.last = 1}) ==
          Ids{"wrong", "new"});
    CHECK(kept({at("wrong", -hours(1000)), at("new", hours(1))}, {.within = hours(10)}) == Ids{"wrong", "new"});
}

TEST_CASE("what a kept one builds on is kept, along the whole chain") {
    auto c = at("c", hours(1)), b = at("b", hours(30));
    c.bases = {"b"};
    b.bases = {"a"};
    CHECK(kept({c, b, at("a", hours(60)), at("z", hours(90))}, {.last = 1}) == Ids{"a", "b", "c"});
}

TEST_CASE(
    "a pinned one stays, good or bad, with what it builds on, and does not count for a rule that it does not fall "
    "under") {
    auto pinned = at("pinned", hours(60)), wrong = at("wrong", hours(999), State::bad);
    pinned.pinned = wrong.pinned = true;
    pinned.bases = {"base"};
    CHECK(kept({at("a", hours(1)), at("b", hours(30)), pinned, at("base", hours(80)), at("z", hours(90)), wrong},
               {.last = 2}) == Ids{"a", "b", "base", "pinned", "wrong"});
}

TEST_CASE("what is under way stays, however old it is") {
    CHECK(kept({at("a", hours(1)), at("w", hours(999), State::under_way)}, {.last = 1}) == Ids{"a", "w"});
}

// The fifth backup makes six times as many histories. Under a sanitizer they take minutes, and touch memory in no new way.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t longest_history = 4;
#else
constexpr std::size_t longest_history = 5;
#endif

TEST_CASE("all histories of up to five backups, for every rule of 0 to 2") {
    const std::array<Milliseconds, 5> ages{hours(1), hours(20), hours(30), hours(24 * 8), hours(24 * 40)};
    bool good = true;
    for (std::size_t count = 0; count <= longest_history && good; ++count) {
        std::size_t histories = 1;
        for (std::size_t i = 0; i < count; ++i) histories *= 5;
        for (std::size_t history = 0; history < histories && good; ++history) {
            std::vector<Candidate> all;
            for (std::size_t i = 0, rest = history; i < count; ++i, rest /= 5) {
                all.push_back(at(std::string(1, static_cast<char>('a' + i)), ages[i],
                                 rest % 5 == 1   ? State::bad
                                 : rest % 5 == 2 ? State::under_way
                                                 : State::good));
                // An increment on the one before it.
                if (rest % 5 == 3 && i + 1 < count) all.back().bases = {std::string(1, static_cast<char>('b' + i))};
                all.back().pinned = rest % 5 == 4;
            }
            for (std::size_t rule = 0; rule < 81 && good; ++rule) {
                const KeepRules rules{
                    .last = rule % 3, .daily = rule / 3 % 3, .weekly = rule / 9 % 3, .monthly = rule / 27 % 3};
                good = agree(all, rules);
                if (!good) MESSAGE("history " << history << " of " << count << ", rule " << rule);
            }
        }
    }
    CHECK(good);
}

TEST_CASE("twenty thousand random histories") {
    std::mt19937 random(20261121);  // NOLINT: the same ones each time
    const auto below = [&](std::uint32_t most) { return static_cast<std::uint32_t>(random() % most); };
    bool good = true;
    for (int round = 0; round < 20'000 && good; ++round) {
        std::vector<Candidate> all;
        const auto count = below(9);
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t grids[] = {1, 7, 24, 24 * 7, 24 * 31};
            auto one = at("b" + std::to_string(i), hours(below(12) * grids[below(5)]),
                          below(5) == 0   ? State::bad
                          : below(9) == 0 ? State::under_way
                                          : State::good);
            one.target = below(4) == 0 ? "u" : "t";
            if (below(3) == 0) one.collections = {"c" + std::to_string(below(3)), "d"};
            if (below(4) == 0) one.retention = hours(24 * below(40));
            one.pinned = below(8) == 0;
            if (i > 0 && below(4) == 0) one.bases = {"b" + std::to_string(below(i))};
            all.push_back(std::move(one));
        }
        KeepRules rules{below(3), below(3), below(3), below(3), below(3), below(3), {}};
        if (below(3) == 0) rules = {};
        if (below(4) == 0) rules.within = hours(24 * below(20));
        good = agree(all, rules);
        if (!good) MESSAGE("round " << round);
    }
    CHECK(good);
}
