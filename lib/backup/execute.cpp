// SPDX-License-Identifier: Apache-2.0
#include "backup/execute.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "backup/carry.hpp"
#include "backup/chain.hpp"
#include "backup/fetch.hpp"
#include "backup/find.hpp"
#include "backup/kept.hpp"
#include "backup/step_queue.hpp"
#include "base/parallel.hpp"

namespace vbackup::backup {

namespace {

using model::Phase;
using model::Step;
using model::StepKind;

// How often a step is sent at most when its answer is lost or the server is busy, and the pauses between.
constexpr int attempts = 5;
constexpr Seconds first_pause{1};
// The last pause before what was removed is looked for once more.
constexpr Seconds last_look{16};
// How often a state is waited for at most, what leads to it being sent again in between.
constexpr int settlings = 3;

bool may_be_lost(ErrorKind kind) {
    return kind == ErrorKind::unreachable || kind == ErrorKind::stalled;
}

// The server said no, or nothing went out: certainly nothing was begun. Anything else may hide that the request was taken.
bool is_clear_refusal(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::denied:
        case ErrorKind::not_found:
        case ErrorKind::conflict:
        case ErrorKind::busy:
        case ErrorKind::refused:
        case ErrorKind::unsupported:
        case ErrorKind::usage:
        case ErrorKind::configuration:
        case ErrorKind::storage:
        case ErrorKind::corrupt:
        case ErrorKind::job_failed:
            return true;
        default:
            return false;
    }
}

// An error after which no other step can do better.
bool ends_everything(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::interrupted:
        case ErrorKind::deadline:
        case ErrorKind::denied:
        case ErrorKind::storage:
        case ErrorKind::unreachable:
        case ErrorKind::cancelled:
            return true;
        default:
            return false;
    }
}

Error no_place_for(const Step& step) {
    return {ErrorKind::usage, fmt::format("{} is told once, and there is no place for it", step.reveals),
            "name a file with -o password-file=FILE, or run it on a terminal"};
}

void prepare_place(const Stage& stage, const Step& step) {
    if (step.reveals.empty()) return;
    if (!stage.secrets.prepare || !stage.secrets.keep) throw no_place_for(step);
    stage.secrets.prepare();
}

}  // namespace

std::size_t side_by_side(const Stage& stage, const model::Plan& plan) {
    constexpr std::size_t least = 4, most = 32;
    if (stage.parallel != 0) return stage.parallel;
    std::set<std::string> nodes;
    for (const auto& step : plan.steps) nodes.insert(step.part.node);
    return std::clamp(2 * nodes.size(), least, most);
}

void require_place_for_secrets(const Stage& stage, const model::Plan& plan) {
    for (const auto& step : plan.steps) prepare_place(stage, step);
}

driver::Peek peek_through(const Stage& stage) {
    return [&stage](const model::Location& location, const std::string& name) -> std::optional<std::string> {
        const auto store = stage.open_location ? stage.open_location(location.url) : nullptr;
        if (!store || !store->size(name)) return std::nullopt;
        return io::read_all(*store->open(name), std::size_t{16} << 20);
    };
}

Executor::Executor(Call& call, const Stage& stage, store::Catalog* home, model::Intent& intent)
    : call_(call),
      stage_(stage),
      home_(home),
      intent_(intent),
      sends_(intent.verb != "restore" || is_young(call, intent)) {
    for (const auto& step : intent_.plan.steps) {
        const auto same = [&](const auto& record) { return record.step == step.id; };
        if (std::none_of(intent_.records.begin(), intent_.records.end(), same))
            intent_.records.push_back({.step = step.id});
    }
}

void Executor::run(bool wait) {
    std::vector<const Step*> steps;
    for (const auto& step : intent_.plan.steps) {
        if (!step.tidy) steps.push_back(&step);
    }
    call_.tally.steps_total = static_cast<std::uint32_t>(steps.size());
    run_all(steps, wait);
    if (!failures_.empty()) throw_failures(steps);
    call_.require_time();
    for (const auto* step : steps) {
        const auto known = record(step->id);
        if (!known.done && (wait || !known.job))
            throw Error(ErrorKind::failed, fmt::format("the step \"{}\" was never run", step->what));
    }
}

