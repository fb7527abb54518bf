// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly_cloud/dragonfly_cloud.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <mutex>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "driver/dragonfly/dragonfly.hpp"
#include "driver/dragonfly_cloud/datastore.hpp"

namespace vbackup::driver {

namespace {

using namespace dragonfly_cloud;
using model::Phase;

constexpr std::string_view vendor = "https://api.dragonflydb.cloud";
constexpr std::string_view restore_action = "cloud-restore", policy_action = "cloud-policy";

constexpr std::array all_abilities{
    Ability{"create", Support::part,
            "with --to STORE, through RESP; a backup that stays in the cloud is made in its console: the data store's "
            "menu, "
            "backups, manual"},
    Ability{"list", Support::part, "those that vbackup keeps; the cloud's own: console, Account > Backups"},
    Ability{"status", Support::part, "of what vbackup keeps, and of the backup that was restored last"},
    Ability{"wait", Support::part, "for a restore under way"},
    Ability{"download", Support::none, "the API reads no backups: `vbackup create --to STORE` brings all keys home"},
    Ability{"restore", Support::full, {}},
    Ability{"delete", Support::part, "what vbackup keeps; the cloud's own: console, Account > Backups"},
    Ability{"verify", Support::part, "what vbackup keeps"},
    Ability{"check", Support::part, "of the store's own machines the API tells nothing"},
    Ability{"cancel", Support::none, "the API ends no restore under way"},
};

constexpr std::array all_options{
    Option{"from",
           "store|cloud",
           "restore",
           "cloud: the ID is that of a backup in Dragonfly Cloud (console, Account > Backups), which clears the data "
           "store",
           {}},
    Option{"match",
           "PATTERN",
           "create restore",
           "only keys like this (as SCAN has it: * ? [a-z]); nothing is cleared",
           {}},
    Option{"compress", "zstd|none", "create", "how the file that comes home is packed; zstd is the default", {}},
    Option{
        "acl", "true|false", "create restore", "users with their rights and hashed passwords too; not by default", {}},
};

std::string option(const model::Options& options, const std::string& name) {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : found->second;
}

struct Note {
    std::string action, backup, before;
    bool was_loaded = false;  // what `before` names, before this restore was asked for
    bool begun = false;       // this restore was seen at work
    model::JsonText policy;
};

model::JsonText render(const Note& note) {
    nlohmann::json to{{"action", note.action}};
    if (!note.backup.empty()) to["backup"] = note.backup;
    if (!note.before.empty()) to["before"] = note.before;
    if (note.was_loaded) to["was_loaded"] = true;
    if (note.begun) to["begun"] = true;
    if (!note.policy.empty()) to["policy"] = nlohmann::json::parse(note.policy);
    return to.dump();
}

// Of a step or job that is not this driver's own but of the one behind it, `action` is empty.
Note parse_note(const model::JsonText& text) {
    const auto from = nlohmann::json::parse(text, nullptr, false);
    if (!from.is_object()) return {};
    Note note{.action = from.value("action", "")};
    if (note.action != restore_action && note.action != policy_action) return {};
    note.backup = from.value("backup", "");
    note.before = from.value("before", "");
    note.was_loaded = from.value("was_loaded", false);
    note.begun = from.value("begun", false);
    if (from.contains("policy")) note.policy = from.at("policy").dump();
    return note;
}

// The one backup policy of a data store.
class CloudSchedules final : public Schedules {
public:
    explicit CloudSchedules(const Api& api) : api_(api) {}

    std::vector<model::Schedule> list(Call& call, const model::Options&) override {
        return {to_schedule(api_.get(call).policy)};
    }

    model::Plan plan_set(Call& call, const model::Schedule& wish, const model::Options&) override {
        require_nameless(wish.name);
        const auto store = api_.get(call);
        const auto policy = to_policy(wish, store.policy);
        auto plan = plan_policy(policy, fmt::format("set the schedule of data store {}", api_.id()));
        if (policy.every_hour && policy.enabled)
            plan.notes.emplace_back("this makes a backup every hour: no hours are said");
        if (!wish.weekdays.empty())
            plan.notes.emplace_back(
                "how Dragonfly Cloud counts the days of its backup policy is published nowhere: Sunday is taken for 0, "
                "as in "
                "its maintenance window; see in the console that the days are right");
        return plan;
    }

