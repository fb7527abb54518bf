// SPDX-License-Identifier: Apache-2.0
#include "driver/zilliz/zilliz.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <mutex>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "driver/zilliz/looks.hpp"
#include "driver/zilliz/plans.hpp"
#include "driver/zilliz/schedule.hpp"

namespace vbackup::driver {

namespace {

using namespace zilliz;
using model::Phase;

// The vendor documents 20 requests a second for each user and endpoint. In any second at most twice this many go out, to
// all endpoints together.
constexpr int requests_per_second = 8;

std::string cluster_of(const Settings& settings) {
    const auto url = parse_url(settings.url);
    if (!url.path.empty() || url.port != 0)
        throw Error(ErrorKind::usage, fmt::format("{} is no address of a cluster", settings.url),
                    "write zilliz://CLUSTER_ID, such as zilliz://in01-5b1c77aa90de321");
    return url.host;
}

net::Connection connection_of(const Settings& settings) {
    if (settings.key.empty())
        throw Error(ErrorKind::denied, "Zilliz Cloud wants an API key, and none is given",
                    "api_key_file, api_key_command or api_key_env of the target in the configuration; for a plain URL "
                    "VBACKUP_API_KEY_FILE or VBACKUP_API_KEY");
    auto connection = settings.connection;
    connection.base = base_of(settings);
    connection.secrets.emplace_back("Authorization", Secret("Bearer " + std::string(settings.key.reveal())));
    connection.requests_per_second = requests_per_second;
    return connection;
}

model::Found found_of(const Backup& backup) {
    model::Found found;
    found.name = backup.id;
    found.phase = phase_of_backup(backup.word);
    found.said = backup.word;
    found.started = backup.created;
    found.size = backup.size;
    for (const auto& member : backup.members) found.collections.push_back(text_of({member.database, member.name}));
    std::sort(found.collections.begin(), found.collections.end());
    found.where = place_of(backup);
    found.driver = "zilliz";
    Work work;
    work.cluster = backup.cluster;
    work.backup = backup.id;
    work.name = backup.name;
    found.job = to_ref(work);
    return found;
}

std::string ids_of(const std::vector<Backup>& backups) {
    std::vector<std::string> ids;
    for (const auto& backup : backups) ids.push_back(backup.id);
    return fmt::format("{}", fmt::join(ids, " and "));
}

Error names_none(const Taken& taken, const std::string& what, std::string hint) {
    Error error(ErrorKind::not_understood, fmt::format("Zilliz Cloud took the request and names no {}", what),
                std::move(hint));
    if (!taken.request.empty()) error.with("requestid", taken.request);
    return error;
}

// Was the backup begun about when the step was planned? Both clocks may be wrong by some minutes.
bool began_with(const StepData& data, const Backup& backup) {
    constexpr auto slack = std::chrono::minutes(15);
    const auto planned = parse_time(data.planned);
    return planned && backup.created && *backup.created - *planned < slack && *planned - *backup.created < slack;
}

// What a request may hide that was refused: that somebody else's backup came first.
bool may_mean_busy(ErrorKind kind) {
    return kind == ErrorKind::failed || kind == ErrorKind::refused || kind == ErrorKind::busy ||
           kind == ErrorKind::job_failed || kind == ErrorKind::conflict;
}

class ZillizDriver : public Driver {
public:
    explicit ZillizDriver(Settings settings)
        : cluster_(cluster_of(settings)),
          http_(connection_of(settings), std::move(settings.trace)),
          routes_(http_),
          schedules_(routes_, cluster_) {}