bool Executor::tidy() {
    std::vector<const Step*> steps;
    for (const auto& step : intent_.plan.steps) {
        if (step.tidy) steps.push_back(&step);
    }
    failures_.clear();
    run_all(steps, true);
    for (const auto& failure : failures_)
        call_.tally.warn(fmt::format("tidying up failed: {}: {}", failure.step, failure.error.message()));
    const bool good = failures_.empty();
    failures_.clear();
    return good;
}

void Executor::run_all(const std::vector<const Step*>& steps, bool wait) {
    std::set<std::string> good;
    std::vector<const Step*> left;
    for (const auto& known : intent_.records) {
        if (known.done) good.insert(known.step);
    }
    for (const auto* step : steps) {
        if (good.contains(step->id)) {
            ++call_.tally.steps_done;
        } else {
            left.push_back(step);
        }
    }
    StepQueue queue(left, std::move(good));
    const auto worker = [&](std::size_t) {
        while (const auto* step = queue.next()) {
            bool is_good = false;
            try {
                // A job that another step comes after is waited for whatever the person said.
                const bool needed = std::any_of(steps.begin(), steps.end(), [&](const Step* other) {
                    return std::find(other->after.begin(), other->after.end(), step->id) != other->after.end();
                });
                run_step(*step, wait || needed);
                is_good = true;
            } catch (const Error& error) {
                Error whole = error;
                if (!step->part.node.empty()) whole.with("node", step->part.node);
                if (!step->part.shard.empty()) whole.with("shard", step->part.shard);
                if (!step->part.collection.empty()) whole.with("collection", step->part.collection);
                if (ends_everything(error.kind())) queue.stop();
                const std::scoped_lock lock(mutex_);
                failures_.push_back({step->what, std::move(whole)});
            } catch (const std::exception& error) {
                const std::scoped_lock lock(mutex_);
                failures_.push_back(
                    {step->what, Error(ErrorKind::failed, fmt::format("unexpected: {}", error.what()))});
            }
            queue.ended(*step, is_good);
        }
        return true;
    };
    const auto workers = std::clamp<std::size_t>(std::min(left.size(), side_by_side(stage_, intent_.plan)), 1, 64);
    for (const auto& error : run_parallel(workers, workers, call_.stop, worker)) {
        if (error) std::rethrow_exception(error);
    }
    if (failures_.empty() && call_.stop.stop_requested()) {
        failures_.push_back({"", Error(ErrorKind::interrupted, "interrupted")});
    }
}

void Executor::throw_failures(const std::vector<const Step*>& steps) {
    const auto worst_kind = [&] {
        std::vector<ErrorKind> kinds;
        for (const auto& failure : failures_) kinds.push_back(failure.error.kind());
        return worst(kinds);
    }();
    const auto first = std::find_if(failures_.begin(), failures_.end(),
                                    [&](const auto& failure) { return failure.error.kind() == worst_kind; });
    const auto whole = [&](const std::string& collection) {
        return std::all_of(steps.begin(), steps.end(), [&](const Step* step) {
            return step->part.collection != collection || record(step->id).done;
        });
    };
    const bool some_good = std::any_of(steps.begin(), steps.end(), [&](const Step* step) {
        // A collection that is only half restored is no good part, and neither is what was only cleared away.
        if (intent_.verb == "restore" && !step->part.collection.empty()) return whole(step->part.collection);
        return !step->destroys && (step->kind == StepKind::fetch || step->after.empty()) && record(step->id).done;
    });
    // An interruption, a deadline and a failing store say more than "partly done"; so does a lone step.
    if (!some_good || ends_everything(worst_kind)) throw first->error;
    std::string message = fmt::format("{} of {} steps failed", failures_.size(), steps.size());
    for (const auto& failure : failures_) message += fmt::format("; {}: {}", failure.step, failure.error.message());
    throw Error(
        ErrorKind::partial, message,
        first->error.hint().empty() ? "run the same command with the same id to finish it" : first->error.hint(),
        first->error.context());
}

