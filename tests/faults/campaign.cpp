// SPDX-License-Identifier: Apache-2.0
// Drivers × verbs × faults × places where they strike, in process and on a clock that costs no time: each scenario is one play
// of the whole program on a played database, judged by what the database and the store really hold. tests/campaign calls it.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <thread>

#include "base/text.hpp"
#include "cli/command/run.hpp"
#include "faults/world.hpp"

namespace vbackup::test {

namespace {

constexpr Milliseconds deadline = std::chrono::hours(1);
// In real time, where a scenario takes less than a second on a quiet machine.
constexpr std::chrono::seconds hang{90};

struct Ran {
    int code = 0;
    std::string out, err;
};

// The program with a home of its own in a world.
class Stand {
public:
    explicit Stand(const Driver& driver) : world_(driver.make(folder_.path(), clock_)), before_(world_->contents()) {
        std::filesystem::create_directories(folder_ / ".config/vbackup");
        std::ofstream(folder_ / ".config/vbackup/vbackup.toml") << "[targets.prod]\n"
                                                                << world_->settings(folder_.path());
        world_->tamper(wedge_);
    }

    Ran run(std::vector<std::string> line) {
        for (auto& word : line) {
            if (word == "STORE") word = (folder_ / "store").string() + "/";
        }
        const bool moves = line[0] == "create" || line[0] == "restore" || line[0] == "download";
        if (moves) line.insert(line.end(), {"--parallel", "1"});
        if (moves) line.insert(line.end(), {"--timeout", format_duration(deadline)});
        Ran ran;
        const auto collect = [](std::string& into) {
            return [&into](std::string_view bytes) {
                into += bytes;
                return 0;
            };
        };
        const cli::Surroundings around{.environment = {{"HOME", folder_.path().string()}, {"TERM", "dumb"}},
                                       .out = collect(ran.out),
                                       .err = collect(ran.err),
                                       .ask = {},
                                       .clock = clock_};
        ran.code = cli::run_cli(line, around);
        return ran;
    }

    World& world() { return *world_; }
    Wedge& wedge() { return wedge_; }
    const std::string& before() const { return before_; }
    const FakeClock& clock() const { return clock_; }
    std::filesystem::path store() const { return folder_ / "store"; }

private:
    FakeClock clock_;
    TemporaryFolder folder_{TemporaryFolder::in_memory()};
    Wedge wedge_{clock_};
    std::unique_ptr<World> world_;
    std::string before_;
};

struct Scenario {
    const Driver* driver = nullptr;
    const Play* play = nullptr;
    const Blow* blow = nullptr;
    std::size_t at = 0;
    std::size_t times = 1;