    model::Inspection inspect(Call& call, const model::Scope& scope) override {
        require_dedicated(cluster_);
        model::Inspection now;
        now.product = "Zilliz Cloud";
        now.version = "v2";
        // What these names are good for is known when the backup is made.
        for (const auto& name : names_in({.include = scope.include}))
            now.collections.push_back({.name = text_of(name)});
        const auto found = cluster_in(call, scope);
        if (!found) {
            now.obstacles.push_back(fmt::format("there is no cluster {}", cluster_));
            return now;
        }
        const auto& cluster = *found;
        const auto phase = phase_of_cluster(cluster.word);
        now.ready = phase == Phase::succeeded;
        now.nodes.push_back({.name = cluster.id,
                             .address = cluster.address,
                             .version = {},
                             .healthy = now.ready,
                             .state = fmt::format("{}, {} {}, {} CU, {}", cluster.word, cluster.deployment,
                                                  cluster.plan, cluster.cu, cluster.region)});
        if (!now.ready) now.obstacles.push_back(fmt::format("cluster {} is {}", cluster.id, cluster.word));
        const nlohmann::json details{{"project", cluster.project}, {"region", cluster.region}, {"plan", cluster.plan}};
        now.details = details.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        return now;
    }

    std::vector<model::Found> list(Call& call, const model::Options& options) override {
        check_values(options);
        if (is_set(options, "name")) return list_named(call, value(options, "name"));
        const bool all = value(options, "all-clusters") == "true";
        const Filter filter{.cluster = all ? "" : cluster_,
                            .project = value(options, "project"),
                            .method = value(options, "method"),
                            .type = value(options, "type"),
                            .start = value(options, "start"),
                            .end = value(options, "end")};
        std::vector<model::Found> found;
        for (const auto& backup : routes_.backups(call, filter)) found.push_back(found_of(backup));
        std::stable_sort(found.begin(), found.end(),
                         [](const auto& a, const auto& b) { return a.started > b.started; });
        return found;
    }

    model::Plan plan(Call& call, const model::Request& request, const Peek&) override {
        require_dedicated(cluster_);
        check_values(request.options);
        const Planning planning{call, routes_, cluster_, request};
        switch (request.verb) {
            case model::Verb::create:
                return plan_create(planning);
            case model::Verb::restore:
                return plan_restore(planning);
            case model::Verb::download:
                return plan_download(planning);
            case model::Verb::remove:
                return plan_remove(planning);
            case model::Verb::cancel:
                break;
        }
        throw Error(ErrorKind::unsupported, "Zilliz Cloud has no cancel", "cancel it on the console's Jobs page");
    }

    std::optional<model::Outcome> done(Call& call, const model::Step& step) override {
        const auto data = parse_step(step);
        switch (data.deed) {
            case Deed::create:
                return taken_before(call, step, data);
            case Deed::restore_cluster:
                return made_before(call, data);
            case Deed::remove: {
                const auto backup = routes_.backup(call, data.cluster, data.backup);
                const bool there = backup && phase_of_backup(backup->word) != Phase::gone;
                return there ? std::nullopt : std::optional(model::Outcome{});
            }
            case Deed::policy:
                return is_held(routes_.policy(call, data.cluster), data.body) ? std::optional(model::Outcome{})
                                                                              : std::nullopt;
            // Nothing lists jobs. Sent again, the service refuses a collection that the first request has restored.
            case Deed::restore_collection:
            case Deed::export_backup:
            case Deed::slot:
                break;
        }
        return std::nullopt;
    }

    model::Outcome run(Call& call, const model::Step& step, io::Source*) override {
        const auto data = parse_step(step);
        switch (data.deed) {
            case Deed::create:
                return create(call, step, data);
            case Deed::restore_cluster:
                return restore_cluster(call, data);
            case Deed::restore_collection:
            case Deed::export_backup: {
                const bool exports = data.deed == Deed::export_backup;
                const auto taken = routes_.post(
                    call, data, fmt::format("{} the backup {}", exports ? "export" : "restore", data.backup));
                return {.job = begun(data, taken), .secret = {}};
            }
            case Deed::remove:
                routes_.remove(call, data);
                return {};
            case Deed::policy:
                routes_.post(call, data, "set the backup policy");
                return {};
            case Deed::slot:
                break;
        }
        throw Error(ErrorKind::failed, fmt::format("the step {} is nothing to send", step.id));
    }

    model::Seen observe(Call& call, const model::JobRef& ref, Milliseconds) override {
        return look_at(call, routes_, to_work(ref));
    }