void Executor::run_step(const Step& step, bool wait) {
    call_.require_time();
    switch (step.kind) {
        case StepKind::change:
        case StepKind::send:
            change(step, wait);
            break;
        case StepKind::settle:
            settle(step);
            break;
        case StepKind::fetch:
            fetch(step);
            break;
        case StepKind::place:
            place(call_, stage_, intent_.draft.id, step, files());
            break;
        case StepKind::erase:
            erase(call_, stage_, step, record(step.of).job);
            break;
    }
    const bool left_running = !wait && record(step.id).job.has_value();
    if (left_running) return;
    note(step.id, [](auto& known) {
        known.done = true;
        known.failed.clear();
    });
    ++call_.tally.steps_done;
}

void Executor::change(const Step& planned, bool wait) {
    // A step that deals with what another one made is told its job, which the plan could not know.
    auto step = planned;
    if (!step.of.empty()) step.job = record(step.of).job;
    auto known = record(step.id);
    // What ended badly in an earlier run is begun anew.
    if (!known.failed.empty()) known = {.step = step.id};
    const bool earlier = known.job.has_value();
    if (!earlier) known.job = start(step);
    try {
        if (known.job) follow(step, *known.job, wait);
    } catch (const Error& error) {
        // What an earlier run began may have ended badly since, perhaps with its server.
        if (!earlier || error.kind() != ErrorKind::job_failed || intent_.verb == "cancel" || !sends_) throw;
        start_anew(step, error, wait);
    }
    if (intent_.verb == "remove" && !known.job) require_gone(step);
}

// That it was told to go, and took it, makes nothing gone. A list may lag behind for a while.
void Executor::require_gone(const Step& step) {
    for (auto pause = first_pause;; pause *= 2) {
        if (stage_.target.driver.done(call_, step)) return;
        if (pause > last_look) break;
        call_.clock.sleep(pause, call_.stop);
        call_.require_time();
    }
    throw Error(ErrorKind::failed, fmt::format("{}: the server took it, and it is still there", step.what),
                "`vbackup delete` tries it again; if it stays, look at the server's log");
}

// The job goes on whether or not its secret was kept: it cannot be taken back.
void Executor::keep_secret(const Step& step, const Secret& secret) {
    try {
        if (!stage_.secrets.keep) throw no_place_for(step);
        stage_.secrets.keep(step.reveals, secret);
    } catch (const Error& error) {
        call_.tally.warn(
            fmt::format("{} is lost: {}; set a new one where the database allows that", step.reveals, error.message()));
    }
}

std::optional<model::JobRef> Executor::start(const Step& step) {
    if (!sends_ && !step.tidy)
        throw Error(ErrorKind::refused, fmt::format("the restore is too old to send what is left of it: {}", step.what),
                    "give the restore again");
    call_.tally.stage(step.what);
    const auto outcome = begin(step);
    if (outcome.secret) keep_secret(step, *outcome.secret);
    note(step.id, [&](auto& now) {
        now.sent = true;
        now.failed.clear();
        now.job = outcome.job;
    });
    return outcome.job;
}

void Executor::start_anew(const Step& step, const Error& ended, bool wait) {
    call_.tally.warn(fmt::format("begun anew: {}, which an earlier run had begun: {}", step.what, ended.message()));
    std::optional<model::JobRef> job;
    try {
        job = start(step);
    } catch (const Error& error) {
        // A server that never takes the same id twice: how the first one ended says more.
        if (error.kind() == ErrorKind::conflict) throw ended;
        throw;
    }
    if (job) follow(step, *job, wait);
}