    model::Plan plan_remove(Call& call, const std::string& name, const model::Options&) override {
        require_nameless(name);
        auto policy = api_.get(call).policy;
        if (!policy.enabled)
            throw Error(ErrorKind::not_found,
                        fmt::format("the data store {} has no schedule: its policy is disabled", api_.id()));
        policy.enabled = false;
        return plan_policy(policy, fmt::format("disable the schedule of data store {}", api_.id()));
    }

private:
    static void require_nameless(const std::string& name) {
        if (!name.empty())
            throw Error(ErrorKind::usage, "a data store has one schedule, and it has no name", "leave the name out");
    }

    static model::Plan plan_policy(const Policy& policy, std::string what) {
        model::Plan plan;
        model::Step step{.id = "policy", .what = std::move(what)};
        step.details = render(Note{.action = std::string(policy_action), .policy = dragonfly_cloud::render(policy)});
        plan.steps.push_back(std::move(step));
        return plan;
    }

    const Api& api_;
};

class DragonflyCloud final : public Driver {
public:
    DragonflyCloud(net::Connection connection, Settings settings, std::string id)
        : api_(std::move(connection), settings.trace, std::move(id)), settings_(std::move(settings)) {}

    model::Inspection inspect(Call& call, const model::Scope& scope) override {
        const auto store = api_.get(call);
        model::Inspection found;
        // While it is loading or being changed, its own address may not answer.
        if (store.status == "active") found = data(call, store).inspect(call, scope);
        found.product = "Dragonfly Cloud";
        found.ready = store.status == "active";
        if (!found.ready) found.obstacles.push_back(fmt::format("the data store {} is {}", api_.id(), store.status));
        return found;
    }

    std::vector<model::Found> list(Call& call, const model::Options& options) override {
        const auto store = api_.get(call);
        const auto name = option(options, "name");
        std::vector<model::Found> all;
        if (!store.restored.empty()) all.push_back(found_of(store));
        if (name.empty() || name == store.restored) return all;
        // A name is asked for: the API cannot look it up, and a restore of it may be wanted all the same.
        if (option(options, "from") == "cloud") return {found_of(name)};
        throw Error(
            ErrorKind::not_found,
            fmt::format("there is no backup {} here, and the API of Dragonfly Cloud lists none", one_line(name, 120)),
            "if it is a backup of the cloud (console, Account > Backups), restore it with -o from=cloud");
    }

    model::Plan plan(Call& call, const model::Request& request, const Peek& peek) override {
        switch (request.verb) {
            case model::Verb::create:
                if (request.keep) return data(call).plan(call, request, peek);
                throw Error(ErrorKind::unsupported, "the API of Dragonfly Cloud makes no backups",
                            fmt::format("in its console: the data store's menu, backups, manual; or keep one yourself: "
                                        "`vbackup create dragonfly-cloud://{} --to STORE`",
                                        api_.id()));
            case model::Verb::restore:
                if (request.manifest->kept) return data(call).plan(call, request, peek);
                return plan_restore(call, request);
            case model::Verb::remove:
                throw Error(ErrorKind::unsupported, "the API of Dragonfly Cloud deletes no backups",
                            "in its console: Account > Backups, the backup's menu, Delete");
            case model::Verb::download:
                throw Error(
                    ErrorKind::unsupported, "the API of Dragonfly Cloud reads no backups",
                    fmt::format("`vbackup create dragonfly-cloud://{} --to STORE` brings all keys home", api_.id()));
            case model::Verb::cancel:
                break;
        }
        throw Error(ErrorKind::unsupported, "the API of Dragonfly Cloud ends no restore under way", "let it finish");
    }