    // No client can see that it is not told the truth.
    bool lies() const { return blow->lies || (driver->resp && blow->lies_in_resp); }
    std::string name() const {
        return fmt::format("{}/{}/{}/{}x{}", driver->name, play->verb, blow->name, at,
                           times > 99 ? "all" : std::to_string(times));
    }
};

// What a scenario came to.
struct Outcome {
    int code = 0;
    bool struck = false;
    std::string fault;  // what is wrong; empty: nothing
};

// A fault that is not mended yet; tests/README.md says why.
bool is_known(const Scenario& scenario, const std::string& fault) {
    if (scenario.driver->name == "redis" && scenario.play->verb == "list") return true;
    if (scenario.driver->name == "zilliz" && scenario.play->verb == "restore-left")
        return fault.starts_with("the rerun does not finish it") && fault.find("already exists") != std::string::npos;
    return false;
}

// The play's line as it goes without a fault: what it prints and how many exchanges it takes.
struct Calm {
    std::string out;
    std::size_t exchanges = 0;
    std::size_t left = 0;  // with the server afterwards
};

std::string told(const Ran& ran) {
    return fmt::format("exit {}\n      {}", ran.code, ran.err.empty() ? ran.out : ran.err);
}

// Can the backup `b` be put back, whole? Destroys the data first.
std::string restorable(Stand& stand, const Play& play, const Scenario& scenario) {
    if (play.kept || play.verb == "download") {
        const auto checked = stand.run({"verify", "STORE", "b"});
        if (checked.code != 0) return "false success: it does not verify: " + told(checked);
    }
    for (const auto& line : play.restore) {
        if (&line == &play.restore.back()) stand.world().destroy();
        const auto back = stand.run(line);
        if (back.code != 0) return "false success: it cannot be restored: " + told(back);
    }
    if (stand.world().contents() != stand.before())
        return fmt::format("false success: {} came back as\n{}", scenario.driver->name, stand.world().contents());
    return {};
}

bool shows_good(Stand& stand, const Play& play) {
    const auto listed = stand.run(play.look);
    const auto whole = nlohmann::json::parse(listed.out, nullptr, false);
    if (!whole.is_object() || !whole.contains("backups")) return false;
    for (const auto& one : whole["backups"]) {
        if (one["id"] == "b" && one["phase"] == "succeeded") return true;
    }
    return false;
}

std::string judge_made(Stand& stand, const Scenario& scenario, const Calm& reference, const Ran& ran) {
    const auto& play = *scenario.play;
    if (ran.code != 0 && !shows_good(stand, play)) {
        auto again = stand.run(play.line);
        if (again.code != 0 && scenario.lies()) return {};
        if (again.code != 0)
            return fmt::format("the rerun does not finish it: {}\n   after {}", told(again), told(ran));
    }
    auto left = stand.world().left_with_server();
    // What could not be tidied is said, and the same command tidies it.
    if (left > reference.left && ran.code == 0 && ran.err.find("tidying up failed") != std::string::npos) {
        stand.run(play.line);
        left = stand.world().left_with_server();
    }
    if (auto fault = restorable(stand, play, scenario); !fault.empty()) return fault + "\n   after " + told(ran);
    if (left > reference.left && !scenario.lies())
        return fmt::format("{} pieces are left with the server after {}", left, told(ran));
    return {};
}

std::string judge_restored(Stand& stand, const Scenario& scenario, const Ran& ran) {
    const bool equal = stand.world().contents() == stand.before();
    if (ran.code == 0)
        return equal ? ""
                     : fmt::format("false success: it is\n{}   where it was\n{}", stand.world().contents(),
                                   stand.before());
    auto again = stand.run(scenario.play->line);
    // What turned out bad is replaced when that is said, as the hint has it.
    if (again.code == 8 && (ran.code == 6 || ran.code == 11)) {
        auto line = scenario.play->line;
        line.emplace_back("--overwrite");
        again = stand.run(line);
    }
    if (again.code != 0 && scenario.lies()) return {};
    if (again.code != 0) return fmt::format("the rerun does not finish it: {}\n   after {}", told(again), told(ran));
    if (stand.world().contents() != stand.before())
        return fmt::format("false success of the rerun: it is\n{}   where it was\n{}   after {}",
                           stand.world().contents(), stand.before(), told(ran));
    return {};
}

std::string judge_removed(Stand& stand, const Scenario& scenario, const Ran& ran) {
    auto last = ran;
    if (ran.code != 0) {
        last = stand.run(scenario.play->line);
        if (last.code != 0 && last.code != 7)
            return fmt::format("the rerun does not finish it: {}\n   after {}", told(last), told(ran));
    }
    if (stand.world().left_with_server() != 0) return "false success: it is still there after " + told(last);
    if (shows_good(stand, *scenario.play)) return "false success: it is still listed after " + told(ran);
    return {};
}

// Without what differs from stand to stand, and without warnings.
std::string plain(const std::string& text) {
    auto whole = nlohmann::json::parse(text, nullptr, false);
    if (whole.is_object()) whole.erase("warnings");
    // What could not be counted is said.
    if (whole.is_object() && whole.contains("cautions") && !whole["cautions"].empty()) return {};
    static const std::regex places("127[.0-9]*:[0-9]+|vbackup-test-[A-Za-z0-9]*");
    return std::regex_replace(whole.is_discarded() ? text : whole.dump(), places, "");
}

std::string judge_told(const Scenario& scenario, const Ran& ran, const std::string& reference) {
    if (ran.code != 0 || plain(ran.out).empty() || plain(ran.out) == plain(reference) || scenario.lies()) return {};
    return fmt::format("false success: it says\n{}   instead of\n{}", ran.out, reference);
}

void set_up(Stand& stand, const Play& play) {
    for (const auto& line : play.before) {
        const auto ran = stand.run(line);
        if (ran.code != 0) throw std::runtime_error("the stage cannot be set: " + told(ran));
    }
    if (play.destroyed) stand.world().destroy();
}

Calm calm(const Driver& driver, const Play& play) {
    Stand stand(driver);
    set_up(stand, play);
    stand.wedge().disarm();
    const auto ran = stand.run(play.line);
    if (ran.code != 0)
        throw std::runtime_error(fmt::format("{}/{} fails by itself: {}", driver.name, play.verb, told(ran)));
    return {ran.out, stand.wedge().seen(), stand.world().left_with_server()};
}

Outcome act(const Scenario& scenario, const Calm& reference, std::uint64_t seed) {
    Stand stand(*scenario.driver);
    set_up(stand, *scenario.play);
    const auto clock = stand.clock().elapsed();
    const auto began = std::chrono::steady_clock::now();
    stand.wedge().arm(*scenario.blow, scenario.at, scenario.times, seed);
    const auto ran = stand.run(scenario.play->line);
    Outcome outcome{.code = ran.code, .struck = stand.wedge().has_struck()};
    stand.wedge().disarm();
    const auto took = std::chrono::steady_clock::now() - began;
    const bool stalls = scenario.blow->name.starts_with("stall");  // those move the clock themselves
    if (ran.code != 0 && ran.err.empty())
        outcome.fault = fmt::format("exit {} without a word", ran.code);
    else if (took > hang)
        outcome.fault = fmt::format("it hung for {} s", std::chrono::duration_cast<std::chrono::seconds>(took).count());
    else if (!stalls && stand.clock().elapsed() - clock > deadline + std::chrono::seconds(2))
        outcome.fault = "it went on past its deadline: " + told(ran);
    if (!outcome.fault.empty() || (ran.code == 0 && scenario.blow->unseen)) return outcome;
    switch (scenario.play->verdict) {
        case Play::Verdict::made:
            outcome.fault = judge_made(stand, scenario, reference, ran);
            break;
        case Play::Verdict::restored:
            outcome.fault = judge_restored(stand, scenario, ran);
            break;
        case Play::Verdict::removed:
            outcome.fault = judge_removed(stand, scenario, ran);
            break;
        case Play::Verdict::told:
            outcome.fault = judge_told(scenario, ran, reference.out);
            break;
    }
    return outcome;
}

struct Wishes {
    std::uint64_t seed = 1;
    std::size_t count = 1000;
    std::string only;
    std::size_t workers = 12;  // most of a scenario is waiting
};

// Each driver × verb × fault once at least, then as many more as are wanted, at places drawn by the seed.
std::vector<Scenario> draw(const Wishes& wishes, const std::map<const Play*, Calm>& calms) {
    std::mt19937_64 random(wishes.seed);
    std::vector<Scenario> first, more;
    for (const auto& driver : played_drivers()) {
        for (const auto& play : driver.plays) {
            const auto found = calms.find(&play);
            if (found == calms.end()) continue;
            for (const auto& blow : blows()) {
                std::vector<Scenario> all;
                for (std::size_t at = 0; at < found->second.exchanges; ++at) {
                    for (const std::size_t times : {std::size_t{1}, std::size_t{1000}})
                        all.push_back({&driver, &play, &blow, at, times});
                }
                std::erase_if(all, [&](const Scenario& one) {
                    return !wishes.only.empty() && !one.name().starts_with(wishes.only);
                });
                std::shuffle(all.begin(), all.end(), random);
                if (all.empty()) continue;
                first.push_back(all.back());
                all.pop_back();
                more.insert(more.end(), all.begin(), all.end());
            }
        }
    }
    std::shuffle(more.begin(), more.end(), random);
    std::shuffle(first.begin(), first.end(), random);
    first.insert(first.end(), more.begin(), more.end());
    if (first.size() > wishes.count) first.resize(wishes.count);
    return first;
}

int campaign(const Wishes& wishes) {
    std::map<const Play*, Calm> calms;
    for (const auto& driver : played_drivers()) {
        for (const auto& play : driver.plays) {
            const auto name = fmt::format("{}/{}", driver.name, play.verb);
            if (!wishes.only.empty() && !wishes.only.starts_with(name) && !name.starts_with(wishes.only)) continue;
            calms[&play] = calm(driver, play);
            fmt::print("{}: {} exchanges\n", name, calms[&play].exchanges);
        }
    }
    const auto scenarios = draw(wishes, calms);
    fmt::print("{} scenarios\n", scenarios.size());
    std::fflush(stdout);
    std::atomic<std::size_t> next{0}, bad{0}, known_ones{0};
    std::mutex mutex;
    std::map<int, std::size_t> codes;
    std::vector<std::jthread> workers;
    for (std::size_t worker = 0; worker < wishes.workers; ++worker) {
        workers.emplace_back([&] {
            for (auto one = next++; one < scenarios.size(); one = next++) {
                const auto& scenario = scenarios[one];
                Outcome outcome;
                try {
                    outcome = act(scenario, calms.at(scenario.play), wishes.seed);
                } catch (const std::exception& error) {
                    outcome.fault = error.what();
                }
                const std::scoped_lock lock(mutex);
                ++codes[outcome.code];
                if (outcome.fault.empty()) continue;
                const bool known = is_known(scenario, outcome.fault);
                ++(known ? known_ones : bad);
                fmt::print("{} {} (exit {}{}): {}\n", known ? "KNOWN" : "BAD", scenario.name(), outcome.code,
                           scenario.lies() ? ", lied to" : "", outcome.fault);
                std::fflush(stdout);
            }
        });
    }
    workers.clear();
    for (const auto& [code, count] : codes) fmt::print("exit {:3}: {}\n", code, count);
    fmt::print("{} scenarios with seed {}, {} bad, {} known\n", scenarios.size(), wishes.seed, bad.load(),
               known_ones.load());
    return bad == 0 ? 0 : 1;
}

}  // namespace

}  // namespace vbackup::test

int main(int count, char** words) {
    vbackup::test::Wishes wishes;
    for (int at = 1; at + 1 < count; at += 2) {
        const std::string word = words[at], value = words[at + 1];
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
