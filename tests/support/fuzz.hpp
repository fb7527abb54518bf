// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vbackup::test {

// What may be put inside itself without end: behind an occurrence of `behind` (empty: anywhere) come any number of `open`, as many
// `close`, and `rest`.
struct Nest {
    std::string behind, open, close, rest;
};

// How texts for one parser are made: those of tests/data/fuzz/CORPUS and `more`, changed at random.
struct Fuzz {
    std::string corpus;                    // also its name in messages
    std::vector<std::string> words = {};   // that mean something to the parser
    std::vector<std::string> values = {};  // that may stand behind ':' and '='
    std::vector<Nest> nests = {};
    std::vector<std::string> more = {};
    std::size_t rounds = 1000;
    std::size_t longest = std::size_t{256} << 10;  // of a text, in bytes
    std::vector<std::string> all() const;          // what is changed
};

// The words, values and nests of JSON, for parsers of it.
Fuzz json_fuzz(std::string corpus, std::vector<std::string> words = {}, std::vector<std::string> more = {});

// What a text that was read must hold; one that does not is a failure of the parser.
class Wrong : public std::logic_error {
    using std::logic_error::logic_error;
};
inline void must(bool holds, const std::string& what) {
    if (!holds) throw Wrong(what);
}

// Gives `read` each text as it is, and then changed ones: `rounds` of them (or VBACKUP_FUZZ_ROUNDS) from a fixed beginning, or with
// VBACKUP_FUZZ_SECONDS for so long from a new one each time (or from VBACKUP_FUZZ_FIRST; with both, to what ends first), and with
// VBACKUP_FUZZ_SEED just the one that was told. Says what went wrong, with the seed of the text and the file in which it was kept, or "": an exception that is no vbackup::Error, more time of the processor than a
// linear reader needs (a second and 5 us a byte), more than 192 MiB of memory. What kills the process tells its seed where a
// sanitizer lets it.
std::string fuzz(const Fuzz& about, const std::function<void(const std::string& text)>& read);

}  // namespace vbackup::test
