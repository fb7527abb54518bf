// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/json_schema.hpp"

namespace vbackup::test {

namespace {

using driver::Ability;
using driver::Option;
using driver::Support;

constexpr std::array<Ability, 3> abilities{
    {{"create", Support::full, ""},
     {"restore", Support::part, "one node only"},
     {"verify", Support::none, "it cannot be read from; verify what lies in a store"}}};
constexpr std::array<Option, 3> options{
    {{"unit", "shard|collection", "create", "what one snapshot holds", ""},
     {"level", "1-9", "create restore", "how hard it works", "1.2.0"},
     {"path", "PATH", "create list status restore delete prune", "another folder", ""}}};

constexpr std::size_t most = 100;  // bytes that standard output takes at a time

// An entry opens by a plain function, so the database that it opens is named here.
ToyDatabase* opened = nullptr;

std::unique_ptr<driver::Driver> open_toy(driver::Settings) {
    return std::make_unique<ToyDriver>(*opened);
}
bool recognise_nothing(Call&, const net::Http&) {
    return false;
}

// Whatever a test has the program print as JSON is held against its schema, on stdout and on stderr.
void check_json(const std::vector<std::string>& arguments, const Ran& ran) {
    const bool json = std::adjacent_find(arguments.begin(), arguments.end(), [](const auto& one, const auto& next) {
                          return one == "--output" && next == "json";
                      }) != arguments.end();
    if (!json) return;
    const auto verb = std::find_if(arguments.begin(), arguments.end(), has_schema);
    if (verb != arguments.end() && ran.out.starts_with('{')) check_fits(*verb, ran.out);
    std::istringstream lines(ran.err);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with('{')) check_fits("stderr", line);
}

constexpr std::array<std::string_view, 1> schemes{"toybox"};
constexpr std::array<driver::Entry, 1> drivers{
    {{"toy", "Toy", abilities, options, open_toy, recognise_nothing, schemes}}};

}  // namespace

bool has_schema(const std::string& verb) {
    return !verb.empty() && verb.find('/') == std::string::npos &&
           std::filesystem::exists(schema_folder() / (verb + ".schema.json"));
}

std::filesystem::path schema_folder() {
    return REPOSITORY "/cli/output/schemas";
}

void check_fits(const std::string& verb, const std::string& document) {
    const auto schema = Schema::read(schema_folder() / (verb + ".schema.json"));
    const auto wrong = schema.check(nlohmann::json::parse(document), Fields::listed);
    CHECK_MESSAGE(wrong.empty(), verb << ": " << joined(wrong) << document);
}

std::span<const driver::Entry> toy_drivers() {
    return drivers;
}

Program::Program() {
    database.collections = {{"Docs", 1000}, {"Author", 20}};
    environment = {{"HOME", folder.path().string()}, {"TERM", "xterm"}};
    opened = &database;
}

Ran Program::operator()(std::vector<std::string> arguments) {
    Ran ran;
    opened = &database;
    const cli::Surroundings around{.environment = environment,
                                   .out =
                                       [&](std::string_view bytes) {
                                           if (out_failure == 0) ran.out += bytes;
                                           return out_failure;
                                       },
                                   .err =
                                       [&](std::string_view bytes) {
                                           ran.err += bytes;
                                           return 0;
                                       },
                                   .out_terminal = terminal,
                                   .err_terminal = terminal,
                                   .width = 80,
                                   .ask = ask,
                                   .read_bytes = [&](auto into, std::size_t& moved) { return read_input(into, moved); },
                                   .write_bytes =
                                       [&](auto bytes, std::size_t& moved) {
                                           const int failure = write_slowly(bytes, ran.out);
                                           moved = failure == 0 ? std::min(bytes.size(), most) : 0;
                                           return failure;
                                       },
                                   .clock = clock,
                                   .pulse = nullptr,
                                   .signal = &signal,
                                   .drivers = toy_drivers(),
                                   .passphrase_cost = {.operations = 1, .memory = 8192}};
    ran.code = cli::run_cli(arguments, around);
    if (out_failure == 0) check_json(arguments, ran);
    return ran;
}

int Program::read_input(std::span<std::byte> into, std::size_t& moved) {
    if (waits) return wait();
    moved = std::min(into.size(), input.size());
    std::memcpy(into.data(), input.data(), moved);
    input.erase(0, moved);
    return 0;
}

// As a pipe does it: little at a time, and now and then nothing.
int Program::write_slowly(std::span<const std::byte> bytes, std::string& out) {
    if (waits || (busy_ = !busy_)) return wait();
    if (out_failure != 0) return out_failure;
    out.append(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), most));
    return 0;
}

int Program::wait() const {
    clock.advance(std::chrono::milliseconds(100));
    return EAGAIN;
}

void Program::configure(const std::string& toml) const {
    std::filesystem::create_directories(folder / ".config/vbackup");
    std::ofstream(folder / ".config/vbackup/vbackup.toml") << toml;
}

}  // namespace vbackup::test
