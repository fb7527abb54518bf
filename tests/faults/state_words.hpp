// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace vbackup::test {

// How the words for the state of a job, a backup or a node are changed, and nothing else of an answer.
enum class Words : std::uint8_t {
    kept,
    early,      // what is under way is done already
    backwards,  // it is as it was before
    unknown,    // a word that nobody knows
};

// Changes all state words of a JSON answer: strings of the databases' own vocabulary under `status`, `state` or `phase`.
// False: there is none, and the answer stays as it is.
bool change_words(std::string& json, Words how);
// The same of the fields of INFO, in a bulk string of RESP.
bool change_info(std::string& resp, Words how);

}  // namespace vbackup::test
