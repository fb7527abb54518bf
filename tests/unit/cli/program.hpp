// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cli/command/run.hpp"
#include "support/fake_clock.hpp"
#include "support/temporary.hpp"
#include "support/toy_driver.hpp"

namespace vbackup::test {

struct Ran {
    int code = 0;
    std::string out;
    std::string err;
};

// The whole program in process: a toy database behind toy+http://…, a fake clock, folders that go away, no network. Each JSON
// document that comes out is held against its schema.
class Program {
public:
    Program();
    Ran operator()(std::vector<std::string> arguments);

    static constexpr const char* target = "toy+http://db.example:1";
    std::string store() const { return (folder / "store").string(); }
    // Writes the configuration file that the program finds by itself.
    void configure(const std::string& toml) const;

    ToyDatabase database;
    FakeClock clock;
    TemporaryFolder folder;
    config::Environment environment;
    std::atomic<int> signal{0};
    int out_failure = 0;  // errno of writing to stdout
    bool terminal = false;
    std::string input;   // what standard input has still to give
    bool waits = false;  // the other side of both pipes does nothing; the clock goes on
    std::function<std::string(std::string_view)> ask;

private:
    int read_input(std::span<std::byte> into, std::size_t& moved);
    int write_slowly(std::span<const std::byte> bytes, std::string& out);
    int wait() const;

    bool busy_ = false;
};

// Throws that error whenever the driver's function is called.
inline void fail_at(Program& program, const std::string& function, ErrorKind kind, const std::string& message) {
    program.database.before = [=](const std::string& called, const std::string&) {
        if (called == function) throw Error(kind, message);
    };
}

// cli/output/schemas: one for the JSON of each verb.
std::filesystem::path schema_folder();
bool has_schema(const std::string& verb);
// Fails the test when the document does not fit the verb's schema, or has a field that is not in it.
void check_fits(const std::string& verb, const std::string& document);

// The table of the toy database, with one option of each sort.
std::span<const driver::Entry> toy_drivers();

}  // namespace vbackup::test