    // The only state waited for: that no other backup is under way.
    model::Seen settled(Call& call, const model::Step& step) override {
        const auto data = parse_step(step);
        const auto running = under_way(routes_.backups(call, {.cluster = data.cluster}, true), data.cluster);
        model::Seen seen;
        seen.phase = running.empty() ? Phase::succeeded : Phase::running;
        seen.said = running.empty() ? "free" : fmt::format("{} is {}", running.front().id, running.front().word);
        return seen;
    }

    // Only their size can be told: the bytes stay with the service.
    Files files(Call& call, const model::JobRef& ref, const Peek&) override {
        const auto work = to_work(ref);
        const auto backup = routes_.backup(call, work.cluster, work.backup);
        if (!backup)
            throw Error(ErrorKind::not_found, fmt::format("Zilliz Cloud no longer has the backup {}", work.backup));
        model::File file;
        file.name = backup->id;
        file.server_name = backup->id;
        file.size = backup->size;
        return {.files = {file}, .location = {}};
    }

    model::Format format(const std::string&) const override { return model::Format::unknown; }

    std::unique_ptr<io::Source> open(Call&, const model::File& file, std::uint64_t) override {
        throw Error(ErrorKind::unsupported, fmt::format("Zilliz Cloud offers no download of {}", file.name));
    }

    // Nothing can be counted from here: that each job ended well, and that the cluster is as it should be, is all the proof.
    model::Proof prove(Call& call, const model::Manifest&, const model::Request& request) override {
        model::Proof proof;
        for (const auto& ref : request.jobs) {
            const auto work = to_work(ref);
            proof.findings.push_back(
                {work.job.empty() ? work.what : fmt::format("{}, job {}", work.what, work.job), !work.what.empty()});
        }
        if (request.jobs.empty()) proof.findings.push_back({"no job tells that anything was restored", false});
        const auto cluster = restored_cluster(call, request);
        const auto phase = phase_of_cluster(cluster.word);
        proof.findings.push_back({fmt::format("cluster {} ({}) is {}", cluster.id, cluster.name, cluster.word),
                                  phase == Phase::succeeded || phase == Phase::running});
        return proof;
    }

    Schedules* schedules() override { return &schedules_; }

private:
    // The target's cluster. For a look around it may be gone: its backups outlive it, and go to others.
    std::optional<Cluster> cluster_in(Call& call, const model::Scope& scope) {
        try {
            return routes_.cluster(call, cluster_);
        } catch (const Error& error) {
            if (scope.counts || error.kind() != ErrorKind::not_found) throw;
            return std::nullopt;
        }
    }

    static model::JobRef begun(const StepData& data, const Taken& taken) {
        if (taken.job.empty()) throw names_none(taken, "job", "the console's Jobs page shows whether it is under way");
        Work work;
        work.watch = Watch::job;
        work.job = taken.job;
        work.cluster = data.cluster;
        work.backup = data.backup;
        work.what = data.what;
        return to_ref(work);
    }

    model::Outcome create(Call& call, const model::Step& step, const StepData& data) {
        // What is there right before the request tells afterwards which one is ours when the answer is lost.
        const auto there = routes_.backups(call, {.cluster = data.cluster});
        if (const auto running = under_way(there, data.cluster); !running.empty()) throw busy_with(running);
        {
            const std::scoped_lock lock(mutex_);
            auto& known = known_[step.id];
            for (const auto& backup : there) known.push_back(backup.id);
        }
        const auto taken = post_create(call, data);
        if (taken.backup.empty() || taken.job.empty())
            throw names_none(taken, "backup or no job", "`vbackup list` shows whether a backup is under way");
        Work work;
        work.watch = Watch::job;
        work.job = taken.job;
        work.cluster = data.cluster;
        work.backup = taken.backup;
        work.name = taken.name;
        work.then = Watch::backup;
        return {.job = to_ref(work), .secret = {}};
    }

    // There is no code for "another one is under way", so a refusal in the service's own words is explained by what the list
    // then shows. After any other answer that could be this request's own backup.
    Taken post_create(Call& call, const StepData& data) {
        const auto response = routes_.send(call, data);
        try {
            return Routes::taken(response, "create a backup");
        } catch (const Error& error) {
            if (!is_refusal(response) || !may_mean_busy(error.kind())) throw;
            const auto running = under_way(routes_.backups(call, {.cluster = data.cluster}), data.cluster);
            if (!running.empty()) throw busy_with(running);
            throw;
        }
    }

