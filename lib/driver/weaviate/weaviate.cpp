// SPDX-License-Identifier: Apache-2.0
#include "driver/weaviate/weaviate.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <mutex>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "driver/weaviate/census.hpp"
#include "driver/weaviate/options.hpp"
#include "driver/weaviate/plans.hpp"
#include "driver/weaviate/prove.hpp"
#include "driver/weaviate/requests.hpp"

namespace vbackup::driver {

namespace {

using namespace weaviate;

net::Connection connection_of(const Settings& settings) {
    auto connection = settings.connection;
    connection.base = settings.url;
    if (!settings.key.empty())
        connection.secrets.emplace_back("Authorization", Secret("Bearer " + std::string(settings.key.reveal())));
    return connection;
}

// The command line's options over those of the configuration, as far as they belong to the verb.
model::Options merged(const model::Options& given, const model::Options& configured, std::string_view verb) {
    auto all = given;
    for (const auto& row : weaviate::options()) {
        const bool belongs = fmt::format(" {} ", row.verbs).find(fmt::format(" {} ", verb)) != std::string::npos;
        const auto& from_file = value(configured, row.name);
        if (belongs && !from_file.empty()) all.emplace(std::string(row.name), from_file);
    }
    return all;
}

bool is_pattern(const std::string& name) {
    return name.find_first_of("*?") != std::string::npos;
}

// Those in scope; a name that is no pattern and does not exist is an error.
std::vector<model::Collection> in_scope(std::vector<model::Collection> all, const model::Scope& scope,
                                        const Aliases& aliases) {
    for (const auto& name : scope.include) {
        const bool there = std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
        if (there || is_pattern(name)) continue;
        const auto alias =
            std::find_if(aliases.begin(), aliases.end(), [&](const auto& one) { return one.first == name; });
        throw Error(ErrorKind::not_found, fmt::format("there is no collection {}", one_line(name, 120)),
                    alias == aliases.end()
                        ? "names of collections begin with a capital letter; `vbackup check` lists them"
                        : fmt::format("it is an alias of {}", alias->second));
    }
    std::erase_if(all, [&](const auto& one) { return !scope.matches(one.name); });
    return all;
}

void add_aliases(const Aliases& aliases, std::vector<model::Collection>& collections) {
    for (const auto& [alias, target] : aliases) {
        for (auto& collection : collections) {
            if (collection.name == target) collection.aliases.push_back(alias);
        }
    }
}

model::Found found_of(const Status& status, const Server& server, const Place& place) {
    Job job{.id = status.id,
            .work = Work::backup,
            .place = place,
            .location = {},
            .started = status.started,
            .collections = status.collections};
    if (!status.path.empty()) {
        job.location = location_of(status.path);
    } else if (place.path.empty() && place.bucket.empty()) {
        for (const auto& backend : server.backends) {
            if (backend.name == place.backend && !backend.root.empty()) job.location = backend.root + "/" + status.id;
        }
    }
    model::Found found;
    found.name = status.id;
    found.phase = phase_of(status.word);
    found.said = status.word;
    found.why = one_line(status.why);
    found.started = status.started;
    found.completed = status.completed;
    found.size = status.size;
    found.collections = status.collections;
    found.where = job.location.empty() ? place.backend : job.location;
    found.driver = "weaviate";
    found.job = to_ref(job);
    return found;
}

model::Seen seen_of(const Job& job, const Status& status) {
    model::Seen seen;
    seen.phase = phase_of(status.word);
    seen.said = status.word;
    seen.why = one_line(status.why);
    seen.where = location_of(status.path);
    if (job.work == Work::restore) return seen;
    if (seen.phase == model::Phase::succeeded && status.without_end) {
        // The two contradict each other, so neither is believed.
        seen.phase = model::Phase::unknown;
        seen.said += " without a time of completion";
    }
    if (seen.phase == model::Phase::succeeded) seen.done = seen.total = status.size;
    return seen;
}

// What must be there after a restore. Of a backup that says nothing about itself it is what the restore was asked for; when
// that was seen by another process, what the target has in scope; what was named in any case.
std::vector<model::CollectionEntry> expected(const model::Manifest& manifest, const model::Scope& scope,
                                             const std::vector<std::string>& restored,
                                             const std::vector<model::Collection>& here) {
    auto entries = manifest.collections;
    std::erase_if(entries, [&](const auto& entry) { return !scope.matches(entry.before.name); });
    if (manifest.state == "unproven") {
        // Configuration and tenants are those of the day when vbackup took the backup over, not of the backup.
        for (auto& entry : entries) {
            entry.before.config.clear();
            entry.before.details.clear();
        }
    }
    if (!manifest.collections.empty()) return entries;
    std::set<std::string> names(restored.begin(), restored.end());
    if (restored.empty()) {
        for (const auto& one : here) names.insert(one.name);
    }
    std::copy_if(scope.include.begin(), scope.include.end(), std::inserter(names, names.end()),
                 [](const auto& name) { return !is_pattern(name); });
    for (const auto& name : names) {
        model::CollectionEntry entry;
        entry.before.name = name;
        entries.push_back(entry);
    }
    return entries;
}

class WeaviateDriver : public Driver {
public:
    explicit WeaviateDriver(Settings settings)
        : configured_(std::move(settings.options)),
          http_(connection_of(settings), std::move(settings.trace)),
          routes_(http_) {}

