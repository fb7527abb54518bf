// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "backup/find.hpp"
#include "base/parallel.hpp"
#include "base/text.hpp"
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/command/making.hpp"
#include "cli/command/pruning.hpp"
#include "cli/session/notify.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::vector<std::string> targets;
    std::size_t at_once = 2;
    std::string lock_wait;
    std::string metrics_file;
    bool verify = false;
    bool no_prune = false;
};

void setup(CLI::App& app, Arguments& asked) {
    app.add_option("TARGET", asked.targets)->expected(0, 10000);
    app.add_option("--at-once", asked.at_once, "how many targets side by side (2)")
        ->option_text("NUMBER")
        ->check(CLI::Range(1, 64));
    add_value(app, "--lock-wait", asked.lock_wait, "TIME",
              "how long to wait for another run that works on the same target, such as 10m (not at all)");
    app.add_flag("--verify", asked.verify,
                 "read each backup again once it is made, also where the configuration does not say so");
    app.add_flag("--no-prune", asked.no_prune, "remove nothing, whatever the keep rules say");
    add_metrics_file(app, asked.metrics_file);
    add_limits(app, asked, "24h", true);
    add_parallel(app, asked);
    add_limit_rate(app, asked);
    add_changing(app, asked);
    add_common(app, asked);
}

// What all targets together have done so far, for the one progress line.
class Board {
public:
    Board(Tally& whole, std::size_t targets) : whole_(whole) {
        whole_.steps_total = static_cast<std::uint32_t>(targets);
    }

    void begin(const std::string& target, const Tally& tally) {
        const std::scoped_lock lock(mutex_);
        live_.emplace_back(target, &tally);
        say();
    }
    void end(const std::string& target) {
        const std::scoped_lock lock(mutex_);
        const auto same = [&](const auto& one) { return one.first == target; };
        const auto found = std::find_if(live_.begin(), live_.end(), same);
        if (found == live_.end()) return;
        done_ += found->second->bytes_done;
        total_ += found->second->bytes_total;
        for (const auto& warning : found->second->warnings()) whole_.warn(fmt::format("{}: {}", target, warning));
        live_.erase(found);
        ++whole_.steps_done;
        say();
    }
    void add_up() {
        const std::scoped_lock lock(mutex_);
        auto done = done_, total = total_;
        for (const auto& [name, tally] : live_) {
            done += tally->bytes_done;
            total += tally->bytes_total;
        }
        whole_.bytes_done = done;
        whole_.bytes_total = std::max(total, done);
    }
    std::string line() const {
        return fmt::format("{} of {} targets; {}", whole_.steps_done.load(), whole_.steps_total.load(), whole_.stage());
    }

private:
    void say() {
        std::string names;
        for (const auto& one : live_) names += (names.empty() ? "" : ", ") + one.first;
        whole_.stage(names.empty() ? "done" : names);
    }

    Tally& whole_;
    std::mutex mutex_;
    std::vector<std::pair<std::string, const Tally*>> live_;
    std::uint64_t done_ = 0, total_ = 0;
};

