// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "faults/disk.hpp"
#include "faults/world.hpp"

namespace vbackup::test {

// As the played clock has it.
inline constexpr Milliseconds deadline = std::chrono::hours(1);

struct Ran {
    int code = 0;
    std::string out, err;
};

std::string told(const Ran& ran);

// The program with a home of its own in a world.
class Stand {
public:
    explicit Stand(const Driver& driver);

    // STORE and STORE2 in it are places of the stand.
    Ran run(std::vector<std::string> line);

    World& world() { return *world_; }
    Wedge& wedge() { return wedge_; }
    Disk& disk() { return disk_; }
    const std::string& before() const { return before_; }
    const FakeClock& clock() const { return clock_; }
    // The backups that are in the stores, by place and id, with a digest of all that is theirs.
    std::map<std::string, std::size_t> kept() const;

private:
    std::string place(std::string_view word) const;

    FakeClock clock_;
    TemporaryFolder folder_{TemporaryFolder::in_memory()};
    Disk disk_{folder_.path()};
    Wedge wedge_{clock_};
    std::unique_ptr<World> world_;
    std::string before_;
};

}  // namespace vbackup::test
