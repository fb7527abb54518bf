// SPDX-License-Identifier: Apache-2.0
#include "faults/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>

namespace vbackup::test {

namespace {

// In real time, where a scenario takes less than a second on a quiet machine.
constexpr std::chrono::seconds hang{90};

constexpr std::size_t places_of_room = 10;
constexpr int killed = 137;

// Does a list show that backup as a good one?
bool shows_good(Stand& stand, const Play& play, std::string_view id = "b") {
    const auto listed = stand.run(play.look);
    const auto whole = nlohmann::json::parse(listed.out, nullptr, false);
    if (!whole.is_object() || !whole.contains("backups")) return false;
    for (const auto& one : whole["backups"]) {
        if (one["id"] == id && one["phase"] == "succeeded") return true;
    }
    return false;
}

std::string not_finished(const Ran& again, const Ran& ran) {
    return fmt::format("the rerun does not finish it: {}\n   after {}", told(again), told(ran));
}

// One scenario between its blow and its verdict.
class Judge {
public:
    Judge(Stand& stand, const Scenario& scenario, const Calm& reference, Ran ran)
        : stand_(stand), scenario_(scenario), play_(*scenario.play), calm_(reference), ran_(std::move(ran)) {}

    std::string made() {
        if (ran_.code != 0 && !shows_good(stand_, play_)) {
            auto again = rerun();
            // How the server's job ended may be news to the rerun.
            if (again.code == 11 && play_.fails) again = rerun();
            if (again.code == 8 && play_.fails && again.err.find("choose another --id") != std::string::npos)
                return other_id();
            if (again.code != 0) return owed(not_finished(again, ran_));
        }
        return whole_and_tidy();
    }

    std::string begun() {
        if (ran_.code != 0) {
            const auto again = rerun();
            if (again.code != 0 && again.code != 8) return owed(not_finished(again, ran_));
        }
        const auto waited = stand_.run({"wait", "prod", "b"});
        if (waited.code != 0) return owed("what was begun does not come to its end: " + told(waited));
        return whole_and_tidy();
    }

    std::string restored() {
        const bool equal = stand_.world().contents() == stand_.before();
        if (ran_.code == 0 && !equal)
            return fmt::format("false success: it is\n{}   where it was\n{}", stand_.world().contents(),
                               stand_.before());
        if (ran_.code == 0) return two_jobs();
        auto again = rerun();
        // All was done but for forgetting that it was to be done.
        if (again.code == 8 && equal) return two_jobs();
        // What turned out bad is replaced when that is said, as the hint has it.
        const bool replace = (again.code == 8 && (ran_.code == 6 || ran_.code == 11)) ||
                             ((again.code == 8 || again.code == 11) && play_.fails);
        if (replace) {
            auto line = play_.line;
            line.emplace_back("--overwrite");
            again = rerun(line);
        }
        if (again.code != 0) return owed(not_finished(again, ran_));
        if (stand_.world().contents() != stand_.before())
            return fmt::format("false success of the rerun: it is\n{}   where it was\n{}   after {}",
                               stand_.world().contents(), stand_.before(), told(ran_));
        return two_jobs();
    }

    std::string removed() {
        auto last = ran_;
        if (ran_.code != 0) {
            last = rerun();
            if (last.code != 0 && last.code != 7) return not_finished(last, ran_);
        }
        if (stand_.world().left_with_server() != calm_.left)
            return "false success: it is still there after " + told(last);
        if (shows_good(stand_, play_)) return "false success: it is still listed after " + told(ran_);
        return {};
    }

    std::string cancelled() {
        auto last = ran_;
        if (ran_.code != 0) {
            last = rerun();
            // It has ended already, which is said.
            const bool over = last.code == 7 || (last.code == 12 && stand_.world().under_way() == 0);
            if (last.code != 0 && !over) return owed(not_finished(last, ran_));
        }
        if (stand_.world().under_way() != 0) return "false success: the server is still at it after " + told(last);
        return {};
    }

