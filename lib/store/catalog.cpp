// SPDX-License-Identifier: Apache-2.0
#include "store/catalog.hpp"

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "store/seal.hpp"

namespace vbackup::store {

namespace {

constexpr std::size_t most_of_a_manifest = std::size_t{64} << 20;

std::string manifest_name(const std::string& id) {
    return file_name(id, "manifest.json");
}
std::string intent_name(const std::string& id) {
    return file_name(id, "intent.json");
}

// Empty when there is none. What `parse` finds wrong is said with the file it was found in.
template <typename Parse>
auto read(Store& store, const std::string& name, Parse parse)
    -> std::optional<std::invoke_result_t<Parse, std::string>> {
    try {
        return parse(io::read_all(*store.open(name), most_of_a_manifest));
    } catch (Error& error) {
        if (error.kind() == ErrorKind::not_found) return std::nullopt;
        throw error.with("file", name).with("store", store.where());
    }
}

void write_text(Store& store, const std::string& name, const std::string& text) {
    const std::unique_ptr<io::Sink> sink = store.create(name);
    sink->write(std::as_bytes(std::span(text)));
    sink->finish();
}

std::vector<std::string> bases_of(model::Manifest manifest) {
    auto bases = std::move(manifest.bases);
    for (auto& file : manifest.files)
        if (!file.base.empty()) bases.push_back(std::move(file.base));
    return bases;
}

}  // namespace

std::string file_name(const std::string& id, const std::string& name) {
    return id + "/" + name;
}

std::vector<std::string> Catalog::ids() {
    std::vector<std::string> ids = store_.folders();
    std::erase_if(ids, [this](const std::string& id) {
        return !store_.size(manifest_name(id)) && !store_.size(intent_name(id));
    });
    return ids;
}

std::optional<model::Manifest> Catalog::manifest(const std::string& id) {
    return read(store_, manifest_name(id), parse_sealed);
}

std::optional<std::string> Catalog::manifest_text(const std::string& id) {
    return read(store_, manifest_name(id), [](std::string text) { return text; });
}

std::optional<model::Intent> Catalog::intent(const std::string& id) {
    return read(store_, intent_name(id), model::parse_intent);
}

void Catalog::write(const model::Intent& intent) {
    write_text(store_, intent_name(intent.id), render(intent));
}

void Catalog::commit(const model::Manifest& manifest) {
    commit(manifest.id, seal(render(manifest)));
}

void Catalog::commit(const std::string& id, const std::string& manifest_text) {
    forget_bases(id);
    store_.put_new(manifest_name(id), manifest_text);
}

void Catalog::forget_intent(const std::string& id) {
    store_.remove(intent_name(id));
    // An empty folder in the journal would stay for ever.
    if (store_.list(id).empty() && store_.list(id, true).empty()) store_.remove_all(id);
}

std::optional<std::vector<std::string>> Catalog::read_bases(const std::string& id) {
    try {
        auto found = manifest(id);
        if (!found) return std::nullopt;
        return bases_of(std::move(*found));
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::refused) throw;
        return std::vector<std::string>{};
    }
}

bool Catalog::is_begun_on(const std::string& other, const std::string& id) {
    try {
        const auto begun = intent(other);
        if (!begun) return false;
        const auto bases = bases_of(begun->draft);
        return std::find(bases.begin(), bases.end(), id) != bases.end();
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::refused) throw;
        return false;
    }
}

void Catalog::forget_bases(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    bases_.erase(id);
}

std::string Catalog::dependent_of(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    auto others = store_.folders();
    std::erase(others, id);
    auto unread = others;
    std::erase_if(unread, [this](const std::string& other) { return bases_.contains(other); });
    std::vector<std::optional<std::vector<std::string>>> read(unread.size());
    std::vector<char> begun_on(unread.size());
    run_all(unread.size(), store_.at_once(), {}, [&](std::size_t i) {
        read[i] = read_bases(unread[i]);
        // A create that has not ended may be gone on with, and is not remembered: it may still be committed.
        if (!read[i]) begun_on[i] = is_begun_on(unread[i], id) ? 1 : 0;
    });
    for (std::size_t i = 0; i < unread.size(); ++i) {
        if (read[i]) bases_.emplace(unread[i], std::move(*read[i]));
        if (begun_on[i] != 0) return unread[i];
    }
    for (const auto& other : others) {
        const auto known = bases_.find(other);
        if (known == bases_.end()) continue;
        if (std::find(known->second.begin(), known->second.end(), id) != known->second.end()) return other;
    }
    return {};
}

void Catalog::remove(const std::string& id) {
    forget_bases(id);
    // The intent goes last: as long as anything lies here, the id can be seen and removed again.
    if (store_.size(manifest_name(id)) && !store_.size(intent_name(id))) {
        try {
            write(removal_of(id));
        } catch (const Error& error) {
            // A full disk is when things are removed.
            if (error.kind() != ErrorKind::storage) throw;
        }
    }
    store_.remove(manifest_name(id));
    for (const bool partial : {false, true}) {
        for (const auto& name : store_.list(id, partial))
            if (name != intent_name(id)) store_.remove(name);
    }
    store_.remove_all(id);
}

model::Intent Catalog::removal_of(const std::string& id) {
    model::Intent removal{.id = id, .verb = "remove"};
    try {
        removal.draft = manifest(id).value_or(model::Manifest{});
    } catch (const Error&) {
        // One that cannot be read is removed like any other.
    }
    removal.draft.files.clear();
    removal.draft.collections.clear();
    removal.draft.id = id;
    removal.draft.kept = true;
    removal.begun = removal.draft.completed;
    removal.target_url = removal.draft.target_url;
    return removal;
}

std::shared_ptr<void> Catalog::lock(const std::string& id) {
    return store_.lock(id);
}

}  // namespace vbackup::store