    model::Inspection inspect(Call& call, const model::Scope& scope) override {
        require_one_sided(scope);
        const auto server = routes_.server(call);
        const auto aliases = has(server.version, Feature::aliases) ? routes_.aliases(call) : Aliases{};
        model::Inspection now;
        now.product = "Weaviate";
        now.version = server.text;
        now.ready = true;
        note_nodes(routes_.nodes(call), now);
        note_modules(server, now);
        now.collections = in_scope(routes_.schema(call), scope, aliases);
        add_aliases(aliases, now.collections);
        take_census(call, routes_, scope.counts, now.collections, now.warnings);
        return now;
    }

    std::vector<model::Found> list(Call& call, const model::Options& given) override {
        const auto options = merged(given, configured_, "list");
        check_values(options);
        const auto server = routes_.server(call);
        check_version(server.version, options);
        std::vector<model::Found> all;
        for (const auto& backend : server.backends) {
            if (is_set(options, "backend") && value(options, "backend") != backend.name) continue;
            const Place place{backend.name, value(options, "bucket"), value(options, "path"), {}};
            auto some = list_place(call, server, place, options);
            std::move(some.begin(), some.end(), std::back_inserter(all));
        }
        if (is_set(options, "backend")) choose_place(server, options);
        return all;
    }

    model::Plan plan(Call& call, const model::Request& request, const Peek& peek) override {
        constexpr std::array<std::string_view, 5> verbs = {"create", "download", "restore", "delete", "cancel"};
        require_one_sided(request.scope);
        const auto verb = verbs.at(static_cast<std::size_t>(request.verb));
        const Planning planning{call, routes_, request, merged(request.options, configured_, verb), configured_, peek};
        check_values(planning.options);
        switch (request.verb) {
            case model::Verb::create:
                return plan_create(planning, request.inspection ? *request.inspection : inspect(call, request.scope));
            case model::Verb::restore:
                return plan_restore(planning);
            case model::Verb::download:
                return plan_download(planning);
            case model::Verb::remove:
                return plan_remove(planning);
            case model::Verb::cancel:
                return plan_cancel(planning);
        }
        throw Error(ErrorKind::unsupported, "Weaviate cannot do that");
    }

    std::optional<model::Outcome> done(Call& call, const model::Step& step) override {
        if (step.kind != model::StepKind::change) return std::nullopt;
        auto data = parse_step(step);
        if (is_delete(data)) return exist(call, data.collections) ? std::nullopt : std::optional(model::Outcome{});
        const auto status = routes_.status(call, data.job);
        if (!status) return std::nullopt;
        const bool taken = data.method == "DELETE" ? phase_of(status->word) == model::Phase::cancelling ||
                                                         phase_of(status->word) == model::Phase::cancelled
                           : data.job.work == Work::backup ? true
                                                           : is_our_restore(call, data, *status);
        if (!taken) return std::nullopt;
        if (!status->path.empty()) data.job.location = location_of(status->path);
        if (data.method == "POST") data.job.started = status->started;
        return model::Outcome{.job = to_ref(data.job), .secret = {}};
    }

    model::Outcome run(Call& call, const model::Step& step, io::Source*) override {
        auto data = parse_step(step);
        if (is_delete(data)) {
            routes_.delete_collection(call, data.collections.front());
            return {};
        }
        if (data.method == "DELETE") {
            routes_.cancel(call, data.job);
            return {.job = to_ref(data.job), .secret = {}};
        }
        const auto taken = routes_.begin(call, data);
        auto asked = data.collections;
        std::sort(asked.begin(), asked.end());
        if (asked != taken.collections)
            throw Error(ErrorKind::not_understood,
                        fmt::format("Weaviate began {} with other collections than asked: {}", data.job.id,
                                    fmt::join(taken.collections, ", ")),
                        "cancel it, and look whether another program uses the same id", {{"job", data.job.id}});
        data.job.location = location_of(taken.path);
        if (data.job.work == Work::backup) data.job.started = start_of(call, data.job);
        return {.job = to_ref(data.job), .secret = {}};
    }

