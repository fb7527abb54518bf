// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/call.hpp"
#include "base/error.hpp"
#include "io/stream.hpp"
#include "model/manifest.hpp"
#include "store/store.hpp"

namespace vbackup::backup {

// Opens a file's bytes from an offset on.
using Opener = std::function<std::unique_ptr<io::Source>(std::uint64_t offset)>;

// Brings one file into `store` as "<id>/<file.name>": carries on what an earlier run left, reopens a broken line where it
// stopped as long as it moves, and compares size and SHA-256 with what the server said. Returns the file with its size,
// digest and `kept`. Throws Error{corrupt} when they differ; nothing of that name is left then. A server that is loading its
// data is waited for as long as `patience` says.
// With a `level` of zstd's it lies there packed (io/frames.hpp), which the returned file says; then what an earlier run left is not
// carried on, only what broke within this one.
model::File fetch_file(Call& call, store::Store& store, const std::string& id, model::File file, const Opener& open,
                       int level = 0, Milliseconds patience = {});

// A server that loads its data refuses everything until it has: that is waited for, as long as `patience` says. Counts
// from the first time on; one for each thing that is tried.
class Loading {
public:
    Loading(Call& call, Milliseconds patience) : call_(call), patience_(patience) {}
    // False when `error` says nothing of loading. Else sleeps for a while, or throws `error` when that went on for too long.
    bool passes(const Error& error);

private:
    Call& call_;
    Milliseconds patience_;
    std::optional<Instant> since_;
};

// A source that computes the digest of what passes and throws Error{corrupt} at its end when it is not `sha256` (given
// that it was read from the beginning; empty is not checked).
std::unique_ptr<io::Source> checked(std::unique_ptr<io::Source> source, std::string sha256, std::string name);

// A folder a server named, opened from its parent, since it may not exist yet: the store and the folder's name.
struct Place {
    std::unique_ptr<store::Store> parent;
    std::string folder;
};
using OpenLocation = std::function<std::unique_ptr<store::Store>(const std::string& url)>;
// Throws Error{unsupported} when this machine does not reach the place.
Place require_place(const OpenLocation& open, const model::Location& location);

}  // namespace vbackup::backup