    std::optional<model::Outcome> done(Call& call, const model::Step& step) override {
        const auto note = parse_note(step.details);
        if (note.action.empty()) return data(call).done(call, step);
        const auto store = api_.get(call);
        if (note.action == policy_action)
            return store.policy == parse_policy(note.policy) ? std::optional(model::Outcome{}) : std::nullopt;
        const bool taken = store.restored == note.backup && (note.before != note.backup || store.status != "active");
        return taken ? std::optional(model::Outcome{.job = job_of(note, store)}) : std::nullopt;
    }

    model::Outcome run(Call& call, const model::Step& step, io::Source* source) override {
        const auto note = parse_note(step.details);
        if (note.action.empty()) return data(call).run(call, step, source);
        if (note.action == policy_action) return set_policy(call, parse_policy(note.policy));
        const auto after = api_.change(
            call, [&](const Datastore& store) { return with_restore(store.config, note.backup); },
            fmt::format("restore the backup {}", note.backup));
        return {.job = job_of(note, after)};
    }

    model::Seen observe(Call& call, const model::JobRef& job, Milliseconds patience) override {
        const auto note = parse_note(job.details);
        if (note.action.empty()) return data(call).observe(call, job, patience);
        const auto store = api_.get(call, false);
        if (note.was_loaded && !note.begun) return look_for_beginning(note, store);
        model::Seen seen{.phase = phase_of_restore(store, note.backup), .said = store.status};
        seen.mark = store.status;
        if (seen.phase == Phase::gone) seen.why = fmt::format("the data store now names {} instead", store.restored);
        if (seen.phase == Phase::running && store.status == "active") seen.said = "active, not loaded yet";
        return seen;
    }

    model::Seen settled(Call& call, const model::Step& step) override { return data(call).settled(call, step); }

    Files files(Call& call, const model::JobRef& job, const Peek& peek) override {
        if (parse_note(job.details).action.empty()) return data(call).files(call, job, peek);
        throw Error(ErrorKind::unsupported, "the API of Dragonfly Cloud reads no backups",
                    "`vbackup create --to STORE` brings all keys home");
    }

    model::Format format(const std::string&) const override { return model::Format::unknown; }

    std::unique_ptr<io::Source> open(Call& call, const model::File& file, std::uint64_t offset) override {
        return data(call).open(call, file, offset);
    }

    model::Proof prove(Call& call, const model::Manifest& manifest, const model::Request& request) override {
        if (manifest.kept) return data(call).prove(call, manifest, request);
        const auto store = api_.get(call);
        const bool good = phase_of_restore(store, request.id) == Phase::succeeded;
        return {{{fmt::format("the data store is {}, and says of backup {} that it is {}", store.status, store.restored,
                              store.loaded ? "loaded" : "not loaded"),
                  good}}};
    }

    Schedules* schedules() override { return &schedules_; }

private:
    // The driver of the data itself, opened once: it remembers what it has read.
    Driver& data(Call& call) { return data(call, std::nullopt); }
    Driver& data(Call& call, std::optional<Datastore> store) {
        const std::scoped_lock lock(mutex_);
        if (data_) return *data_;
        if (!store) store = api_.get(call);
        if (store->status != "active")
            throw Error(ErrorKind::busy, fmt::format("the data store {} is {}", api_.id(), store->status),
                        "wait until it is active");
        if (store->address.empty())
            throw Error(ErrorKind::not_understood,
                        fmt::format("the API tells no address of the data store {}", api_.id()));
        Settings settings;
        settings.name = settings_.name;
        settings.url = fmt::format("{}://{}", store->tls ? "dragonflys" : "dragonfly", store->address);
        settings.user = settings_.user;
        settings.key = store->password;
        settings.connection = settings_.connection;
        settings.trace = settings_.trace;
        data_ = open_dragonfly(std::move(settings));
        return *data_;
    }

    // The data store says of an earlier restore that it is loaded: only what it says otherwise in between tells of this one.
    static model::Seen look_for_beginning(const Note& note, const Datastore& store) {
        model::Seen seen{.phase = Phase::running, .said = store.status + ", not begun yet"};
        if (!shows_restore(store, note.backup, true)) return seen;
        seen.phase = Phase::succeeded;
        seen.next = job_of(note, store);
        return seen;
    }

