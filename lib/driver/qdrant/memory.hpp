// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/call.hpp"
#include "driver/qdrant/note.hpp"

namespace vbackup::driver::qdrant {

// What the driver remembers while it is open. Thread-safe. Nothing correct depends on it: it makes downloads resumable with
// If-Match, tells how long a job has shown no sign of life or a state has lasted, and which file a tidying step may delete.
class Memory {
public:
    // By the node and path of a file.
    void etag(const std::string& file, std::string value);
    std::string etag(const std::string& file) const;
    // Notes a look that found the server idle. True when it has been so for four looks and five seconds: a job that was
    // just taken has begun by then.
    bool idle_too_long(const Call& call, const std::string& job);
    void busy(const std::string& job);
    // How long the same has been said of that subject, look after look; zero at the first. Another word begins anew.
    Milliseconds lasting(const Call& call, const std::string& subject, const std::string& said);
    void made(const Place& place, const Note& note);
    std::optional<Note> made(const Place& place) const;
    // The snapshots that were asked for here and have not been seen to end, each with what was listed before it; `accepted`
    // once the server said that it makes them.
    struct Asked {
        Note note;
        bool accepted = false;
        bool operator==(const Asked&) const = default;
    };
    void asked(const Note& note, bool accepted);
    void ended(const Place& place);
    bool was_asked(const Place& place) const;
    // Those of the same collection and node as `place`, without its own.
    std::vector<Asked> under_way_beside(const Place& place) const;

private:
    struct Idle {
        Instant since;
        int looks = 0;
    };
    struct Said {
        std::string text;
        Instant since;
    };
    mutable std::mutex mutex_;
    std::map<std::string, std::string> etags_;
    std::map<std::string, Idle> idle_;
    std::map<std::string, Said> said_;
    std::map<std::string, Note> made_;
    std::map<std::string, Asked> under_way_;
    std::set<std::string> asked_;
};

}  // namespace vbackup::driver::qdrant
