// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "driver/qdrant/note.hpp"
#include "driver/registry.hpp"
#include "model/request.hpp"

namespace vbackup::driver::qdrant {

std::span<const Ability> abilities();
std::span<const Option> option_table();

// Where the bytes of a restore come from.
enum class From : std::uint8_t { upload, server, url };

// The readings of -o options; Error{usage} for a value that is none.
Unit unit_of(const model::Options& options);
std::optional<From> from_of(const model::Options& options);
std::string url_of(const model::Options& options);
// How many replicas each shard is to have, and how many must take a write, where a person asked for it.
struct Factors {
    std::optional<std::uint32_t> replication, consistency;
};
Factors factors_of(const model::Options& options);
bool keeps_on_server(const model::Options& options);
bool compresses(const model::Options& options);
bool uses_bearer(const model::Options& options);

}  // namespace vbackup::driver::qdrant
