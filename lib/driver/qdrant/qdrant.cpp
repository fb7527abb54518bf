// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/qdrant.hpp"

#include <nlohmann/json.hpp>

#include <fmt/format.h>
#include <algorithm>

#include "driver/qdrant/census.hpp"
#include "driver/qdrant/increment.hpp"
#include "driver/qdrant/layers.hpp"
#include "driver/qdrant/options.hpp"
#include "driver/qdrant/restore.hpp"
#include "model/shallow.hpp"

namespace vbackup::driver {

namespace {

using namespace qdrant;

class Qdrant : public Driver, public Increments {
public:
    Qdrant(net::Connection connection, Settings settings)
        : nodes_(std::move(connection), std::move(settings.trace), std::move(settings.nodes)),
          key_(std::move(settings.key)),
          zstd_(compresses(settings.options)) {}

    model::Inspection inspect(Call& call, const model::Scope& scope) override {
        return qdrant::inspect(call, nodes_, scope);
    }

    std::vector<model::Found> list(Call& call, const model::Options&) override { return qdrant::list(call, nodes_); }

    model::Plan plan(Call& call, const model::Request& request, const Peek&) override {
        switch (request.verb) {
            case model::Verb::create:
                return plan_create(call, nodes_, request);
            case model::Verb::download:
                return plan_download(request);
            case model::Verb::restore:
                return plan_restore(call, nodes_, request);
            case model::Verb::remove:
                return plan_remove(request);
            case model::Verb::cancel:
                break;
        }
        throw Error(ErrorKind::unsupported, "Qdrant cannot end a snapshot or a recovery under way",
                    "let it finish; `vbackup list` then shows the snapshot, and `vbackup delete` removes it");
    }

    std::optional<model::Outcome> done(Call& call, const model::Step& step) override {
        const auto note = parse_note(step.details);
        if (note.action == action::snapshot) return snapshot_taken(call, nodes_, memory_, note);
        if (note.action != action::forget) return restore_step_done(call, nodes_, step);
        return is_forgotten(call, nodes_, memory_, step) ? std::optional(model::Outcome{}) : std::nullopt;
    }

    model::Outcome run(Call& call, const model::Step& step, io::Source* source) override {
        const auto note = parse_note(step.details);
        if (note.action == action::snapshot) return make_snapshot(call, nodes_, memory_, note);
        if (note.action == action::forget) return forget(call, nodes_, memory_, step);
        return run_restore_step(call, nodes_, key_, step, source);
    }

    model::Seen observe(Call& call, const model::JobRef& job, Milliseconds) override {
        const auto note = parse_note(job.details);
        if (note.action == action::snapshot) return observe_snapshot(call, nodes_, memory_, note);
        return observe_recovery(call, nodes_, memory_, note);
    }

    model::Seen settled(Call& call, const model::Step& step) override {
        return qdrant::settled(call, nodes_, memory_, step);
    }

    Files files(Call& call, const model::JobRef& job, const Peek&) override {
        const auto note = parse_note(job.details);
        return note.action == action::partial ? partial_files(note) : qdrant::files(call, nodes_, memory_, note);
    }

    model::Format format(const std::string& name) const override {
        return name.ends_with(".snapshot") ? model::Format::tar : model::Format::unknown;
    }

    std::unique_ptr<io::Source> open(Call& call, const model::File& file, std::uint64_t offset) override {
        if (parse_note(file.details).action == action::partial) return open_partial(call, nodes_, file, zstd_);
        return qdrant::open(call, nodes_, memory_, file, offset, zstd_);
    }

    model::Proof prove(Call& call, const model::Manifest& manifest, const model::Request& request) override {
        return qdrant::prove(call, nodes_, manifest, request);
    }

    Increments* increments() override { return this; }

    model::Plan plan(Call& call, const model::Request& request, const Base& base) override {
        return plan_increment(call, nodes_, request, base);
    }

    std::unique_ptr<io::Source> whole(Call&, const std::vector<Layer>& layers) override { return merged(layers); }

    model::Outcome run(Call& call, const model::Step& step, io::Source& source, const io::Copied& measured) override {
        return send_merged(call, nodes_, key_, step, source, measured);
    }

private:
    Nodes nodes_;
    Secret key_;
    bool zstd_;
    Memory memory_;
};

std::unique_ptr<Driver> open_qdrant(Settings settings) {
    auto connection = settings.connection;
    connection.base = settings.url;
    if (!settings.key.empty()) {
        // The scheme "Bearer" is case-sensitive there, and `api-key` wins when both are sent.
        const auto key = std::string(settings.key.reveal());
        if (uses_bearer(settings.options))
            connection.secrets.emplace_back("Authorization", Secret("Bearer " + key));
        else
            connection.secrets.emplace_back("api-key", settings.key);
    }
    return std::make_unique<Qdrant>(std::move(connection), std::move(settings));
}

// `/` answers without a key. "qdrant - vector search engine"
bool is_qdrant(Call& call, const net::Http& http) {
    const auto response = http.send(call, {.path = "/"});
    const auto answer = nlohmann::json::parse(model::shallow(response.body), nullptr, false);
    if (!response.ok() || !answer.is_object() || !answer.contains("title") || !answer.at("title").is_string())
        return false;
    auto title = answer.at("title").get<std::string>();
    std::transform(title.begin(), title.end(), title.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return title.find("qdrant") != std::string::npos;
}

}  // namespace

const Entry& qdrant_entry() {
    static const Entry entry{.name = "qdrant",
                             .product = "Qdrant",
                             .abilities = abilities(),
                             .options = option_table(),
                             .open = open_qdrant,
                             .recognise = is_qdrant,
                             .switches_aliases = true};
    return entry;
}

}  // namespace vbackup::driver
