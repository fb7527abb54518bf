// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant_k8s/qdrant_k8s.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "driver/qdrant_k8s/plans.hpp"
#include "driver/qdrant_k8s/schedules.hpp"
#include "model/shallow.hpp"

namespace vbackup::driver {

namespace {

using namespace qdrant_k8s;
using model::Phase;
using model::Seen;

// How long an API server may take to know its roles after it has started.
constexpr Seconds longest_start{60};

// How often an object that changes all the time is looked at before it is given up to cancel it.
constexpr int most_looks = 5;

constexpr std::string_view product = "Qdrant Private Cloud";

Seen gone(std::string why, Phase phase = Phase::gone) {
    Seen seen;
    seen.phase = phase;
    seen.said = "deleted";
    seen.why = std::move(why);
    return seen;
}

model::Found found_of(const Snapshot& snapshot) {
    const auto seen = seen_of(snapshot);
    model::Found found;
    found.id = snapshot.meta.our_id;
    found.name = snapshot.meta.name;
    found.managed = !found.id.empty();
    found.phase = seen.phase;
    found.said = seen.said;
    found.why = seen.why;
    found.started = snapshot.meta.created;
    if (found.started && snapshot.took) found.completed = later(*found.started, *snapshot.took);
    found.expires = snapshot.retain_until;
    found.schedule = snapshot.schedule;
    found.where = seen.where;
    found.driver = "qdrant-k8s";
    found.job = to_ref(
        {.kind = Kind::snapshot, .space = snapshot.meta.space, .name = snapshot.meta.name, .uid = snapshot.meta.uid});
    return found;
}

Job job_of(const Restore& restore) {
    return {.kind = Kind::restore,
            .space = restore.meta.space,
            .name = restore.meta.name,
            .uid = restore.meta.uid,
            .cluster = restore.destination,
            .cluster_space = restore.destination_space};
}

Job job_of(const Cluster& cluster) {
    return {.kind = Kind::cluster, .space = cluster.meta.space, .name = cluster.meta.name, .uid = cluster.meta.uid};
}

model::Found found_as(Kind kind, const Meta& meta, const Seen& seen, const Job& job) {
    model::Found found;
    found.name = meta.name;
    found.phase = seen.phase;
    found.said = seen.said;
    found.why = seen.why;
    found.started = meta.created;
    found.where = fmt::format("{} {}/{}", words_of(kind).kind, meta.space, meta.name);
    found.driver = "qdrant-k8s";
    found.job = to_ref(job);
    return found;
}

struct Looked {
    Seen seen;
    std::string uid;
};

// What one object's text says about a job.
Looked looked_at(const Job& job, const model::JsonText& text) {
    switch (job.kind) {
        case Kind::snapshot: {
            const auto snapshot = parse_snapshot(text);
            return {seen_of(snapshot), snapshot.meta.uid};
        }
        case Kind::restore: {
            const auto restore = parse_restore(text);
            auto seen = seen_of(restore);
            if (seen.phase == Phase::succeeded)
                seen.next = to_ref({.kind = Kind::cluster, .space = job.cluster_space, .name = job.cluster});
            return {seen, restore.meta.uid};
        }
        case Kind::cluster: {
            const auto cluster = parse_cluster(text);
            return {seen_of(cluster), cluster.meta.uid};
        }
        case Kind::schedule:
            break;
    }
    Seen seen{.phase = Phase::succeeded};
    return {seen, parse_scheduled(text).meta.uid};
}

// Of an object that was deleted, which is how this API cancels: nobody who waits for it gets what was asked for.
Seen seen_without(const Job& job, bool waiting) {
    if (job.wanted == Wanted::gone) return gone("", Phase::succeeded);
    if (job.wanted == Wanted::cancelled) return gone("", Phase::cancelled);
    if (job.kind == Kind::cluster) {
        Seen seen{.phase = Phase::running};
        seen.said = "no such cluster yet";
        return seen;
    }
    const auto what = fmt::format("{} {}/{} is not there any more", words_of(job.kind).kind, job.space, job.name);
    return gone(what, waiting && !job.uid.empty() ? Phase::cancelled : Phase::gone);
}

Seen seen_with(const Job& job, const model::JsonText& text, bool waiting) {
    auto looked = looked_at(job, text);
    if (!job.uid.empty() && looked.uid != job.uid) return seen_without(job, waiting);
    if (job.wanted == Wanted::result) return looked.seen;
    Seen seen{.phase = job.wanted == Wanted::gone ? Phase::running : Phase::cancelling};
    seen.said = "being deleted";
    return seen;
}

std::string version_of(const model::JsonText& text) {
    const auto json = nlohmann::json::parse(model::shallow(text), nullptr, false);
    return json.is_object() && json.contains("metadata") ? json["metadata"].value("resourceVersion", "") : "";
}

// It was tried, and will never be a good backup.
bool ended_badly(const Snapshot& snapshot) {
    return snapshot.phase == "Failed" || snapshot.phase == "Skipped" || snapshot.meta.deleting;
}

class KubeDriver : public Driver {
public:
    explicit KubeDriver(Settings settings)
        : address_(parse_address(settings.url)),
          kube_(net::find_kube_access(wish_of(settings), settings.environment), settings.connection,
                settings.environment, settings.trace),
          routes_(kube_),
          target_(routes_, address_),
          schedules_(target_) {}