    bool same_members(Call& call, const Backup& backup, const StepData& data) {
        if (data.members.empty()) return true;
        const auto described = routes_.backup(call, backup.cluster, backup.id);
        if (!described) return false;
        const auto holds = [&](const Name& name) {
            return std::any_of(described->members.begin(), described->members.end(), [&](const Member& one) {
                return one.database == name.database && one.name == name.collection;
            });
        };
        // One in the making may not tell yet what is in it.
        return described->members.empty() || (described->members.size() == data.members.size() &&
                                              std::all_of(data.members.begin(), data.members.end(), holds));
    }

    // Those of these that could be what the step makes, and are not known to be somebody else's.
    std::vector<Backup> look_alikes(Call& call, std::vector<Backup> there, const StepData& data,
                                    const std::vector<std::string>& known) {
        std::erase_if(there, [&](const Backup& one) {
            const bool is_new = std::find(known.begin(), known.end(), one.id) == known.end();
            return !is_new || one.cluster != data.cluster || one.method != "MANUAL" || one.type != data.type ||
                   !same_members(call, one, data);
        });
        return there;
    }

    // The backup that a request began whose answer was lost: one of that kind that was not there before.
    std::optional<model::Outcome> taken_before(Call& call, const model::Step& step, const StepData& data) {
        auto known = data.known;
        bool knows_all = false;
        {
            const std::scoped_lock lock(mutex_);
            if (const auto later = known_.find(step.id); later != known_.end()) {
                known = later->second;
                knows_all = true;
            }
        }
        const auto ours = look_alikes(call, routes_.backups(call, {.cluster = data.cluster}), data, known);
        if (ours.empty()) return std::nullopt;
        // The plan knows those that were there when it was made. While a slot was waited for, or before the step was sent in a
        // later run, others may have come and gone, of which only the process that sent it knows.
        const bool is_ours = ours.size() == 1 && (knows_all || (step.after.empty() && began_with(data, ours.front())));
        if (!is_ours)
            throw Error(
                ErrorKind::not_understood,
                fmt::format("{} {} begun meanwhile, and nothing tells {} this one", ids_of(ours),
                            ours.size() > 1 ? "were" : "was", ours.size() > 1 ? "which of them is" : "whether it is"),
                "`vbackup delete` forgets the unfinished one; those at the service can be named by their own "
                "id");
        Work work;
        work.cluster = data.cluster;
        work.backup = ours.front().id;
        work.name = ours.front().name;
        return model::Outcome{.job = to_ref(work), .secret = {}};
    }

    model::Outcome restore_cluster(Call& call, const StepData& data) {
        auto taken = routes_.post(call, data, fmt::format("restore the backup {} as a new cluster", data.backup));
        if (taken.job.empty() || taken.cluster.empty())
            throw names_none(taken, "job or no cluster", "the console shows whether the cluster is being made");
        Work work;
        work.watch = Watch::job;
        work.job = taken.job;
        work.cluster = taken.cluster;
        work.backup = data.backup;
        work.what = fmt::format("{} ({}), user {}", data.what, taken.cluster, taken.user);
        work.then = Watch::cluster;
        model::Outcome outcome{.job = to_ref(work), .secret = {}};
        if (!taken.password.empty()) outcome.secret = std::move(taken.password);
        return outcome;
    }

    // The cluster that a request made whose answer was lost. Its password was in that answer.
    std::optional<model::Outcome> made_before(Call& call, const StepData& data) {
        for (const auto& cluster : routes_.clusters(call)) {
            if (cluster.name != data.name || cluster.project != data.project) continue;
            call.tally.warn(fmt::format(
                "the answer that held the password of {} was lost: set a new one in the console", cluster.id));
            Work work;
            work.watch = Watch::cluster;
            work.cluster = cluster.id;
            work.backup = data.backup;
            work.what = fmt::format("{} ({})", data.what, cluster.id);
            return model::Outcome{.job = to_ref(work), .secret = {}};
        }
        return std::nullopt;
    }