    model::Seen observe(Call& call, const model::JobRef& ref, Milliseconds) override {
        const auto job = to_job(ref);
        const auto status = routes_.status(call, job, true);
        if (!status) return gone("the server does not know it");
        if (job.work == Work::backup && !same_start(job.started, status->started))
            return gone(fmt::format("another backup of this name began at {}", format_time(*status->started)));
        if (job.work == Work::restore) {
            const std::scoped_lock lock(mutex_);
            restored_[job.id] = job.collections;
        }
        return seen_of(job, *status);
    }

    // The only state waited for: files of ours that were placed are seen by the server as its backup.
    model::Seen settled(Call& call, const model::Step& step) override {
        const auto job = parse_step(step).job;
        const auto status = routes_.status(call, job, true);
        return status
                   ? seen_of(job, *status)
                   : gone(fmt::format(
                         "the server does not see what was put at {}: is that directory of this machine the server's?",
                         job.location));
    }

    Files files(Call& call, const model::JobRef& ref, const Peek& peek) override {
        const auto job = to_job(ref);
        const auto status = routes_.status(call, job);
        if (!status || !same_start(job.started, status->started))
            throw Error(ErrorKind::not_found, fmt::format("the server has no such backup {}", job.id));
        if (phase_of(status->word) != model::Phase::succeeded)
            throw Error(ErrorKind::refused,
                        fmt::format("backup {} is {}: its files are not whole", job.id, status->word));
        return {.files = {}, .location = require_folder(job, *status, peek)};
    }

    model::Format format(const std::string& name) const override {
        const auto last = name.substr(name.rfind('/') + 1);
        if (last.starts_with("chunk-")) return model::Format::weaviate_chunk;
        return last.ends_with(".json") ? model::Format::json : model::Format::unknown;
    }

    std::unique_ptr<io::Source> open(Call&, const model::File& file, std::uint64_t) override {
        throw Error(ErrorKind::unsupported, fmt::format("Weaviate offers no download of {}", file.name),
                    "its files are read from the directory or bucket where it keeps them");
    }

    model::Proof prove(Call& call, const model::Manifest& manifest, const model::Request& request) override {
        auto here = routes_.schema(call);
        std::erase_if(here, [&](const auto& one) { return !request.scope.matches(one.name); });
        const auto server = routes_.server(call);
        if (has(server.version, Feature::aliases)) add_aliases(routes_.aliases(call), here);
        std::vector<std::string> warnings;
        take_census(call, routes_, true, here, warnings);
        for (auto& warning : warnings) call.tally.warn(std::move(warning));
        const auto skipped = parse_notes(manifest.driver_data).skipped;
        model::Proof proof;
        for (const auto& entry : expected(manifest, request.scope, restored(manifest), here)) {
            const auto found =
                std::find_if(here.begin(), here.end(), [&](const auto& one) { return one.name == entry.before.name; });
            compare(entry, found == here.end() ? nullptr : &*found, skipped, proof.findings);
        }
        return proof;
    }

private:
    // The names that the restore of this backup was asked for, if it was followed here.
    std::vector<std::string> restored(const model::Manifest& manifest) {
        const std::scoped_lock lock(mutex_);
        const auto found = restored_.find(manifest.jobs.empty() ? manifest.id : manifest.jobs.front().name);
        return found == restored_.end() ? std::vector<std::string>{} : found->second;
    }

    static bool is_delete(const StepData& data) { return data.method == "DELETE" && !data.collections.empty(); }

    static model::Seen gone(std::string why) {
        model::Seen seen;
        seen.phase = model::Phase::gone;
        seen.said = "404";
        seen.why = std::move(why);
        return seen;
    }

    static void note_nodes(const std::vector<NodeState>& states, model::Inspection& now) {
        std::set<std::string> versions;
        for (const auto& [node, mode] : states) {
            now.nodes.push_back(node);
            if (!node.healthy) now.obstacles.push_back(fmt::format("node {} is {}", node.name, node.state));
            // Backups work in every mode, but what is in a database that only takes writes cannot be counted.
            if (mode == "WriteOnly")
                now.obstacles.push_back(
                    fmt::format("node {} is in the mode WriteOnly and answers no reads", node.name));
            else if (!mode.empty() && mode != "ReadWrite")
                now.warnings.push_back(fmt::format("node {} is in the mode {}", node.name, mode));
            if (!node.version.empty()) versions.insert(node.version);
        }
        if (versions.size() > 1)
            now.warnings.push_back(fmt::format("the nodes run different versions: {}", fmt::join(versions, ", ")));
    }

    static void note_modules(const Server& server, model::Inspection& now) {
        if (server.backends.empty()) now.obstacles.emplace_back("no backup module is on (ENABLE_MODULES)");
        const bool only_files = server.backends.size() == 1 && server.backends.front().name == "filesystem";
        if (only_files && now.nodes.size() > 1)
            now.obstacles.emplace_back(
                "only the filesystem module is on, which cannot back up a cluster of more than one node");
        now.details = render_modules(server.backends);
    }

