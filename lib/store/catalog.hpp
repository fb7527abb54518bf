// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "model/manifest.hpp"
#include "store/store.hpp"

namespace vbackup::store {

// Finds backups among a store's bytes: STORE/<id>/manifest.json and, while something is under way, STORE/<id>/intent.json.
// The journal is a catalog over a store that holds no data. Thread-safe, but one writer an id: whoever holds its lock.
class Catalog {
public:
    explicit Catalog(Store& store) : store_(store) {}

    Store& store() { return store_; }
    // All ids with a manifest or an intent, sorted.
    std::vector<std::string> ids();
    // Empty when there is none. Error{corrupt}, Error{refused} as parse_manifest.
    std::optional<model::Manifest> manifest(const std::string& id);
    // The same as it is written, for what passes it on unchanged.
    std::optional<std::string> manifest_text(const std::string& id);
    std::optional<model::Intent> intent(const std::string& id);
    void write(const model::Intent& intent);
    // The commit point: once it returns the manifest is durable and the backup exists. Error{conflict} when another run
    // committed that id meanwhile to a store that can tell. The intent stays beside it until what
    // is left to tidy is done and `forget_intent` is called.
    void commit(const model::Manifest& manifest);
    void commit(const std::string& id, const std::string& manifest_text);
    // Removes the intent, and the folder when nothing else lies in it.
    void forget_intent(const std::string& id);
    // Removes the manifest first, durably, then everything else; what is cut short is an unfinished removal, and is gone on
    // with when it is removed again.
    void remove(const std::string& id);
    // Another backup that cannot be restored without this one; "" for none. Each manifest is read once as long as the catalog
    // lives, since one that is committed stays as it is; one that cannot be parsed needs nobody.
    std::string dependent_of(const std::string& id);
    // Error{busy} while another run works on this id.
    std::shared_ptr<void> lock(const std::string& id);

private:
    model::Intent removal_of(const std::string& id);
    std::optional<std::vector<std::string>> read_bases(const std::string& id);
    void forget_bases(const std::string& id);
    // Was `other` begun to build on `id`, and not ended?
    bool is_begun_on(const std::string& other, const std::string& id);

    Store& store_;
    std::mutex mutex_;  // guards bases_
    std::map<std::string, std::vector<std::string>> bases_;
};

// Names of a backup's files: "<id>/" + file name.
std::string file_name(const std::string& id, const std::string& name);

}  // namespace vbackup::store