    static model::JobRef job_of(Note note, const Datastore& store) {
        note.begun = shows_restore(store, note.backup, note.was_loaded);
        return job_of(note);
    }
    static model::JobRef job_of(const Note& note) { return {.name = note.backup, .part = {}, .details = render(note)}; }

    // The one that was restored last, which is all that the API tells of backups.
    model::Found found_of(const Datastore& store) const {
        auto found = found_of(store.restored);
        found.phase = phase_of_restore(store, store.restored);
        found.said = store.loaded ? "restored" : store.status;
        return found;
    }

    model::Found found_of(const std::string& name) const {
        model::Found found;
        found.name = name;
        found.phase = Phase::succeeded;
        found.said = "not looked up";
        found.where = "Dragonfly Cloud";
        found.driver = "dragonfly-cloud";
        found.job = job_of(Note{.action = std::string(restore_action), .backup = name});
        return found;
    }

    model::Plan plan_restore(Call& call, const model::Request& request) {
        if (!request.scope.all() || !request.renames.empty() || !option(request.options, "match").empty())
            throw Error(ErrorKind::unsupported, "Dragonfly Cloud restores a backup whole", "leave out what chooses");
        const auto store = api_.get(call);
        if (store.status != "active")
            throw Error(ErrorKind::busy, fmt::format("the data store {} is {}", api_.id(), store.status),
                        "wait until it is active");
        if (!request.overwrite)
            throw Error(ErrorKind::conflict, "Dragonfly Cloud clears the data store before it restores a backup",
                        "--overwrite says that this may happen");
        const auto& id = request.manifest->jobs.empty() ? request.id : request.manifest->jobs.front().name;
        model::Plan plan;
        model::Step step{.id = "restore", .destroys = true};
        step.what = fmt::format("have Dragonfly Cloud delete everything in the data store {} ({}) and load backup {}",
                                api_.id(), store.name, id);
        step.details = render(Note{
            .action = std::string(restore_action), .backup = id, .before = store.restored, .was_loaded = store.loaded});
        plan.steps.push_back(std::move(step));
        if (store.cluster)
            plan.notes.emplace_back(
                "a backup of several shards needs a data store with as many, and its slots replace those here");
        return plan;
    }

    model::Outcome set_policy(Call& call, const Policy& policy) {
        constexpr std::string_view what = "set the backup policy";
        api_.change(
            call, [&](const Datastore& store) { return with_policy(store.config, policy); }, what);
        if (api_.get(call).policy == policy) return {};
        throw Error(ErrorKind::not_understood, "the API took the backup policy and shows another one",
                    "look at the data store's schedule in the console");
    }

    Api api_;
    CloudSchedules schedules_{api_};
    Settings settings_;
    std::mutex mutex_;
    std::unique_ptr<Driver> data_;
};

std::unique_ptr<Driver> open_cloud(Settings settings) {
    const auto url = parse_url(settings.url);
    if (!url.path.empty() || url.port != 0)
        throw Error(ErrorKind::usage, fmt::format("{} is no address of a data store", settings.url),
                    "write dragonfly-cloud://DATASTORE_ID");
    if (settings.key.empty())
        throw Error(ErrorKind::denied, "Dragonfly Cloud wants an API key",
                    "make one in its console, and give it as api_key_file, api_key_command or api_key_env");
    auto connection = settings.connection;
    connection.base = settings.base_url.empty() ? std::string(vendor) : settings.base_url;
    connection.secrets.emplace_back("Authorization", Secret("Bearer " + std::string(settings.key.reveal())));
    return std::make_unique<DragonflyCloud>(std::move(connection), std::move(settings), url.host);
}

constexpr std::array<std::string_view, 1> all_schemes{"dragonfly-cloud"};

}  // namespace

const Entry& dragonfly_cloud_entry() {
    static const Entry entry{"dragonfly-cloud", "Dragonfly Cloud", all_abilities, all_options,
                             open_cloud,        nullptr,           all_schemes};
    return entry;
}

}  // namespace vbackup::driver