    std::string address() const override { return address_of(address_.cluster); }

    model::Inspection inspect(Call& call, const model::Scope& scope) override {
        require_whole(scope);
        model::Inspection now;
        now.product = product;
        if (!target_.names_cluster()) {
            now.ready = true;
            now.obstacles.push_back(
                fmt::format("qdrant-k8s://{0} names no cluster: write qdrant-k8s://{0}/CLUSTER", address_.space));
            return now;
        }
        note_cluster(target_.cluster(call), now);
        return now;
    }

    std::vector<model::Found> list(Call& call, const model::Options& options) override {
        const auto& name = value(options, "name");
        const auto& elsewhere = value(options, "from-namespace");
        const auto& space = elsewhere.empty() ? target_.space() : elsewhere;
        if (!name.empty()) return named(call, space, name);
        std::vector<model::Found> all;
        for (const auto& snapshot : target_.snapshots(call, space, elsewhere.empty() ? target_.cluster_id(call) : ""))
            all.push_back(found_of(snapshot));
        return all;
    }

    model::Plan plan(Call& call, const model::Request& request, const Peek&) override {
        require_whole(request.scope);
        switch (request.verb) {
            case model::Verb::create:
                return plan_create(call, target_, request);
            case model::Verb::restore:
                return plan_restore(call, target_, request);
            case model::Verb::remove:
                return plan_remove(call, target_, request);
            case model::Verb::cancel:
                return plan_cancel(call, target_, request);
            case model::Verb::download:
                break;
        }
        throw Error(ErrorKind::unsupported, "CSI volume snapshots cannot be downloaded",
                    "only the storage of the Kubernetes cluster can read them");
    }

    std::optional<model::Outcome> done(Call& call, const model::Step& step) override {
        const auto data = parse_step(step);
        const auto text = routes_.read(call, data.job.kind, data.job.space, data.job.name);
        if (data.method == "DELETE") {
            if (text && looked_at(data.job, *text).uid == data.job.uid && !is_deleting(*text)) return std::nullopt;
            return model::Outcome{.job = to_ref(data.job), .secret = {}};
        }
        if (data.job.kind == Kind::schedule)
            return text && holds(*text, data.body) ? std::optional(model::Outcome{}) : std::nullopt;
        return made(call, data, text);
    }

    model::Outcome run(Call& call, const model::Step& step, io::Source*) override {
        const auto data = parse_step(step);
        const auto& job = data.job;
        if (data.method == "DELETE") {
            if (job.wanted == Wanted::cancelled) {
                cancel(call, job);
            } else {
                routes_.remove(call, job.kind, job.space, job.name, job.uid);
            }
            return {.job = to_ref(job), .secret = {}};
        }
        if (data.method == "PATCH") {
            routes_.patch(call, job.kind, job.space, job.name, data.body);
            return {};
        }
        return create(call, data);
    }

    // One read, and then a watch from just there on for as long as there is patience: so nothing is missed between two looks, and
    // what ends a watch (410, a closed line, a server that starts again) costs no more than the next read.
    Seen observe(Call& call, const model::JobRef& ref, Milliseconds patience) override {
        const auto job = to_job(ref);
        const bool waiting = patience > Milliseconds{0};
        const auto text = look(call, job);
        auto seen = text ? seen_with(job, *text, waiting) : seen_without(job, waiting);
        if (text && waiting && !model::is_final(seen.phase) && may_watch_)
            watch(call, job, version_of(*text), patience, seen);
        if (job.kind == Kind::snapshot && job.wanted == Wanted::result && seen.phase == Phase::succeeded && !seen.total)
            call.tally.warn(fmt::format(
                "{} lists no volume snapshots: that they are ready is the operator's word alone", seen.where));
        return seen;
    }

