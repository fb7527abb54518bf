// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "faults/stand.hpp"

namespace vbackup::test {

struct Scenario {
    const Driver* driver = nullptr;
    const Play* play = nullptr;
    const Blow* blow = nullptr;
    std::size_t at = 0;
    std::size_t times = 1;

    // No client can see that it is not told the truth.
    bool lies() const { return blow->lies || (driver->resp && blow->lies_in_resp); }
    // As it is printed, and as it is asked for by `--only`.
    std::string name() const;
};

// The play's line as it goes without a fault: what it prints, how many exchanges it takes, and what there is afterwards.
struct Calm {
    std::string out;
    std::size_t exchanges = 0;
    std::size_t left = 0;                           // with the server
    std::size_t jobs = 0;                           // that the server has begun
    std::string schedules;                          // that the server keeps
    std::map<std::string, std::size_t> calls = {};  // to the file system
    std::uint64_t written = 0;                      // bytes
    std::size_t deeds = 0;                          // exchanges, and calls that change something

    // In how many places a fault can strike.
    std::size_t places(const Blow& blow) const;
};

// What a scenario came to.
struct Outcome {
    int code = 0;
    bool struck = false;
    std::string fault;         // what is wrong; empty: nothing
    std::string where;         // at which kind of call it was killed
    std::optional<int> rerun;  // how the same command ended when it was given again
};

// Throws std::runtime_error when the play does not go by itself.
Calm calm(const Driver& driver, const Play& play);
// Plays it on a stand of its own and judges it by what server and store really hold.
Outcome act(const Scenario& scenario, const Calm& reference, std::uint64_t seed);

// A fault that is not mended; tests/README.md says why.
bool is_known(const Scenario& scenario, const std::string& fault);

}  // namespace vbackup::test
