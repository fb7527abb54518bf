// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "faults/blow.hpp"
#include "support/temporary.hpp"

namespace vbackup::test {

// A database that is only played, with data in it, as somebody sees it who knows what it really holds.
class World {
public:
    virtual ~World() = default;

    // The lines of [targets.prod] in the configuration; files that they name lie in `home`.
    virtual std::string settings(const std::filesystem::path& home) = 0;
    virtual void tamper(Wedge& wedge) = 0;
    // All data, as one text that is equal when they are.
    virtual std::string contents() = 0;
    virtual void destroy() = 0;
    // Backups and pieces of them that lie with the server.
    virtual std::size_t left_with_server() = 0;
    // From now on backups and restores end badly by themselves, or go on for longer than anybody waits.
    virtual void fail_jobs(bool) {}
    virtual void slow_jobs(bool) {}
    // Backups and restores that it is at.
    virtual std::size_t under_way() { return 0; }
    // What it keeps of schedules, as one text.
    virtual std::string schedules() { return {}; }
    // Does it begin a backup or a restore with this request (RESP: a command, and no path) when it takes it?
    virtual bool begins_job(std::string_view /*method*/, std::string_view /*path*/) const { return false; }
};

// What is done in a world while exchanges go wrong, and how it is judged.
struct Play {
    enum class Verdict : std::uint8_t {
        made,       // a backup `b`: 0 means that it can be restored, and a rerun finishes it
        restored,   // 0 means that the data are there, and a rerun brings them back
        removed,    // 0 means that nothing is left of it, and a rerun removes it
        begun,      // 0 means that `wait` brings it to its end, and a rerun begins it
        cancelled,  // 0 means that the server is at nothing any more, and a rerun ends it
        scheduled,  // 0 means that the server keeps what it keeps without faults, and a rerun sets it
        pruned,     // 0 means that `a` is gone and `b` is whole, and a rerun removes what is left
        told,       // nothing is changed; 0 means that what is told is what is told without faults
    };
    using Lines = std::vector<std::vector<std::string>>;

    std::string_view verb;  // as the summary names it: "create", "create-left"
    Verdict verdict = Verdict::told;
    Lines before = {};                   // without faults
    bool destroyed = false;              // and then the data go
    std::vector<std::string> line = {};  // what is struck
    Lines restore = {};                  // of a backup that was made
    std::vector<std::string> look = {};  // shows whether there is a backup
    bool kept = false;                   // it lies in the store, and nothing of it with the server
    std::string_view place = "STORE";    // in which one
    bool fails = false;                  // the server's jobs end badly during the line, and well afterwards
    bool slow = false;                   // they do not end during the line
    std::string_view gone = "";          // the id of the backup that the line removes
};

struct Driver {
    std::string_view name;
    bool resp = false;
    std::unique_ptr<World> (*make)(const std::filesystem::path& home, const FakeClock& clock);
    std::vector<Play> plays;
};

const std::vector<Driver>& played_drivers();

}  // namespace vbackup::test
