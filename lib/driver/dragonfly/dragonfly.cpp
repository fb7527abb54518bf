// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/dragonfly.hpp"

#include <fmt/format.h>

#include <array>
#include <map>
#include <mutex>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "driver/dragonfly/census.hpp"
#include "driver/dragonfly/definitions.hpp"
#include "driver/dragonfly/load.hpp"
#include "driver/dragonfly/match.hpp"
#include "driver/dragonfly/note.hpp"
#include "driver/dragonfly/options.hpp"
#include "driver/dragonfly/plans.hpp"
#include "driver/dragonfly/prove.hpp"
#include "driver/dragonfly/save.hpp"
#include "driver/dragonfly/scan.hpp"
#include "driver/dragonfly/sender.hpp"
#include "io/key_records.hpp"
#include "io/zstd.hpp"

namespace vbackup::driver {

namespace {

using namespace dragonfly;

// What the scans of this process have read, by file: told when their last byte was taken. Thread-safe.
class Memory {
public:
    struct Scan {
        io::KeySummary summary;
        io::Repeats repeats;
    };
    void put(const std::string& file, Scan scan) {
        const std::scoped_lock lock(mutex_);
        scans_[file] = std::move(scan);
    }
    std::optional<Scan> take(const std::string& file) {
        const std::scoped_lock lock(mutex_);
        const auto found = scans_.find(file);
        if (found == scans_.end()) return std::nullopt;
        auto scan = std::move(found->second);
        scans_.erase(found);
        return scan;
    }

private:
    std::mutex mutex_;
    std::map<std::string, Scan> scans_;
};

// Which files have been searched for chosen keys. Thread-safe.
class Search {
public:
    // Error{not_found} when this was the last of `note.files` and there was none in any of them. What an earlier run has
    // searched is not known here.
    void ended(const Note& note, std::uint64_t found) {
        if (note.match.empty()) return;
        const std::scoped_lock lock(mutex_);
        found_[note.file] = found;
        for (const auto& [file, count] : found_)
            if (count > 0) return;
        if (found_.size() < note.files) return;
        found_.clear();
        throw Error(ErrorKind::not_found, fmt::format("there is no key like {}", one_line(note.match, 120)),
                    "patterns are those of SCAN: * any run, ? one byte, [a-z]; and upper case is not lower case");
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::uint64_t> found_;  // by file
};

// Tells the tally what was read of a file that is put back.
class Shown final : public io::Source {
public:
    Shown(Call& call, io::Source& inner) : call_(call), inner_(inner) {}
    std::size_t read(std::span<std::byte> into) override {
        const auto count = inner_.read(into);
        call_.tally.bytes_done += count;
        return count;
    }
    std::optional<std::uint64_t> size() const override { return inner_.size(); }

private:
    Call& call_;
    io::Source& inner_;
};

std::string file_about(const std::string& node) {
    return fmt::format("keys of {}", node);
}

class Dragonfly final : public Driver {
public:
    explicit Dragonfly(const Settings& settings)
        : scheme_(parse_url(settings.url).scheme), seed_(server_of(settings, settings.url)) {}

    model::Inspection inspect(Call& call, const model::Scope& scope) override {
        return dragonfly::inspect(call, seed_, scheme_, scope);
    }

    std::vector<model::Found> list(Call& call, const model::Options&) override {
        std::vector<model::Found> all;
        for (const auto& master : look(call, seed_).layout.masters)
            for (auto& found : list_saves(call, master.server)) all.push_back(std::move(found));
        return all;
    }

    model::Plan plan(Call& call, const model::Request& request, const Peek&) override {
        switch (request.verb) {
            case model::Verb::create:
                return plan_create(call, seed_, request);
            case model::Verb::restore:
                return plan_restore(call, seed_, request);
            case model::Verb::remove:
                return plan_remove(call, seed_, request);
            case model::Verb::download:
                throw Error(ErrorKind::unsupported, "no command reads a snapshot that the server keeps",
                            "`vbackup create --to STORE` brings all keys home");
            case model::Verb::cancel:
                break;
        }
        throw Error(ErrorKind::unsupported, "no command ends a save under way", "let it finish");
    }

    std::optional<model::Outcome> done(Call& call, const model::Step& step) override {
        const auto note = parse_note(step.details);
        if (note.action == action::save) return save_taken(call, node_at(seed_, note.node), note);
        // All others do no harm when they are done twice.
        return std::nullopt;
    }