    std::string scheduled() {
        auto last = ran_;
        if (ran_.code != 0) {
            last = rerun();
            if (last.code != 0) return owed(not_finished(last, ran_));
        }
        if (stand_.world().schedules() == calm_.schedules) return {};
        return fmt::format("false success: the server keeps {} where it was to keep {} after {}",
                           stand_.world().schedules(), calm_.schedules, told(last));
    }

    std::string pruned() {
        auto last = ran_;
        // What is told to be under way is kept, as it should be.
        if (ran_.code != 0 || scenario_.blow->words != Words::kept) {
            last = rerun();
            if (last.code != 0) return owed(not_finished(last, ran_));
        }
        if (stand_.world().left_with_server() != calm_.left || shows_good(stand_, play_, "a"))
            return fmt::format("false success: there are {} pieces with the server instead of {} after {}",
                               stand_.world().left_with_server(), calm_.left, told(last));
        if (!shows_good(stand_, play_, "b")) return "a good backup is damaged: it is not listed after " + told(last);
        return restorable();
    }

    std::string told_right() {
        if (ran_.code != 0 || scenario_.lies() || scenario_.blow->words != Words::kept) return {};
        // What could not be read is said beside the rest.
        if (scenario_.blow->is_of_disk() && ran_.out.find("\"warnings\":[]") == std::string::npos) return {};
        if (plain(ran_.out).empty() || plain(ran_.out) == plain(calm_.out)) return {};
        return fmt::format("false success: it says\n{}   instead of\n{}", ran_.out, calm_.out);
    }

    // How the last rerun ended.
    std::optional<int> rerun_code() const { return rerun_code_; }

private:
    Ran rerun() { return rerun(play_.line); }
    Ran rerun(const std::vector<std::string>& line) {
        auto ran = stand_.run(line);
        rerun_code_ = ran.code;
        return ran;
    }

    // Who was lied to owes no good end.
    std::string owed(std::string fault) const { return scenario_.lies() ? "" : std::move(fault); }

    // A server that never takes an id again: what the hint says must do.
    std::string other_id() {
        auto line = play_.line;
        std::replace(line.begin(), line.end(), std::string("b"), std::string("c"));
        const auto again = rerun(line);
        return again.code == 0 ? "" : owed(not_finished(again, ran_));
    }

    std::string whole_and_tidy() {
        auto left = stand_.world().left_with_server();
        // What could not be tidied is said, and the same command tidies it.
        const bool untidy =
            ran_.code == killed || (ran_.code == 0 && ran_.err.find("tidying up failed") != std::string::npos);
        if (left > calm_.left && untidy) {
            rerun();
            left = stand_.world().left_with_server();
        }
        auto jobs = two_jobs();
        // What goes on after an error goes on with what was planned, by what had been told.
        if (auto fault = restorable(); !fault.empty())
            return scenario_.lies() && ran_.code != 0 ? "" : fault + "\n   after " + told(ran_);
        if (left > calm_.left && !scenario_.lies() && !play_.fails)
            return fmt::format("leftovers: {} pieces are with the server instead of {} after {}", left, calm_.left,
                               told(ran_));
        return jobs;
    }

    // Where the server said that it failed, or what it gave was bad, another one is right.
    std::string two_jobs() const {
        const auto jobs = stand_.wedge().jobs();
        if (jobs <= calm_.jobs || scenario_.lies() || play_.fails || ran_.code == 11 || ran_.code == 6) return {};
        return fmt::format("two jobs: the server has begun {} where {} were asked for, after {}", jobs, calm_.jobs,
                           told(ran_));
    }

    // Can the backup `b` be put back, whole? Destroys the data first.
    std::string restorable() {
        if (play_.kept || play_.verb == "download") {
            const auto checked = stand_.run({"verify", std::string(play_.place), "b"});
            if (checked.code != 0) return "false success: it does not verify: " + told(checked);
        }
        for (const auto& line : play_.restore) {
            if (&line == &play_.restore.back()) stand_.world().destroy();
            const auto back = stand_.run(line);
            if (back.code != 0) return "false success: it cannot be restored: " + told(back);
        }
        if (stand_.world().contents() != stand_.before())
            return fmt::format("false success: {} came back as\n{}", scenario_.driver->name, stand_.world().contents());
        return {};
    }

