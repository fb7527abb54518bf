// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>

#include "base/clock.hpp"
#include "cli/output/messages.hpp"
#include "config/config.hpp"
#include "driver/registry.hpp"
#include "store/encrypted/open.hpp"

namespace vbackup::cli {

// Standard input and output as bytes, for archives. Each moves what it can within a tenth of a second, tells how many bytes
// that were, and gives an errno: 0; EAGAIN when nothing moved in that time. Reading 0 bytes with 0 is the end.
using ReadBytes = std::function<int(std::span<std::byte> into, std::size_t& moved)>;
using WriteBytes = std::function<int(std::span<const std::byte> bytes, std::size_t& moved)>;

// Everything a command takes from the process it runs in, so that tests run the whole command tree in process.
struct Surroundings {
    config::Environment environment;
    Write out;  // standard output
    Write err;  // standard error
    bool out_terminal = false;
    bool err_terminal = false;
    std::size_t width = 80;  // columns of the terminal, at least 20
    // Puts a question to a person and returns what was typed; empty: there is nobody to ask.
    std::function<std::string(std::string_view question)> ask;
    // Writes to the person's terminal and nowhere else, for what must not be kept; false: it could not. Empty: there is
    // nobody.
    std::function<bool(std::string_view text)> tell = {};
    ReadBytes read_bytes = {};    // empty: there is no input
    WriteBytes write_bytes = {};  // empty: there is nobody to write to
    const Clock& clock = system_clock();
    // Beats ten times a second while a command runs: progress, warnings, signals. Null: no thread, as in tests.
    const Clock* pulse = nullptr;
    const std::atomic<int>* signal = nullptr;  // number of the signal that arrived, 0 for none
    std::span<const driver::Entry> drivers = driver::drivers();
    store::encrypted::Cost passphrase_cost = {};  // of new key slots
};

}  // namespace vbackup::cli
