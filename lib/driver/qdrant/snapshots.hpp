// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "driver/driver.hpp"
#include "driver/qdrant/client.hpp"
#include "model/request.hpp"

namespace vbackup::driver::qdrant {

// What the driver remembers while it is open. Thread-safe. Nothing correct depends on it: it makes downloads resumable with
// If-Match, tells how long a job has shown no sign of life, and which file a tidying step may delete.
class Memory {
public:
    void etag(const std::string& path, std::string value);
    std::string etag(const std::string& path) const;
    // Notes a look that found the server idle. True when it has been so for four looks and five seconds: a job that was
    // just taken has begun by then.
    bool idle_too_long(const Call& call, const std::string& job);
    void busy(const std::string& job);
    void made(const Place& place, const Note& note);
    std::optional<Note> made(const Place& place) const;

private:
    struct Idle {
        Instant since;
        int looks = 0;
    };
    mutable std::mutex mutex_;
    std::map<std::string, std::string> etags_;
    std::map<std::string, Idle> idle_;
    std::map<std::string, Note> made_;
};

// Making, finding, reading and deleting snapshots. All of it keeps to one node, the one that answers.
model::Plan plan_create(Call& call, const Client& client, const model::Request& request);
model::Plan plan_download(const model::Request& request);
model::Plan plan_remove(const model::Request& request);
std::vector<model::Found> list(Call& call, const Client& client);

// Steps of the actions snapshot and forget.
model::Outcome make_snapshot(Call& call, const Client& client, const Note& note);
std::optional<model::Outcome> snapshot_taken(Call& call, const Client& client, const Note& note);
model::Outcome forget(Call& call, const Client& client, const Memory& memory, const model::Step& step);
bool is_forgotten(Call& call, const Client& client, const Memory& memory, const model::Step& step);

model::Seen observe_snapshot(Call& call, const Client& client, Memory& memory, const Note& note);
Driver::Files files(Call& call, const Client& client, Memory& memory, const Note& note);
std::unique_ptr<io::Source> open(Call& call, const Client& client, Memory& memory, const model::File& file,
                                 std::uint64_t offset);

// A step that deletes one snapshot file of the server by its name.
model::Step forget_step(const Place& place, const std::string& name);

}  // namespace vbackup::driver::qdrant
