// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "driver/dragonfly/server.hpp"
#include "io/key_records.hpp"

namespace vbackup::driver::dragonfly {

// What a server holds besides keys: libraries of functions, search indexes, users.
struct Definitions {
    std::vector<io::Definition> all;
    std::vector<std::string> notes;  // what there is and cannot be read or made again, for people
};

namespace kind {
inline constexpr std::string_view functions = "functions", index = "index", user = "user";
}

// Reads what the server has of it and lets us see. What it does not know, or does not let us, is left out; the latter with a
// note. Users only with `acl`: the hashes of their passwords come with them.
Definitions ask_definitions(Call& call, net::Resp& wire, bool acl);

// The words of the FT.CREATE that makes an index anew, one a line, from what FT.INFO says; empty when it does not say enough.
std::string index_words(const std::string& name, const net::Reply& info);

// Puts one back. Nothing is sent when it is there already as it should be. Error{conflict} when another one of that name is
// there and may not be overwritten.
void put_back(Call& call, net::Resp& wire, const io::Definition& definition, bool overwrite);

// Names of the search indexes and of the libraries of functions that are there; empty where the server has none of the kind.
std::vector<std::string> ask_indexes(Call& call, net::Resp& wire);
std::vector<std::string> ask_functions(Call& call, net::Resp& wire);

}  // namespace vbackup::driver::dragonfly