    model::Outcome run(Call& call, const model::Step& step, io::Source* source) override {
        auto note = parse_note(step.details);
        if (note.action == action::save) return begin_save(call, node_at(seed_, note.node), note);
        if (note.action == action::clear) return clear(call, note);
        if (note.action == action::load) {
            const auto server = node_at(seed_, note.node);
            return loads_.begin(call, server, std::move(note));
        }
        if (source == nullptr) throw Error(ErrorKind::failed, fmt::format("nothing to read for {}", step.id));
        if (note.action == action::count) return count(call, std::move(note), *source);
        if (note.action == action::keys) return put_keys(call, std::move(note), *source);
        if (note.action == action::define) return put_definitions(call, note, *source);
        throw Error(ErrorKind::corrupt, fmt::format("a step \"{}\" is not known", one_line(note.action, 40)));
    }

    model::Seen observe(Call& call, const model::JobRef& job, Milliseconds) override {
        const auto note = parse_note(job.details);
        if (note.action == action::save) return observe_save(call, node_at(seed_, note.node), note);
        if (note.action == action::load) return loads_.observe(call, node_at(seed_, note.node), note);
        // Everything else has ended when it is told of.
        return {.phase = model::Phase::succeeded, .said = "done"};
    }

    model::Seen settled(Call& call, const model::Step& step) override {
        const auto note = parse_note(step.details);
        const auto layout = look(call, seed_).layout;
        model::Seen seen{.phase = model::Phase::succeeded, .said = "as before"};
        if (layout.text() == note.text && layout.obstacles.empty()) return seen;
        seen.phase = model::Phase::failed;
        seen.said = "slots were moved during the backup: keys may be missing";
        seen.why = layout.obstacles.empty() ? "remove what came with `vbackup delete`, then make it anew"
                                            : layout.obstacles.front();
        return seen;
    }

    Files files(Call&, const model::JobRef& job, const Peek&) override {
        const auto note = parse_note(job.details);
        if (note.action != action::scan && note.action != action::definitions)
            throw Error(ErrorKind::unsupported, "no command reads a snapshot that the server keeps",
                        "`vbackup create --to STORE` brings all keys home");
        model::File file{.name = note.file, .part = job.part};
        file.format = model::Format::keys;
        file.details = job.details;
        return {{std::move(file)}, std::nullopt};
    }

    model::Format format(const std::string&) const override { return model::Format::unknown; }

    std::unique_ptr<io::Source> open(Call& call, const model::File& file, std::uint64_t) override {
        const auto note = parse_note(file.details);
        auto plain = note.action == action::definitions ? open_definitions(call, note) : open_keys(call, note);
        if (!note.compress) return plain;
        return io::zstd(std::move(plain));
    }

    model::Proof prove(Call& call, const model::Manifest& manifest, const model::Request& request) override {
        return dragonfly::prove(call, seed_, manifest, request);
    }

private:
    std::unique_ptr<io::Source> open_keys(Call& call, const Note& note) {
        ScanWish wish{.server = node_at(seed_, note.node),
                      .databases = note.databases,
                      .match = note.match,
                      .all_others = note.everything,
                      .about = file_about(note.node)};
        return scan_keys(call, std::move(wish),
                         [this, note](const io::KeySummary& summary, const io::Repeats& repeats) {
                             std::uint64_t found = 0;
                             for (const auto& [database, counts] : summary.databases)
                                 found += counts.keys + counts.vanished;
                             read_.ended(note, found);
                             memory_.put(note.file, {summary, repeats});
                         });
    }

    std::unique_ptr<io::Source> open_definitions(Call& call, const Note& note) {
        net::Resp wire(call, node_at(seed_, note.node));
        require_loaded(wire.server().address(), ask_facts(call, wire));
        io::KeyWriter writer(ask_time(call, wire), "definitions");
        for (const auto& one : ask_definitions(call, wire, note.acl).all) writer.add(one);
        writer.finish();
        std::string bytes(writer.size(), '\0');
        writer.take(std::as_writable_bytes(std::span(bytes)));
        return io::memory_source(std::move(bytes));
    }