std::vector<std::string> chosen(Session& session, const Arguments& asked) {
    const auto& config = session.config();
    std::vector<std::string> names;
    for (const auto& name : asked.targets) {
        if (Session::is_store(name) || name.find("://") != std::string::npos)
            throw Error(ErrorKind::usage, fmt::format("run takes names of targets, not '{}'", one_line(name, 80)),
                        "`vbackup create` takes an address");
        config.require_target(name);
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    if (names.empty())
        for (const auto& [name, target] : config.targets) names.push_back(name);
    if (names.empty())
        throw Error(ErrorKind::configuration, "the configuration has no targets",
                    "`vbackup config init` begins a configuration");
    return names;
}

bool prunes(const Arguments& asked, const config::Habits& habits) {
    return !asked.no_prune && (habits.keep.any() || habits.retention);
}

// What will be removed is asked once, before anything is begun.
void require_consent(Session& session, const Arguments& asked, const std::vector<std::string>& names) {
    std::string all;
    for (const auto& name : names)
        if (prunes(asked, session.habits_of(session.configured(name)))) all += (all.empty() ? "" : ", ") + name;
    if (all.empty() || asked.yes || asked.dry_run) return;
    model::Plan plan;
    model::Step step;
    step.id = "prune";
    step.what = fmt::format("backups of {} that their keep rules do not keep are removed", all);
    step.destroys = true;
    plan.steps.push_back(step);
    if (!session.confirm()(plan))
        throw Error(ErrorKind::refused, fmt::format("run would remove backups of {} by their keep rules", all),
                    "--yes agrees to it; --no-prune removes nothing");
}

std::shared_ptr<void> lock_target(Session& session, Place& journal, const std::string& target, Milliseconds wait) {
    auto& call = session.call();
    const auto until = call.clock.now() + wait;
    for (;;) {
        try {
            return journal.bytes->lock("run-" + target);
        } catch (Error& error) {
            if (error.kind() != ErrorKind::busy) throw;
            const auto left = std::chrono::duration_cast<Milliseconds>(until - call.clock.now());
            if (left <= Milliseconds{0}) throw error.with("target", target);
            call.tally.stage("waiting for another run");
            call.clock.sleep(std::min(left, Milliseconds(1000)), call.stop);
            call.require_time();
        }
    }
}

void verify(Session& session, RunPart& part) {
    session.call().tally.stage(fmt::format("verifying {}", part.id));
    const auto scene = session.open(part.target, "verify", "");
    const auto verification = backup::verify(session.call(), scene->stage, part.id);
    if (!verification.good())
        throw Error(ErrorKind::corrupt, fmt::format("{} was made, and is not good when it is read again", part.id),
                    fmt::format("`vbackup verify {} {}` shows what is bad", part.target, part.id));
    part.verified = true;
}

void prune(Session& session, const Arguments& asked, RunPart& part) {
    session.call().tally.stage("removing what the keep rules do not keep");
    const auto scene = session.open(part.target, "prune", "");
    const auto pruned =
        backup::prune(session.call(), scene->stage,
                      {.rules = rules_of(session.habits().keep), .options = scene->options, .dry_run = asked.dry_run});
    part.removed = static_cast<std::size_t>(std::count_if(
        pruned.items.begin(), pruned.items.end(), [](const auto& item) { return !item.decision.keep && !item.error; }));
    if (const auto problem = problem_of(pruned)) throw *problem;
}

backup::CreateOptions options_of(Session& session, const Arguments& asked, const std::string& target,
                                 const Scene& scene) {
    backup::CreateOptions options{.options = scene.options, .keep = scene.store != nullptr, .dry_run = asked.dry_run};
    add_habits(session, target, options);
    return options;
}

void prove(Session& session, const Arguments& asked, RunPart& part, const Answer& made) {
    if (const auto* deed = std::get_if<Deed>(&made.value)) {
        part.id = deed->id;
        part.plan = deed->result.plan;
        if (deed->result.manifest) part.backup = backup::describe(*deed->result.manifest, deed->store);
    }
    if (!asked.dry_run && (asked.verify || session.habits().verify.value_or(false))) verify(session, part);
    part.good = part.backup.has_value();
}

// Each step only after the one before it was good: a bad night removes nothing.
void work(Session& session, const Arguments& asked, RunPart& part) {
    const auto journal = session.open_journal();
    const auto lock =
        lock_target(session, *journal, part.target,
                    asked.lock_wait.empty() ? Milliseconds{0} : duration_of("--lock-wait", asked.lock_wait));
    const Wish wish{.target = part.target,
                    .dry_run = asked.dry_run,
                    .options = [&](const Scene& scene) { return options_of(session, asked, part.target, scene); },
                    .prove = [&](const Answer& made) { prove(session, asked, part, made); },
                    .then =
                        [&] {
                            if (prunes(asked, session.habits())) prune(session, asked, part);
                        }};
    const auto answer = make_backup(session, wish);
    if (answer.problem) throw *answer.problem;
}

void run_one(Session& whole, const Arguments& asked, Board& board, RunPart& part) {
    auto common = static_cast<const Common&>(asked);
    common.yes = true;  // asked already
    Session session(whole, common);
    board.begin(part.target, session.call().tally);
    try {
        work(session, asked, part);
    } catch (const Error& error) {
        part.error = error;
    } catch (const std::exception& fault) {
        part.error = Error(ErrorKind::failed, fmt::format("a fault of vbackup: {}", fault.what()),
                           "look with `vbackup status`, and report this");
    }
    part.took = session.elapsed();
    part.warnings = session.call().tally.warnings();
    board.end(part.target);
}

Measured measured_of(Session& session, const RunPart& part) {
    Measured out{.target = part.target};
    out.exit_code = part.error ? describe(part.error->kind()).exit_code : 0;
    out.took = part.took;
    out.interval = session.habits_of(session.configured(part.target)).max_age;
    if (!part.good || !part.backup) return out;
    out.success = part.backup->completed.value_or(session.call().clock.wall());
    out.size = part.backup->size;
    return out;
}

// One is told as it is; of several the worst, and how many.
std::optional<Error> problem_of(const RunReport& report) {
    std::vector<ErrorKind> kinds;
    std::string all, hint;
    for (const auto& part : report.parts) {
        if (!part.error) continue;
        kinds.push_back(part.error->kind());
        all += fmt::format("{}{}: {}", all.empty() ? "" : "; ", part.target, part.error->message());
        if (hint.empty()) hint = part.error->hint();
    }
    if (kinds.empty()) return std::nullopt;
    if (report.parts.size() == 1) return report.parts.front().error;
    return Error(kinds.size() < report.parts.size() ? ErrorKind::partial : worst(kinds),
                 fmt::format("{} of {} targets failed: {}", kinds.size(), report.parts.size(), all),
                 kinds.size() == 1 ? hint : "--output json has each one's hint");
}

void look_alive(Session& session, const Notifier& notifier, Board& board) {
    session.each_beat([&, last = Instant::min(), said = std::string()]() mutable {
        board.add_up();
        if (!notifier.listens()) return;
        const auto now = session.call().clock.now();
        if (notifier.watchdog() && (last == Instant::min() || now - last >= *notifier.watchdog())) {
            notifier.tell("WATCHDOG=1");
            last = now;
        }
        if (auto line = board.line(); line != said) notifier.status(said = std::move(line));
    });
}

Answer run(Session& session, const Arguments& asked) {
    if (!asked.lock_wait.empty()) duration_of("--lock-wait", asked.lock_wait);
    const auto names = chosen(session, asked);
    require_consent(session, asked, names);
    RunReport report{.dry_run = asked.dry_run};
    for (const auto& name : names) report.parts.push_back({.target = name});

    const Notifier notifier(session.around().environment);
    Board board(session.call().tally, names.size());
    notifier.tell(fmt::format("READY=1\nSTATUS=0 of {} targets", names.size()));
    look_alive(session, notifier, board);
    const auto faults = run_parallel(names.size(), asked.at_once, session.call().stop, [&](std::size_t i) {
        run_one(session, asked, board, report.parts[i]);
        return true;
    });
    session.each_beat({});
    for (std::size_t i = 0; i < faults.size(); ++i)
        if (faults[i]) std::rethrow_exception(faults[i]);

    for (auto& part : report.parts)
        if (!part.error && part.id.empty())
            part.error = Error(ErrorKind::interrupted, "ended by a signal before it was begun");
    if (!asked.dry_run && !asked.metrics_file.empty()) {
        std::vector<Measured> all;
        for (const auto& part : report.parts) all.push_back(measured_of(session, part));
        tell_metrics(session, asked.metrics_file, all);
    }
    report.took = session.elapsed();
    auto problem = problem_of(report);
    notifier.status(problem ? problem->message()
                            : fmt::format("{} of {} targets are good", names.size(), names.size()));
    notifier.tell("STOPPING=1");
    if (session.call().stop.stop_requested() && problem)
        throw Error(ErrorKind::interrupted, problem->message(), problem->hint());
    return {.value = std::move(report), .problem = std::move(problem)};
}

}  // namespace