    Seen settled(Call&, const model::Step& step) override {
        throw Error(ErrorKind::failed, fmt::format("there is nothing to wait for in the step {}", step.id));
    }

    // Nothing that a store could open.
    Files files(Call&, const model::JobRef&, const Peek&) override { return {}; }
    model::Format format(const std::string&) const override { return model::Format::unknown; }
    std::unique_ptr<io::Source> open(Call&, const model::File& file, std::uint64_t) override {
        throw Error(ErrorKind::unsupported,
                    fmt::format("{} is a CSI volume snapshot, which cannot be read", file.name));
    }

    model::Proof prove(Call& call, const model::Manifest& manifest, const model::Request& request) override {
        const auto& fresh = value(request.options, "new-cluster");
        const auto cluster = fresh.empty() ? target_.cluster(call) : require_cluster(call, fresh);
        const auto seen = seen_of(cluster);
        model::Proof proof;
        proof.findings.push_back({fmt::format("cluster {}/{}: {}", cluster.meta.space, cluster.meta.name, seen.said),
                                  seen.phase == Phase::succeeded});
        const bool same = manifest.target_url == address() || manifest.target_url == other_address(cluster);
        if (!fresh.empty() || !same) return proof;
        if (!manifest.server_version.empty())
            proof.findings.push_back(compared("version", cluster.version, manifest.server_version));
        if (!manifest.nodes.empty())
            proof.findings.push_back(
                compared("nodes", std::to_string(cluster.size), std::to_string(manifest.nodes.size())));
        return proof;
    }

    Schedules* schedules() override { return &schedules_; }

private:
    static model::Finding compared(std::string_view what, const std::string& now, const std::string& before) {
        if (now == before) return {fmt::format("{} {}, as in the backup", what, now), true};
        return {fmt::format("{} {} instead of {}", what, now, before), false};
    }

    std::string address_of(const std::string& cluster) const {
        return fmt::format("qdrant-k8s://{}{}{} on {}", address_.space, cluster.empty() ? "" : "/", cluster,
                           kube_.server());
    }

    // The same cluster by its object's name, or by its id for who named the object: a target is locked, and its backups are
    // known, whichever of the two a person writes.
    std::string other_address(const Cluster& cluster) const {
        const auto& other = address_.cluster == cluster.meta.name ? cluster.id : cluster.meta.name;
        return other.empty() ? "" : address_of(other);
    }

    void note_cluster(const Cluster& cluster, model::Inspection& now) const {
        const auto seen = seen_of(cluster);
        now.version = cluster.version;
        now.ready = seen.phase == Phase::succeeded;
        for (const auto& [index, there] : nodes_of(cluster, now.ready)) {
            now.nodes.push_back({.name = fmt::format("{}-{}", cluster.meta.name, index),
                                 .version = cluster.version,
                                 .healthy = there,
                                 .state = there ? "available" : "not available"});
        }
        if (!now.nodes.empty()) now.nodes.front().address = other_address(cluster);
        const auto state = fmt::format("the cluster is {}{}{}", seen.said, seen.why.empty() ? "" : ": ", seen.why);
        // There is nothing yet to take a snapshot of.
        if (cluster.phase.empty() || cluster.phase == "Creating" || cluster.phase == "FailedToCreate") {
            now.obstacles.push_back(state);
        } else if (!now.ready) {
            now.warnings.push_back(state);
        }
    }

    // A backup, failing that a restore, failing that a cluster: what `status` is asked for by name.
    std::vector<model::Found> named(Call& call, const std::string& space, const std::string& name) {
        if (const auto snapshot = target_.find_snapshot(call, space, name)) {
            auto found = found_of(*snapshot);
            found.name = name;
            return {found};
        }
        if (const auto text = routes_.read(call, Kind::restore, space, name)) {
            const auto restore = parse_restore(*text);
            return {found_as(Kind::restore, restore.meta, seen_of(restore), job_of(restore))};
        }
        if (const auto cluster = target_.find_cluster(call, space, name)) {
            auto found = found_as(Kind::cluster, cluster->meta, seen_of(*cluster), job_of(*cluster));
            found.name = name;
            return {found};
        }
        return {};
    }