    std::vector<model::Found> list_place(Call& call, const Server& server, const Place& place,
                                         const model::Options& options) {
        const auto& name = value(options, "name");
        const bool elsewhere = !place.path.empty() || !place.bucket.empty();
        std::vector<model::Found> found;
        if (!has(server.version, Feature::list)) {
            if (name.empty())
                call.tally.warn(fmt::format("Weaviate {} cannot list backups (from {} on); one is found by its name",
                                            server.text, since(Feature::list)));
        } else if (elsewhere) {
            if (name.empty())
                call.tally.warn("Weaviate lists only its own bucket and path; a backup elsewhere is found by its name");
        } else {
            for (const auto& status :
                 routes_.list(call, place.backend, has(server.version, Feature::order) ? order_of(options) : ""))
                if (name.empty() || status.id == name) found.push_back(found_of(status, server, place));
        }
        if (name.empty() || !found.empty()) return found;
        // A list leaves out what the key may not see; the status route says so.
        if (const auto status = routes_.status(
                call,
                {.id = name, .work = Work::backup, .place = place, .location = {}, .started = {}, .collections = {}}))
            found.push_back(found_of(*status, server, place));
        return found;
    }

    static std::string order_of(const model::Options& options) {
        return is_set(options, "order") ? value(options, "order") : "desc";
    }

    bool exist(Call& call, const std::vector<std::string>& names) {
        const auto here = routes_.schema(call);
        return std::all_of(names.begin(), names.end(), [&](const auto& name) {
            return std::any_of(here.begin(), here.end(), [&](const auto& one) { return one.name == name; });
        });
    }

    // The status of a restore has no time, so an earlier run's end looks like ours. What tells them apart: ours runs now and
    // none ran when it was planned; or it succeeded and every collection is there, none of which was when the POST was sent;
    // or it ended badly in other words than the earlier one. Files that we placed may bring an old restore's end along, so
    // after placing a bad end proves nothing. In doubt it is sent again, which the server refuses while one runs.
    bool is_our_restore(Call& call, const StepData& data, const Status& status) {
        if (is_active(status.word)) return !is_active(data.word) || routes_.holds(call, data.job);
        if (phase_of(status.word) == model::Phase::succeeded) return exist(call, data.collections);
        return !data.placed && (status.word != data.word || status.why != data.why);
    }

    // Read back after the POST, so that this backup can be told from another of its name. Its absence harms nothing.
    std::optional<Moment> start_of(Call& call, const Job& job) {
        try {
            const auto status = routes_.status(call, job, true);
            return status ? status->started : std::nullopt;
        } catch (const Error&) {
            return std::nullopt;
        }
    }

    model::Options configured_;
    net::Http http_;
    Routes routes_;
    std::mutex mutex_;
    std::map<std::string, std::vector<std::string>> restored_;  // by the backup's id
};

std::unique_ptr<Driver> open_weaviate(Settings settings) {
    return std::make_unique<WeaviateDriver>(std::move(settings));
}

// `hostname` beside `version` is Weaviate's alone. A server that wants a key first refuses in its framework's shape and
// still answers its readiness probe with an empty body.
bool recognise_weaviate(Call& call, const net::Http& http) {
    net::Request request;
    request.path = "/v1/meta";
    const auto meta = http.send(call, request);
    if (is_weaviate_meta(meta)) return true;
    if (!is_weaviate_refusal(meta)) return false;
    request.path = "/v1/.well-known/ready";
    const auto ready = http.send(call, request);
    return ready.status == 200 && ready.body.empty();
}

constexpr std::array abilities = {
    Ability{"create", Support::full, ""},
    Ability{"list", Support::full, ""},
    Ability{"status", Support::full, ""},
    Ability{"wait", Support::full, ""},
    Ability{"check", Support::full, ""},
    Ability{"cancel", Support::full, ""},
    Ability{"download", Support::part,
            "Weaviate has no download: works where vbackup sees the server's backup directory or bucket"},
    Ability{"restore", Support::part, "Weaviate cannot rename collections"},
    Ability{"delete", Support::part,
            "Weaviate has no delete: works where vbackup sees the server's backup directory or bucket"},
    Ability{"verify", Support::part,
            "works for backups in a store, and where vbackup sees the server's backup directory or bucket"},
};

}  // namespace

const Entry& weaviate_entry() {
    static const Entry entry{.name = "weaviate",
                             .product = "Weaviate",
                             .abilities = abilities,
                             .options = weaviate::options(),
                             .open = open_weaviate,
                             .recognise = recognise_weaviate};
    return entry;
}

}  // namespace vbackup::driver
