// SPDX-License-Identifier: Apache-2.0
// Drivers × verbs × faults × places where they strike, in process and on a clock that costs no time: each scenario is one play
// of the whole program on a played database, judged by what the database and the store really hold. tests/campaign calls it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "faults/judge.hpp"

namespace vbackup::test {

namespace {

struct Wishes {
    std::uint64_t seed = 1;
    std::size_t count = 1000;
    std::string only;
    std::size_t workers = 12;
    bool crash = false;  // kills and power losses alone, at every place, and a table of them
};

// A number for a name, the same everywhere: what is drawn for one cell does not hang on which others there are.
std::uint64_t number_of(std::string_view name) {
    std::uint64_t number = 14695981039346656037ULL;
    for (const char c : name) number = (number ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return number;
}

// All places where this fault can strike, in an order drawn by the seed.
std::vector<Scenario> places(const Wishes& wishes, const Scenario& cell, const Calm& reference) {
    std::vector<Scenario> all;
    for (std::size_t at = 0; at < reference.places(*cell.blow); ++at) {
        for (const std::size_t times : {std::size_t{1}, std::size_t{1000}}) {
            // Who is dead stays so, and a full disk is full.
            const bool once = cell.blow->kill != Kill::none || cell.blow->call == "room";
            if (once && times > 1) continue;
            auto one = cell;
            one.at = at;
            one.times = times;
            if (wishes.only.empty() || one.name().starts_with(wishes.only)) all.push_back(one);
        }
    }
    std::mt19937_64 random(wishes.seed ^ number_of(cell.name()));
    std::shuffle(all.begin(), all.end(), random);
    return all;
}

// Each driver × verb × fault once at least, then as many more as are wanted, at places drawn by the seed.
std::vector<Scenario> draw(const Wishes& wishes, const std::map<const Play*, Calm>& calms) {
    std::vector<Scenario> first, more;
    for (const auto& driver : played_drivers()) {
        for (const auto& play : driver.plays) {
            const auto found = calms.find(&play);
            if (found == calms.end()) continue;
            for (const auto& blow : blows()) {
                if (wishes.crash && blow.kill == Kill::none) continue;
                auto all = places(wishes, {&driver, &play, &blow}, found->second);
                if (all.empty()) continue;
                first.push_back(all.back());
                all.pop_back();
                more.insert(more.end(), all.begin(), all.end());
            }
        }
    }
    fmt::print("{} cells of driver, verb and fault\n", first.size());
    std::mt19937_64 random(wishes.seed);
    std::shuffle(more.begin(), more.end(), random);
    std::shuffle(first.begin(), first.end(), random);
    first.insert(first.end(), more.begin(), more.end());
    if (first.size() > wishes.count) first.resize(wishes.count);
    return first;
}

// The classes of what must never be; the first words of a fault say which one it is.
constexpr std::array classes{"false success", "it hung", "a good backup is damaged", "the rerun does not finish it",
                             "leftovers",     "two jobs"};

std::string class_of(const std::string& fault) {
    for (const auto* name : classes) {
        if (fault.starts_with(name)) return name;
    }
    return "other";
}

// Does `work` with 0 to `count` - 1, many at a time: most of a scenario is waiting.
void side_by_side(std::size_t workers, std::size_t count, const std::function<void(std::size_t)>& work) {
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> all;
    for (std::size_t worker = 0; worker < workers; ++worker) {
        all.emplace_back([&] {
            for (auto one = next++; one < count; one = next++) work(one);
        });
    }
}

// The plays that are asked for, as they go without faults.
std::map<const Play*, Calm> calms_of(const Wishes& wishes) {
    std::vector<std::pair<const Driver*, const Play*>> asked;
    for (const auto& driver : played_drivers()) {
        for (const auto& play : driver.plays) {
            const auto name = fmt::format("{}/{}/", driver.name, play.verb);
            if (wishes.only.empty() || wishes.only.starts_with(name) || name.starts_with(wishes.only))
                asked.emplace_back(&driver, &play);
        }
    }
    std::mutex mutex;
    std::map<const Play*, Calm> calms;
    std::string fault;
    side_by_side(wishes.workers, asked.size(), [&](std::size_t one) {
        const auto& [driver, play] = asked[one];
        try {
            auto made = calm(*driver, *play);
            const std::scoped_lock lock(mutex);
            calms[play] = std::move(made);
        } catch (const std::exception& error) {
            const std::scoped_lock lock(mutex);
            fault = error.what();
        }
    });
    if (!fault.empty()) throw std::runtime_error(fault);
    for (const auto& [driver, play] : asked)
        fmt::print("{}/{}: {} exchanges\n", driver->name, play->verb, calms[play].exchanges);
    return calms;
}

// What became of runs that were killed at that kind of call.
struct Crashes {
    std::size_t points = 0, done = 0, finished = 0, said = 0, bad = 0;
};
using CrashTable = std::map<std::string, Crashes>;

void note(CrashTable& table, const Scenario& scenario, const Outcome& outcome) {
    const auto where = outcome.where.empty() ? "after the end" : outcome.where;
    auto& row = table[fmt::format("{:16} {:20} {:12} {}", scenario.driver->name, scenario.play->verb,
                                  scenario.blow->name, where)];
    ++row.points;
    if (!outcome.fault.empty())
        ++row.bad;
    else if (!outcome.rerun)
        ++row.done;
    else
        ++(*outcome.rerun == 0 ? row.finished : row.said);
}

void print(const CrashTable& table) {
    fmt::print("{:16} {:20} {:12} {:18} {:>6} {:>6} {:>9} {:>6} {:>4}\n", "driver", "verb", "what", "killed at",
               "points", "done", "by rerun", "says", "bad");
    for (const auto& [name, row] : table)
        fmt::print("{:69} {:6} {:6} {:9} {:6} {:4}\n", name, row.points, row.done, row.finished, row.said, row.bad);
}

int campaign(const Wishes& wishes) {
    const auto calms = calms_of(wishes);
    const auto scenarios = draw(wishes, calms);
    fmt::print("{} scenarios\n", scenarios.size());
    std::fflush(stdout);
    std::atomic<std::size_t> bad{0}, known_ones{0};
    std::mutex mutex;
    std::map<int, std::size_t> codes;
    CrashTable crashes;
    std::map<std::string, std::size_t> bad_ones;
    for (const auto* name : classes) bad_ones[name] = 0;
    side_by_side(wishes.workers, scenarios.size(), [&](std::size_t one) {
        const auto& scenario = scenarios[one];
        Outcome outcome;
        try {
            outcome = act(scenario, calms.at(scenario.play), wishes.seed);
        } catch (const std::exception& error) {
            outcome.fault = error.what();
        }
        const std::scoped_lock lock(mutex);
        ++codes[outcome.code];
        if (wishes.crash) note(crashes, scenario, outcome);
        if (outcome.fault.empty()) return;
        const bool known = is_known(scenario, outcome.fault);
        ++(known ? known_ones : bad);
        if (!known) ++bad_ones[class_of(outcome.fault)];
        fmt::print("{} {} (exit {}{}): {}\n", known ? "KNOWN" : "BAD", scenario.name(), outcome.code,
                   scenario.lies() ? ", lied to" : "", outcome.fault);
        std::fflush(stdout);
    });
    if (wishes.crash) print(crashes);
    for (const auto& [code, count] : codes) fmt::print("exit {:3}: {}\n", code, count);
    for (const auto& [name, count] : bad_ones) fmt::print("{}: {}\n", name, count);
    fmt::print("{} scenarios with seed {}, {} bad, {} known\n", scenarios.size(), wishes.seed, bad.load(),
               known_ones.load());
    return bad == 0 ? 0 : 1;
}

}  // namespace

}  // namespace vbackup::test

int main(int count, char** words) {
    vbackup::test::Wishes wishes;
    for (int at = 1; at < count; at += 2) {
        const std::string word = words[at];
        if (word == "--crash") {
            wishes.crash = true;
            wishes.count = 1'000'000;
            --at;
            continue;
        }
        const std::string value = at + 1 < count ? words[at + 1] : "";
        if (word == "--seed") wishes.seed = std::stoull(value);
        if (word == "--count") wishes.count = std::stoull(value);
        if (word == "--only") wishes.only = value;
        if (word == "--workers") wishes.workers = std::stoull(value);
    }
    try {
        return vbackup::test::campaign(wishes);
    } catch (const std::exception& error) {
        fmt::print(stderr, "campaign: {}\n", error.what());
        return 2;
    }
}
