// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/call.hpp"
#include "io/copy.hpp"
#include "io/stream.hpp"
#include "model/manifest.hpp"
#include "model/plan.hpp"
#include "model/request.hpp"

namespace vbackup::driver {

// A kept file and its bytes. What `open` gives from offset 0 is held against the file's digest at its end.
struct Layer {
    std::string of;  // the backup's id
    model::File file;
    std::function<std::unique_ptr<io::Source>(std::uint64_t offset)> open;
};

// What an increment may build on: a finished backup of the same target in the same store.
struct Base {
    const model::Manifest& manifest;
    // Opens one of its files.
    std::function<std::unique_ptr<io::Source>(const model::File& file, std::uint64_t offset)> open;
};

// The third, small interface: of databases that can leave out of a backup what an earlier one holds. A file that does so
// carries the earlier backup's id in File::base and builds on the file of the same name there, which may itself build on
// another. Throws as Driver does. Thread-safe.
class Increments {
public:
    virtual ~Increments() = default;

    // Reads only. As Driver::plan for a create, but what `base` holds is left out where that is certain to be right; what is
    // not certain is backed up whole, and a note says so. `Plan::bases` names the base when anything builds on it.
    virtual model::Plan plan(Call& call, const model::Request& request, const Base& base) = 0;

    // One whole file out of an increment's and those below it: `layers` begins with the file itself, each builds on the next,
    // and the last one is whole. Error{corrupt} when something is missing in them. `layers` outlives the source.
    virtual std::unique_ptr<io::Source> whole(Call& call, const std::vector<Layer>& layers) = 0;

    // Driver::run for a `send` step whose file is put together so. `measured`: all that `source` will give, with its digest.
    virtual model::Outcome run(Call& call, const model::Step& step, io::Source& source, const io::Copied& measured) = 0;
};

}  // namespace vbackup::driver