model::Outcome Executor::begin(const Step& step) {
    const auto known = record(step.id);
    bool maybe_taken = known.sent && known.failed.empty();
    Loading loading(call_, stage_.limits.with_progress);
    for (int attempt = 1;; ++attempt) {
        try {
            if (maybe_taken) {
                if (auto outcome = stage_.target.driver.done(call_, step)) return *outcome;
            }
            return send_once(step);
        } catch (const Error& error) {
            const bool lost = may_be_lost(error.kind());
            // The first sending may have been taken although its answer was lost; then the second one meets it.
            const bool met_itself = maybe_taken && error.kind() == ErrorKind::conflict && attempt < attempts;
            // Of what is sent in many pieces the first ones may have been taken.
            if (is_clear_refusal(error.kind()) && !maybe_taken && step.kind != StepKind::send)
                note(step.id, [&](auto& now) {
                    // How an earlier try ended still holds.
                    now = known;
                    now.sent = false;
                });
            if (loading.passes(error)) {
                attempt = 0;
                continue;
            }
            if ((!lost && !met_itself && error.kind() != ErrorKind::busy) || attempt >= attempts) throw;
            maybe_taken = maybe_taken || lost;
        }
        call_.clock.sleep(first_pause * (1 << (attempt - 1)), call_.stop);
        call_.require_time();
    }
}

model::Outcome Executor::send_once(const Step& step) {
    prepare_place(stage_, step);
    std::unique_ptr<io::Source> source;
    if (step.kind == StepKind::send) {
        // A copy: another worker may be bringing home the next file.
        const auto file = file_called(step.file);
        if (!stage_.store) throw Error(ErrorKind::usage, "the store that holds the backup is not named");
        if (!file) throw Error(ErrorKind::corrupt, fmt::format("the backup has no file {}", step.file));
        if (!file->base.empty()) return send_increment(step, *file);
        const auto name = store::file_name(intent_.draft.id, file->name);
        auto& bytes = stage_.store->store();
        if (const auto lying = bytes.size(name); lying && file->size && *lying != stored_size(*file))
            throw Error(ErrorKind::corrupt, fmt::format("{} in the backup has {} bytes instead of {}", file->name,
                                                        *lying, stored_size(*file)));
        source = checked(open_kept(bytes, intent_.draft.id, *file), file->sha256, file->name);
    }
    note_sent(step.id);
    const auto before = call_.tally.bytes_done.load();
    try {
        return stage_.target.driver.run(call_, step, source.get());
    } catch (const Error&) {
        if (source) call_.tally.bytes_done = before;
        throw;
    }
}

// Put together twice: the first time only to know that nothing is missing or damaged, and what its digest is.
model::Outcome Executor::send_increment(const Step& step, const model::File& file) {
    auto* increments = stage_.target.driver.increments();
    if (!increments)
        throw Error(ErrorKind::unsupported,
                    fmt::format("{} is an increment, which {} does not read", file.name, stage_.target.driver_name));
    const auto layers = layers_of(*stage_.store, intent_.draft.id, file);
    call_.tally.stage(fmt::format("putting together {}", file.name));
    const auto measured = io::drain(call_, *increments->whole(call_, layers));
    call_.tally.bytes_done -= measured.size;
    call_.tally.stage(step.what);
    const auto source = increments->whole(call_, layers);
    note_sent(step.id);
    return increments->run(call_, step, *source, measured);
}

void Executor::note_sent(const std::string& step) {
    note(step, [](auto& now) {
        now.sent = true;
        now.failed.clear();
        now.job.reset();
    });
}

void Executor::follow(const Step& step, model::JobRef job, bool wait) {
    auto& driver = stage_.target.driver;
    const auto wanted = intent_.verb == "cancel" ? Phase::cancelled : Phase::succeeded;
    for (;;) {
        const auto look = [&](Call& call, Milliseconds patience) { return driver.observe(call, job, patience); };
        const auto seen = wait ? job::wait(call_, look, stage_.limits) : look_briefly(look);
        if (!seen.where.empty()) {
            const std::scoped_lock lock(mutex_);
            intent_.draft.location = seen.where;
        }
        const auto reason = seen.why.empty() ? seen.said : fmt::format("{}: {}", seen.said, seen.why);
        const auto fail = [&](ErrorKind kind, const std::string& text, std::string hint = {}) {
            note(step.id, [&](auto& now) { now.failed = text; });
            Error error(kind, text, std::move(hint));
            if (!job.name.empty()) error.with("job", job.name);
            throw error;
        };
        if (seen.phase == wanted && seen.next) {
            job = *seen.next;
            note(step.id, [&](auto& now) { now.job = job; });
            continue;
        }
        if (seen.phase == wanted || !is_final(seen.phase)) return;
        if (wanted == Phase::cancelled) {
            if (seen.phase == Phase::failed)
                throw Error(ErrorKind::job_failed,
                            fmt::format("{} had failed before it could be cancelled ({})", job.name, reason));
            if (seen.phase == Phase::gone)
                throw Error(ErrorKind::not_understood, fmt::format("the server no longer knows {}", job.name));
            throw Error(ErrorKind::refused, fmt::format("{} had ended well before it could be cancelled", job.name),
                        "to remove it use `vbackup delete`");
        }
        if (seen.phase == Phase::gone)
            fail(ErrorKind::job_failed, fmt::format("the server no longer knows the job {}", job.name),
                 "look at the server's log");
        if (seen.phase == Phase::cancelled) fail(ErrorKind::cancelled, fmt::format("{} ({})", was_cancelled, reason));
        fail(ErrorKind::job_failed, fmt::format("the server says that the job failed ({})", reason),
             "look at the server's log");
    }
}