    Cluster require_cluster(Call& call, const std::string& name) {
        if (auto found = target_.find_cluster(call, target_.space(), name)) return *std::move(found);
        throw Error(ErrorKind::not_found,
                    fmt::format("there is no QdrantCluster {} in the namespace {}", name, target_.space()));
    }

    static bool is_deleting(const model::JsonText& text) {
        return nlohmann::json::parse(model::shallow(text)).at("metadata").contains("deletionTimestamp");
    }

    // Does the schedule that is there say what the body says?
    static bool holds(const model::JsonText& text, const model::JsonText& body) {
        const auto now = parse_scheduled(text);
        const auto spec = nlohmann::json::parse(model::shallow(body)).at("spec");
        return now.cron == spec.value("schedule", "") && now.retention == spec.value("retention", "");
    }

    static Job job_with(Job job, const model::JsonText& text) {
        const auto json = nlohmann::json::parse(model::shallow(text), nullptr, false);
        if (!json.is_object() || !json.contains("metadata") || !json["metadata"].is_object())
            throw Error(ErrorKind::not_understood, "the API server took the object, and its answer makes no sense",
                        "`vbackup status` shows whether it is there");
        job.uid = json["metadata"].value("uid", "");
        job.name = json["metadata"].value("name", job.name);
        return job;
    }

    // Deletes what is still at work, and never what has ended meanwhile: the server is told which state of it was looked at, and
    // refuses when there is a newer one.
    void cancel(Call& call, const Job& job) {
        for (int looks = 1;; ++looks) {
            const auto text = routes_.read(call, job.kind, job.space, job.name);
            if (!text) return;
            const auto now = looked_at(job, *text);
            if ((!job.uid.empty() && now.uid != job.uid) || is_deleting(*text)) return;
            if (model::is_final(now.seen.phase)) throw_ended(job, now.seen);
            try {
                routes_.remove(call, job.kind, job.space, job.name, job.uid, version_of(*text));
                return;
            } catch (const Error& error) {
                if (error.kind() != ErrorKind::conflict || looks == most_looks) throw;
                call.require_time();
            }
        }
    }

    // A name that is taken may be taken by ourselves: a server that gave up on its answer can have made the object all the same.
    // A second try after one that ended badly meets the object of the first, which the operator keeps for three days.
    model::Outcome create(Call& call, const StepData& data) {
        const auto& job = data.job;
        const auto sent = [&](const model::JsonText& body) -> model::Outcome {
            const auto text = routes_.create(call, job.kind, job.space, body);
            if (job.kind == Kind::schedule) return {};
            return {.job = to_ref(job_with(job, text)), .secret = {}};
        };
        try {
            return sent(data.body);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::conflict || job.kind == Kind::schedule) throw;
            const auto there = routes_.read(call, job.kind, job.space, job.name);
            if (auto outcome = made(call, data, there)) return *outcome;
            if (!there || job.kind != Kind::snapshot || parse_snapshot(*there).meta.our_id != data.id) throw;
            const auto seconds = std::chrono::floor<Seconds>(call.clock.wall()).time_since_epoch().count();
            const auto name = snapshot_name(parse_snapshot(*there).cluster_id, seconds);
            return sent(renamed(data.body, name, seconds));
        }
    }

    // Was this POST taken? Under its own name, or, when what has that ended badly, under the one of a second try.
    std::optional<model::Outcome> made(Call& call, const StepData& data, const std::optional<model::JsonText>& text) {
        const auto& job = data.job;
        if (!text) return std::nullopt;
        if (job.kind == Kind::restore) {
            const auto restore = parse_restore(*text);
            if (restore.meta.our_id != data.id || restore.meta.deleting) return std::nullopt;
            return model::Outcome{.job = to_ref(job_with(job, *text)), .secret = {}};
        }
        const auto first = parse_snapshot(*text);
        if (first.meta.our_id != data.id) return std::nullopt;
        if (!ended_badly(first)) return model::Outcome{.job = to_ref(job_with(job, *text)), .secret = {}};
        for (const auto& one : others(call, job.space, first.cluster_id)) {
            if (one.meta.our_id != data.id || ended_badly(one) || one.meta.created < first.meta.created) continue;
            auto found = job;
            found.name = one.meta.name;
            found.uid = one.meta.uid;
            return model::Outcome{.job = to_ref(found), .secret = {}};
        }
        return std::nullopt;
    }

