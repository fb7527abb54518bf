// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include <fstream>

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

// An entry opens by a plain function, so the database that it opens is named here.
ToyDatabase* opened = nullptr;

std::unique_ptr<driver::Driver> open_toy(driver::Settings) {
    return std::make_unique<ToyDriver>(*opened);
}
bool recognise_nothing(Call&, const net::Http&) {
    return false;
}

constexpr std::array<std::string_view, 1> schemes{"toybox"};
constexpr std::array<driver::Entry, 1> drivers{
    {{"toy", "Toy", abilities, options, open_toy, recognise_nothing, schemes}}};

}  // namespace

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
                                   .clock = clock,
                                   .pulse = nullptr,
                                   .signal = &signal,
                                   .drivers = toy_drivers()};
    ran.code = cli::run_cli(arguments, around);
    return ran;
}

void Program::configure(const std::string& toml) const {
    std::filesystem::create_directories(folder / ".config/vbackup");
    std::ofstream(folder / ".config/vbackup/vbackup.toml") << toml;
}

}  // namespace vbackup::test