// One look, or some more while the server does not show yet what it has just taken.
model::Seen Executor::look_briefly(const job::Look& look) {
    for (int looks = 1;; ++looks) {
        auto seen = look(call_, Milliseconds{0});
        if (seen.phase != Phase::gone || looks > stage_.limits.gone_tolerance) return seen;
        call_.clock.sleep(first_pause, call_.stop);
        call_.require_time();
    }
}

void Executor::settle(const Step& step) {
    const auto look = [&](Call& call, Milliseconds) { return stage_.target.driver.settled(call, step); };
    for (int attempt = 1;; ++attempt) {
        call_.tally.stage(step.what);
        const auto seen = job::wait(call_, look, stage_.limits);
        if (seen.phase == Phase::succeeded) return;
        if (!seen.again || attempt >= settlings || !sends_)
            throw Error(ErrorKind::job_failed,
                        fmt::format("{} did not come about: {} {}", step.what, seen.said, seen.why),
                        "`vbackup check` shows the target as it is now, and the server's log may say more");
        call_.tally.warn(fmt::format("{}: {}; what came before is done again", step.what, seen.said));
        send_again(step);
    }
}

void Executor::send_again(const Step& settling) {
    for (const auto& step : intent_.plan.steps) {
        const bool before = std::find(settling.after.begin(), settling.after.end(), step.id) != settling.after.end();
        if (!before || (step.kind != StepKind::send && step.kind != StepKind::change)) continue;
        call_.require_time();
        note(step.id, [&](auto& known) { known = {.step = step.id}; });
        change(step, true);
        note(step.id, [](auto& known) { known.done = true; });
    }
}

void Executor::fetch(const Step& step) {
    const auto job = step.of.empty() ? step.job : record(step.of).job;
    if (!job || !stage_.store)
        throw Error(ErrorKind::failed, fmt::format("nothing is known of what to fetch for {}", step.id));
    bring_home(call_, stage_, intent_.draft.id, step, *job, [this](model::File home) {
        const std::scoped_lock lock(mutex_);
        auto& files = intent_.draft.files;
        std::erase_if(files, [&](const auto& one) { return one.name == home.name; });
        files.push_back(std::move(home));
        save();
    });
}

std::vector<model::File> Executor::files() {
    const std::scoped_lock lock(mutex_);
    return intent_.draft.files;
}

std::optional<model::File> Executor::file_called(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    for (const auto& file : intent_.draft.files) {
        if (file.name == name) return file;
    }
    return std::nullopt;
}

model::StepRecord Executor::record(const std::string& step) {
    const std::scoped_lock lock(mutex_);
    for (const auto& known : intent_.records) {
        if (known.step == step) return known;
    }
    return {.step = step};
}

void Executor::note(const std::string& step, const std::function<void(model::StepRecord&)>& change) {
    const std::scoped_lock lock(mutex_);
    for (auto& known : intent_.records) {
        if (known.step == step) change(known);
    }
    save();
}

// Called with the mutex held.
void Executor::save() {
    if (home_) home_->write(intent_);
}

}  // namespace vbackup::backup