    // Without what differs from stand to stand, and without warnings.
    static std::string plain(const std::string& text) {
        auto whole = nlohmann::json::parse(text, nullptr, false);
        if (whole.is_object()) whole.erase("warnings");
        // What could not be counted is said.
        if (whole.is_object() && whole.contains("cautions") && !whole["cautions"].empty()) return {};
        static const std::regex places("127[.0-9]*:[0-9]+|vbackup-test-[A-Za-z0-9]*");
        return std::regex_replace(whole.is_discarded() ? text : whole.dump(), places, "");
    }

    Stand& stand_;
    const Scenario& scenario_;
    const Play& play_;
    const Calm& calm_;
    Ran ran_;
    std::optional<int> rerun_code_;
};

void set_up(Stand& stand, const Play& play) {
    stand.world().slow_jobs(play.slow);
    for (const auto& line : play.before) {
        const auto ran = stand.run(line);
        if (ran.code != 0) throw std::runtime_error("the stage cannot be set: " + told(ran));
        stand.clock().advance(std::chrono::minutes(1));
    }
    if (play.destroyed) stand.world().destroy();
    stand.world().fail_jobs(play.fails);
}

// What the program did to the disk with what is to go wrong there.
void strike(Stand& stand, const Scenario& scenario, const Calm& reference, std::uint64_t seed) {
    const auto& blow = *scenario.blow;
    auto& disk = stand.disk();
    disk.files.heal();
    disk.fate.live();
    stand.wedge().arm(blow, scenario.at, scenario.times, seed);
    if (blow.kill != Kill::none)
        disk.fate.kill_at(scenario.at, blow.kill == Kill::within);
    else if (blow.call == "room")
        disk.files.leave_room(reference.written * scenario.at / places_of_room);
    else if (!blow.call.empty())
        disk.files.fail_named(std::string(blow.call), scenario.at, scenario.times, blow.code);
}

// Nothing goes wrong any more. True: the fault was there.
bool heal(Stand& stand, const Scenario& scenario, Outcome& outcome) {
    auto& disk = stand.disk();
    outcome.where = disk.fate.where();
    const bool struck = stand.wedge().has_struck() || disk.files.failed() || !outcome.where.empty();
    stand.wedge().disarm();
    stand.world().fail_jobs(false);
    disk.files.heal();
    disk.fate.live();
    const auto kill = scenario.blow->kill;
    if (kill == Kill::power) disk.lossy.lose(LossyFiles::Loss::all);
    if (kill == Kill::bytes) disk.lossy.lose(LossyFiles::Loss::bytes);
    return struck;
}

std::string verdict(Judge& judge, Play::Verdict by) {
    switch (by) {
        case Play::Verdict::made:
            return judge.made();
        case Play::Verdict::restored:
            return judge.restored();
        case Play::Verdict::removed:
            return judge.removed();
        case Play::Verdict::begun:
            return judge.begun();
        case Play::Verdict::cancelled:
            return judge.cancelled();
        case Play::Verdict::scheduled:
            return judge.scheduled();
        case Play::Verdict::pruned:
            return judge.pruned();
        case Play::Verdict::told:
            return judge.told_right();
    }
    return "no such verdict";
}

// A backup that was whole before and is not to go, and is not as it was.
std::string damaged(const Stand& stand, const Play& play, const std::map<std::string, std::size_t>& before) {
    const auto now = stand.kept();
    for (const auto& [name, digest] : before) {
        if (!play.gone.empty() && name.ends_with("/" + std::string(play.gone))) continue;
        const auto found = now.find(name);
        if (found == now.end() || found->second != digest) return "a good backup is damaged: " + name;
    }
    return {};
}

}  // namespace

std::string Scenario::name() const {
    return fmt::format("{}/{}/{}/{}x{}", driver->name, play->verb, blow->name, at,
                       times > 99 ? "all" : std::to_string(times));
}

std::size_t Calm::places(const Blow& blow) const {
    if (blow.kill != Kill::none) return deeds + 1;
    if (blow.call == "room") return places_of_room;
    if (blow.call.empty()) return exchanges;
    const auto found = calls.find(std::string(blow.call));
    return found == calls.end() ? 0 : found->second;
}

Calm calm(const Driver& driver, const Play& play) {
    Stand stand(driver);
    set_up(stand, play);
    stand.wedge().disarm();
    stand.disk().files.heal();
    stand.disk().fate.live();
    auto ran = stand.run(play.line);
    const auto exchanges = stand.wedge().seen();
    const auto calls = stand.disk().files.calls_by_name();
    const auto written = stand.disk().files.written();
    const auto deeds = stand.disk().fate.seen();
    if (play.fails && ran.code == 0)
        throw std::runtime_error(
            fmt::format("{}/{} is a false success: the job failed, and it says {}", driver.name, play.verb, told(ran)));
    if (play.fails) {
        stand.world().fail_jobs(false);
        ran.code = 0;
    }
    if (ran.code != 0)
        throw std::runtime_error(fmt::format("{}/{} fails by itself: {}", driver.name, play.verb, told(ran)));
    return {.out = ran.out,
            .exchanges = exchanges,
            .left = stand.world().left_with_server(),
            .jobs = stand.wedge().jobs(),
            .schedules = stand.world().schedules(),
            .calls = calls,
            .written = written,
            .deeds = deeds};
}

Outcome act(const Scenario& scenario, const Calm& reference, std::uint64_t seed) {
    Stand stand(*scenario.driver);
    set_up(stand, *scenario.play);
    const auto clock = stand.clock().elapsed();
    const auto kept = stand.kept();
    const auto began = std::chrono::steady_clock::now();
    strike(stand, scenario, reference, seed);
    auto ran = stand.run(scenario.play->line);
    Outcome outcome;
    outcome.struck = heal(stand, scenario, outcome);
    // What a dead process would have said nobody hears.
    if (!outcome.where.empty()) ran = {killed, "", "killed at a " + outcome.where};
    outcome.code = ran.code;
    const auto took = std::chrono::steady_clock::now() - began;
    const bool stalls = scenario.blow->name.starts_with("stall");  // those move the clock themselves
    if (ran.code != 0 && ran.err.empty() && ran.out.empty())
        outcome.fault = fmt::format("exit {} without a word", ran.code);
    else if (took > hang)
        outcome.fault = fmt::format("it hung for {} s", std::chrono::duration_cast<std::chrono::seconds>(took).count());
    else if (!stalls && stand.clock().elapsed() - clock > deadline + std::chrono::seconds(2))
        outcome.fault = "it hung past its deadline: " + told(ran);
    else
        outcome.fault = damaged(stand, *scenario.play, kept);
    if (!outcome.fault.empty() || (ran.code == 0 && scenario.blow->unseen)) return outcome;
    Judge judge(stand, scenario, reference, ran);
    outcome.fault = verdict(judge, scenario.play->verdict);
    outcome.rerun = judge.rerun_code();
    if (outcome.fault.empty()) outcome.fault = damaged(stand, *scenario.play, kept);
    return outcome;
}

bool is_known(const Scenario& scenario, const std::string& fault) {
    if (fault.starts_with("leftovers") && fault.find("(not whole: shard") != std::string::npos) return true;
    if (scenario.blow->name == "unknown-word" && fault.find("alias BLUE") != std::string::npos) return true;
    if (scenario.driver->name == "redis" && scenario.play->verb == "list") return true;
    if (scenario.driver->name == "zilliz" && scenario.play->verb.starts_with("restore-left"))
        return fault.starts_with("two jobs") || fault.find("already exists") != std::string::npos ||
               scenario.blow->words == Words::early;
    return false;
}

}  // namespace vbackup::test
