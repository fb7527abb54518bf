// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/load.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "driver/dragonfly/server.hpp"

namespace vbackup::driver::dragonfly {

namespace {

using model::Phase;

// How long a load may take to end, or to be refused, without its being followed as a job.
constexpr Milliseconds at_once{200};
// For so long an answer may be on its way after INFO says that nothing is loaded any more.
constexpr Milliseconds on_its_way{500};

constexpr const char* cleared = "the server clears its keys before it looks for the file, so what was there is gone";

bool is_refusal(ErrorKind kind) {
    return kind == ErrorKind::busy || kind == ErrorKind::denied || kind == ErrorKind::unsupported;
}

// What it answers instead of loading, or when that failed.
Error error_of(const net::Reply& reply, const net::RespServer& server, const std::string& path) {
    if (reply.text.find("File not found") != std::string::npos || reply.text.find("not found") != std::string::npos)
        return {ErrorKind::not_found, fmt::format("{} does not find {}; {}", server.address(), path, cleared),
                "the path is one on the server, or a bucket that it reaches; restore another backup"};
    auto error = net::to_error(reply, server, "DFLY LOAD");
    if (is_refusal(error.kind())) return error;
    return {ErrorKind::job_failed, fmt::format("{}; {}", error.message(), cleared),
            "look at the server's log, and restore another backup"};
}

std::uint64_t keys_of(const KeySpaces& spaces) {
    std::uint64_t keys = 0;
    for (const auto& [database, space] : spaces) keys += space.keys;
    return keys;
}

model::Seen failed(std::string said, std::string why) {
    return {.phase = Phase::failed, .said = std::move(said), .why = std::move(why)};
}

std::optional<net::Reply> answer_of(Call& call, net::Resp& wire, Milliseconds patience) {
    if (!wire.has_answer(call, patience)) return std::nullopt;
    return wire.read(call);
}

model::Seen going_on(const Note& note, const Facts& now) {
    model::Seen seen{.phase = Phase::running, .said = now.is_loading() ? "loading" : "clearing what is there"};
    const auto keys = keys_of(now.databases);
    seen.done = keys;
    if (const auto wanted = keys_of(note.spaces); wanted > 0) seen.total = wanted;
    seen.mark = fmt::format("{} {}", now.is_loading() ? 1 : 0, keys);
    return seen;
}

model::Seen without_answer(const Note& note, const Facts& now, bool seen_loading) {
    if (seen_loading && !note.spaces.empty() && now.databases == note.spaces)
        return {.phase = Phase::succeeded, .said = "loaded; its answer was lost, and the keys are those of the backup"};
    return failed("the connection broke while it loaded",
                  fmt::format("how that ended only the server's log says; it has {} keys now, and {}",
                              keys_of(now.databases), cleared));
}

}  // namespace

void require_loaded(const std::string& address, const Facts& now) {
    if (!now.is_loading()) return;
    Error error(ErrorKind::busy, fmt::format("{} is loading its data", address), "wait until it has");
    throw error.with("loading", address);
}

std::shared_ptr<Loads::Pending> Loads::find(const std::string& node) {
    const std::scoped_lock lock(mutex_);
    const auto found = pending_.find(node);
    return found == pending_.end() ? nullptr : found->second;
}

void Loads::forget(const std::string& node) {
    const std::scoped_lock lock(mutex_);
    pending_.erase(node);
}

model::Outcome Loads::begin(Call& call, const net::RespServer& server, Note note) {
    auto pending = std::make_shared<Pending>();
    pending->wire = std::make_unique<net::Resp>(call, server);
    const auto now = ask_facts(call, *pending->wire);
    require_loaded(server.address(), now);
    note.before = life_of(now);
    pending->wire->queue(call, {"DFLY", "LOAD", note.text});
    if (const auto reply = answer_of(call, *pending->wire, at_once)) {
        if (reply->is_error()) throw error_of(*reply, server, note.text);
        return {};
    }
    {
        const std::scoped_lock lock(mutex_);
        pending_[note.node] = std::move(pending);
    }
    return {.job = model::JobRef{.name = "load", .part = {.node = note.node}, .details = render(note)}};
}

model::Seen Loads::observe(Call& call, const net::RespServer& server, const Note& note) {
    const auto pending = find(note.node);
    const auto answered = [&](Milliseconds patience) -> std::optional<net::Reply> {
        if (!pending || !pending->wire) return std::nullopt;
        try {
            return answer_of(call, *pending->wire, patience);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::unreachable) throw;
            pending->wire.reset();
            return std::nullopt;
        }
    };
    const auto told = [&](const net::Reply& reply) -> model::Seen {
        forget(note.node);
        if (!reply.is_error()) return {.phase = Phase::succeeded, .said = "loaded"};
        const auto error = error_of(reply, server, note.text);
        return failed("the load failed", error.message());
    };
    if (const auto reply = answered(Milliseconds{0})) return told(*reply);
    net::Resp wire(call, server);
    const auto now = ask_facts(call, wire);
    if (was_restarted(note.before, now)) {
        forget(note.node);
        return failed("gone with a restart",
                      "the server was started anew while it loaded, and has what it had saved itself");
    }
    if (pending) pending->seen_loading = pending->seen_loading || now.is_loading();
    if (now.is_loading()) return going_on(note, now);
    if (const auto reply = answered(on_its_way)) return told(*reply);
    if (pending && pending->wire) return going_on(note, now);
    forget(note.node);
    return without_answer(note, now, pending && pending->seen_loading);
}

}  // namespace vbackup::driver::dragonfly