    // A small role may create and not list: then nothing is known of others.
    std::vector<Snapshot> others(Call& call, const std::string& space, const std::string& cluster_id) {
        try {
            return target_.snapshots(call, space, cluster_id);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::denied) throw;
            return {};
        }
    }

    // An API server that has just started refuses for some seconds what its roles allow, and does not know its kinds, since it has
    // yet to read both. Whoever was allowed to look before is told that it is busy, for a while.
    std::optional<model::JsonText> look(Call& call, const Job& job) {
        try {
            auto text = routes_.read(call, job.kind, job.space, job.name, true);
            const std::scoped_lock lock(mutex_);
            allowed_ = true;
            refused_since_.reset();
            return text;
        } catch (const Error& error) {
            const std::scoped_lock lock(mutex_);
            const auto now = call.clock.now();
            const bool strange = error.kind() == ErrorKind::denied || error.kind() == ErrorKind::unsupported;
            if (!strange || !allowed_) throw;
            if (!refused_since_) refused_since_ = now;
            if (now - *refused_since_ > longest_start) throw;
            throw Error(ErrorKind::busy, error.message(), error.hint(), error.context());
        }
    }

    void watch(Call& call, const Job& job, const std::string& version, Milliseconds patience, Seen& seen) {
        const auto take = [&](const Event& event) {
            if (event.type == "BOOKMARK") return true;
            if (event.type == "DELETED") {
                seen = seen_without(job, true);
                return false;
            }
            if (event.type != "ADDED" && event.type != "MODIFIED") return false;
            auto now = seen_with(job, event.object, true);
            const bool same = now.phase == seen.phase && now.said == seen.said;
            seen = std::move(now);
            return same;
        };
        try {
            if (routes_.watch(call, job.kind, job.space, job.name, version, patience, take)) watched_ = true;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::denied) throw;
            // It was allowed before: the API server has just started.
            if (watched_) return;
            may_watch_ = false;
            call.tally.warn(error.message() + "; asking from time to time instead");
        }
    }

    const Address address_;
    net::Kube kube_;
    Routes routes_;
    Target target_;
    KubeSchedules schedules_;
    std::atomic<bool> may_watch_{true}, watched_{false};
    std::mutex mutex_;
    bool allowed_ = false;                  // a look was good
    std::optional<Instant> refused_since_;  // and then one was not
};

std::unique_ptr<Driver> open_kube(Settings settings) {
    return std::make_unique<KubeDriver>(std::move(settings));
}

constexpr std::string_view no_bytes =
    "backups are CSI snapshots of the cluster's volumes: only the storage of the Kubernetes cluster can read them";

constexpr std::array abilities = {
    Ability{"create", Support::full, ""},
    Ability{"list", Support::full, ""},
    Ability{"status", Support::full, ""},
    Ability{"wait", Support::full, ""},
    Ability{"check", Support::full, ""},
    Ability{"cancel", Support::part, "deletes the object at work, since there is no other way to end it"},
    Ability{"download", Support::none, no_bytes},
    Ability{"restore", Support::part, "the whole cluster, in place or as a new one; proves its health, not its data"},
    Ability{"delete", Support::full, ""},
    Ability{"verify", Support::none, no_bytes},
    Ability{"schedule", Support::full, ""},
};

constexpr std::array<Option, 4> options = {{
    {"kubeconfig", "PATH", "create list status wait check cancel restore delete prune schedule",
     "the kubeconfig, instead of KUBECONFIG, ~/.kube/config or the service account of a pod", ""},
    {"context", "NAME", "create list status wait check cancel restore delete prune schedule",
     "the context in it, instead of the current one", ""},
    {"from-namespace", "NAME", "list status restore", "look for backups in that namespace instead of the target's", ""},
    {"new-cluster", "NAME", "restore", "make a new cluster of that name instead of putting the target's back", ""},
}};

constexpr std::array<std::string_view, 1> schemes = {"qdrant-k8s"};

}  // namespace

const Entry& qdrant_k8s_entry() {
    static const Entry entry{.name = "qdrant-k8s",
                             .product = product,
                             .abilities = abilities,
                             .options = options,
                             .open = open_kube,
                             .recognise = nullptr,
                             .schemes = schemes,
                             .left_with_server = true};
    return entry;
}

}  // namespace vbackup::driver
