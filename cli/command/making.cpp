// SPDX-License-Identifier: Apache-2.0
#include "cli/command/making.hpp"

#include <fmt/format.h>

#include "backup/find.hpp"
#include "base/text.hpp"
#include "cli/command/flags.hpp"
#include "cli/session/hook.hpp"
#include "cli/session/ping.hpp"
#include "config/read_secret.hpp"

namespace vbackup::cli {

namespace {

constexpr Milliseconds usual_limit = std::chrono::minutes(5);

// Hooks and pings around one backup.
class Around {
public:
    Around(Session& session, const std::string& target, const config::Habits& habits)
        : session_(session),
          hooks_(habits.hooks),
          ping_(
              url_of(session, habits), session.around().clock,
              [&session](std::string text) { session.call().tally.warn(std::move(text)); }, session.trace()) {
        facts_.target = target;
        ping_.start();
    }

    void before(const Scene& scene, const std::string& id) {
        facts_.id = id;
        facts_.driver = scene.stage.target.driver_name;
        if (scene.store) facts_.store = scene.store->bytes->where();
        try {
            run("before", hooks_.before);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted) throw;
            throw Error(ErrorKind::refused, error.message() + "; no backup was begun", error.hint());
        }
    }

    void after(Answer& answer) {
        const auto* deed = std::get_if<Deed>(&answer.value);
        if (deed && deed->result.manifest) facts_.size = backup_size(*deed);
        end(0, "");
        try {
            run("after", hooks_.after);
        } catch (const Error& error) {
            answer.problem =
                Error(ErrorKind::failed, fmt::format("{}: the backup is good, but {}", facts_.id, error.message()),
                      error.hint(), {{"target", facts_.target}});
        }
    }

    void close(const Answer& answer) {
        tell(answer.exit_code(), answer.problem ? answer.problem->message() : fmt::format("{}: good", facts_.id));
    }

    void failed(const Error& error) {
        end(describe(error.kind()).exit_code, error.message());
        try {
            run("failed", hooks_.failed);
        } catch (const Error& again) {
            session_.call().tally.warn(again.message());
        }
        tell(describe(error.kind()).exit_code,
             error.hint().empty() ? error.message() : error.message() + "\nhint: " + error.hint());
    }

private:
    // Whatever is wrong with it, the backup matters more.
    static Secret url_of(Session& session, const config::Habits& habits) {
        try {
            return config::read_ping_url(habits);
        } catch (const Error& error) {
            session.call().tally.warn(error.message());
            return {};
        }
    }

    static std::optional<std::uint64_t> backup_size(const Deed& deed) {
        return backup::describe(*deed.result.manifest, deed.store).size;
    }

    void end(int exit_code, const std::string& error) {
        facts_.exit_code = exit_code;
        facts_.error = error;
        facts_.took = session_.elapsed();
    }

    void run(const std::string& hook, const std::vector<std::string>& words) {
        if (words.empty()) return;
        facts_.hook = hook;
        session_.call().tally.stage(fmt::format("hook {} of {}", hook, facts_.target));
        // Of a run that was ended its failure is still told.
        const auto stop = hook == "failed" ? std::stop_token() : session_.call().stop;
        run_hook(words, facts_, session_.around().environment, hooks_.timeout.value_or(usual_limit), stop);
    }

    void tell(int exit_code, std::string log) {
        for (const auto& warning : session_.call().tally.warnings()) log = "warning: " + warning + "\n" + log;
        ping_.end(exit_code, log);
    }

    Session& session_;
    config::Hooks hooks_;
    Ping ping_;
    Facts facts_;
};

std::optional<Error> problem_in(const std::function<void()>& work) {
    try {
        work();
        return std::nullopt;
    } catch (const Error& error) {
        return error;
    }
}

}  // namespace

Answer make_backup(Session& session, const Wish& wish) {
    std::optional<Around> around;
    if (const auto* own = session.configured(wish.target); own && !wish.dry_run)
        around.emplace(session, wish.target, session.habits_of(own));
    try {
        const auto scene = session.open(wish.target, "create", wish.store);
        auto options = wish.options(*scene);
        if (options.id.empty()) options.id = backup::make_id(scene->stage.target, session.call().clock.wall());
        if (around) around->before(*scene, options.id);
        auto answer = deed(session, *scene, {"create", wish.target, options.id},
                           [&] { return backup::create(session.call(), scene->stage, options); });
        if (wish.prove) wish.prove(answer);
        if (around) around->after(answer);
        if (wish.then && !answer.problem) answer.problem = problem_in(wish.then);
        if (around) around->close(answer);
        return answer;
    } catch (const Error& error) {
        if (around) around->failed(error);
        throw;
    }
}

void add_habits(Session& session, const std::string& target, backup::CreateOptions& options) {
    if (!options.retention) options.retention = session.habits().retention;
    const auto* own = session.configured(target);
    if (!own) return;
    if (options.scope.include.empty() && options.scope.exclude.empty())
        options.scope = scope_of({own->collections, own->exclude});
    if (options.description.empty()) options.description = own->description;
}

void note_success(Measured& measured, const Answer& answer, Moment now) {
    const auto* deed = std::get_if<Deed>(&answer.value);
    if (!deed || !deed->result.manifest || deed->result.dry_run) return;
    measured.success = now;
    measured.size = backup::describe(*deed->result.manifest, deed->store).size;
}

void tell_metrics(Session& session, const std::string& file, std::span<const Measured> all) {
    if (file.empty()) return;
    try {
        write_metrics(file, all, session.around().clock);
    } catch (const Error& error) {
        session.call().tally.warn(fmt::format("{} ({})", error.message(), file));
    }
}

}  // namespace vbackup::cli
