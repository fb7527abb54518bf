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
};

// What is done in a world while exchanges go wrong, and how it is judged.
struct Play {
    enum class Verdict : std::uint8_t {
        made,      // a backup `b`: 0 means that it can be restored, and a rerun finishes it
        restored,  // 0 means that the data are there, and a rerun brings them back
        removed,   // 0 means that nothing is left of it, and a rerun removes it
        told,      // nothing is changed; 0 means that what is told is what is told without faults
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
};

struct Driver {
    std::string_view name;
    bool resp = false;
    std::unique_ptr<World> (*make)(const std::filesystem::path& home, const FakeClock& clock);
    std::vector<Play> plays;
};

const std::vector<Driver>& played_drivers();

}  // namespace vbackup::test