Command run_command() {
    auto command = make_command<Arguments>(
        {.name = "run",
         .summary = "back up all targets of the configuration, or those that are named: create, verify, prune, hooks",
         .about =
             "The one line for a crontab. Each target is locked, backed up as `create` does, read again where verify "
             "is "
             "set, and pruned where it has keep rules or a retention, each step only after a good one before it; hooks "
             "and pings of the configuration run around it. A target that fails does not stop the others. With several "
             "targets the exit status is 3 when some are good, and the worst one's when none is. Removing by keep "
             "rules "
             "needs --yes without a terminal. Under systemd it tells READY, STATUS and WATCHDOG.",
         .examples = {"vbackup run --yes --quiet", "vbackup run prod test --yes --lock-wait 10m",
                      "vbackup run --yes --quiet --metrics-file /var/lib/prometheus/node-exporter/vbackup.prom",
                      "vbackup run --dry-run"},
         .exits = {ErrorKind::failed, ErrorKind::partial, ErrorKind::deadline, ErrorKind::stalled, ErrorKind::corrupt,
                   ErrorKind::not_found, ErrorKind::conflict, ErrorKind::busy, ErrorKind::cancelled,
                   ErrorKind::job_failed, ErrorKind::refused, ErrorKind::unsupported, ErrorKind::unreachable,
                   ErrorKind::denied, ErrorKind::not_understood, ErrorKind::storage, ErrorKind::configuration},
         .options_of = {}},
        setup, run);
    command.changes = true;
    return command;
}

}  // namespace vbackup::cli