    model::Outcome count(Call& call, Note note, io::Source& source) {
        const auto scan = memory_.take(note.file);
        // An earlier run read it from the server: what came home is read instead. So it is when SCAN may have named keys
        // twice, to count these once.
        std::optional<io::KeySummary> summary;
        if (!scan)
            summary = io::check_keys(call, source);
        else
            summary = scan->repeats.empty() ? scan->summary : io::count_keys(call, source, scan->repeats);
        {
            net::Resp wire(call, node_at(seed_, note.node));
            require_all_read(call, note, ask_facts(call, wire), *summary);
        }
        std::uint64_t vanished = 0;
        for (const auto& [database, counts] : summary->databases) vanished += counts.vanished;
        if (vanished > 0)
            call.tally.warn(
                fmt::format("{}: {} keys were deleted or expired before they could be read", note.node, vanished));
        Note counted{.action = std::string(action::count), .node = note.node, .file = note.file};
        counted.counted = std::move(summary);
        return {.job = model::JobRef{.name = {}, .part = {.node = note.node}, .details = render(counted)}};
    }

    model::Outcome clear(Call& call, const Note& note) {
        net::Resp wire(call, node_at(seed_, note.node));
        require_loaded(wire.server().address(), ask_facts(call, wire));
        wire.set_silence(std::chrono::minutes(30));
        if (note.everything) {
            wire.require(call, {"FLUSHALL"});
            return {};
        }
        for (const auto database : note.databases) {
            if (database != 0) wire.require(call, {"SELECT", std::to_string(database)});
            wire.require(call, {"FLUSHDB"});
        }
        return {};
    }

    model::Outcome put_keys(Call& call, Note note, io::Source& source) {
        const auto census = look(call, seed_);
        for (const auto& [name, facts] : census.nodes) require_loaded(name, facts);
        KeySender sender(call, census.layout, note.overwrite);
        Shown shown(call, source);
        const auto plain = io::unpacked_keys(shown);
        io::KeyReader reader(*plain);
        while (reader.next() == io::KeyReader::Item::record) {
            call.require_time();
            const auto into = note.destinations.find(reader.record().database);
            if (into == note.destinations.end()) continue;
            if (!note.match.empty() && !key_matches(note.match, reader.record().key)) continue;
            auto record = reader.take_record();
            record.database = into->second;
            sender.send(std::move(record));
        }
        sender.finish();
        require_none_left(sender);
        std::uint64_t all_sent = 0;
        for (const auto& [database, counts] : sender.counts()) all_sent += counts.sent;
        put_back_.ended(note, all_sent);
        Note sent{.action = std::string(action::keys), .file = note.file};
        for (const auto& [database, counts] : sender.counts()) sent.sent[database] = counts.sent;
        return {.job = model::JobRef{.name = {}, .part = {}, .details = render(sent)}};
    }

    // Only where keys that exist were not to be replaced.
    static void require_none_left(const KeySender& sender) {
        std::uint64_t sent = 0, left = 0;
        for (const auto& [database, counts] : sender.counts()) {
            sent += counts.sent;
            left += counts.left;
        }
        if (left > 0)
            throw Error(ErrorKind::conflict,
                        fmt::format("{} of the chosen keys exist already and were left as they are; {} were put back",
                                    left, sent),
                        "--overwrite puts those of the backup in their place");
    }

    model::Outcome put_definitions(Call& call, const Note& note, io::Source& source) {
        const auto census = look(call, seed_);
        for (const auto& [name, facts] : census.nodes) require_loaded(name, facts);
        const auto plain = io::unpacked_keys(source);
        io::KeyReader reader(*plain);
        std::vector<io::Definition> all;
        while (reader.next() == io::KeyReader::Item::definition)
            if (reader.definition().kind != kind::user || note.acl) all.push_back(reader.definition());
        for (const auto& master : census.layout.masters) {
            net::Resp wire(call, master.server);
            for (const auto& one : all) put_back(call, wire, one, note.overwrite);
        }
        return {};
    }

    std::string scheme_;
    net::RespServer seed_;
    Memory memory_;
    Search read_, put_back_;
    Loads loads_;
};

constexpr std::array<std::string_view, 6> all_schemes{"dragonfly", "dragonflys", "redis",
                                                      "rediss",    "valkey",     "valkeys"};

}  // namespace

std::unique_ptr<Driver> open_dragonfly(Settings settings) {
    return std::make_unique<Dragonfly>(settings);
}

const Entry& dragonfly_entry() {
    static const Entry entry{"dragonfly",    "Dragonfly", abilities(), option_table(),
                             open_dragonfly, nullptr,     all_schemes};
    return entry;
}

}  // namespace vbackup::driver