    // By its id or its name; of any cluster, since a backup may be restored anywhere, but rather of the target's own.
    std::vector<model::Found> list_named(Call& call, const std::string& name) {
        auto all = routes_.backups(call, {});
        const auto has_id = [&](const Backup& one) { return one.id == name; };
        const bool by_id = std::any_of(all.begin(), all.end(), has_id);
        std::erase_if(all, [&](const Backup& one) { return by_id ? !has_id(one) : one.name != name; });
        const auto is_own = [&](const Backup& one) { return one.cluster == cluster_; };
        if (std::any_of(all.begin(), all.end(), is_own)) std::erase_if(all, std::not_fn(is_own));
        if (all.empty()) return job_named(call, name);
        if (all.size() > 1)
            throw Error(ErrorKind::conflict,
                        fmt::format("{} backups are called {}: {}", all.size(), one_line(name, 120), ids_of(all)),
                        "name one of them by its id");
        const auto& match = all.front();
        const auto described = routes_.backup(call, match.cluster, match.id);
        auto found = found_of(described && !described->members.empty() ? *described : match);
        found.name = name;
        return {found};
    }

    // Nothing lists jobs, but each can be asked for by the id that an error or the console told.
    std::vector<model::Found> job_named(Call& call, const std::string& name) {
        if (!name.starts_with("job-")) return {};
        const auto job = routes_.job(call, name);
        if (!job) return {};
        Work work;
        work.watch = Watch::job;
        work.job = name;
        const auto seen = look_at(call, routes_, work);
        model::Found found;
        found.name = name;
        found.phase = seen.phase;
        found.said = seen.said;
        found.why = seen.why;
        found.done = seen.done;
        found.total = seen.total;
        found.where = fmt::format("Zilliz Cloud: a job{}", job->type.empty() ? "" : ", " + one_line(job->type, 40));
        found.driver = "zilliz";
        found.job = to_ref(work);
        return {found};
    }

    Cluster restored_cluster(Call& call, const model::Request& request) {
        const auto& made = value(request.options, "new-cluster");
        const auto& project = value(request.options, "project");
        if (made.empty()) {
            const auto& to = value(request.options, "to-cluster");
            return routes_.cluster(call, to.empty() ? cluster_ : to);
        }
        for (auto& cluster : routes_.clusters(call)) {
            if (cluster.name == made && (project.empty() || cluster.project == project)) return cluster;
        }
        throw Error(ErrorKind::not_found, fmt::format("the new cluster {} is not there", made));
    }

    std::string cluster_;
    net::Http http_;
    Routes routes_;
    PolicySchedules schedules_;
    std::mutex mutex_;
    std::map<std::string, std::vector<std::string>> known_;  // by step: the backups there right before it was sent
};

std::unique_ptr<Driver> open_zilliz(Settings settings) {
    return std::make_unique<ZillizDriver>(std::move(settings));
}

constexpr std::array abilities = {
    Ability{"create", Support::full, ""},
    Ability{"list", Support::full, ""},
    Ability{"status", Support::full, ""},
    Ability{"wait", Support::full, ""},
    Ability{"check", Support::full, ""},
    Ability{"restore", Support::full, ""},
    Ability{"delete", Support::full, ""},
    Ability{"schedule", Support::part, "one policy: weekdays, one window of two hours, 1 to 30 days of retention"},
    Ability{"download", Support::part, "exports to a bucket that is registered with the service (-o integration=ID)"},
    Ability{"cancel", Support::none, "a job of Zilliz Cloud is cancelled on the console's Jobs page only"},
    Ability{"verify", Support::none, "the bytes stay with Zilliz Cloud, where nothing can read them"},
};

constexpr std::array<std::string_view, 1> schemes = {"zilliz"};

}  // namespace

const Entry& zilliz_entry() {
    static const Entry entry{.name = "zilliz",
                             .product = "Zilliz Cloud",
                             .abilities = abilities,
                             .options = zilliz::options(),
                             .open = open_zilliz,
                             .recognise = nullptr,
                             .schemes = schemes,
                             .exports = true,
                             .left_with_server = true};
    return entry;
}

}  // namespace vbackup::driver
