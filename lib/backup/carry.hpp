// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backup/story.hpp"

namespace vbackup::backup {

// The steps in which vbackup itself moves or removes the files of a backup, for the executor. What they do again after a
// kill does no harm. `id` is the backup's.

// Told of each file that has come home, with its size and digest. May be called from several threads.
using CameHome = std::function<void(model::File file)>;

// Brings the files that `job` left behind to stage.store, which must be there: from the driver, or from the place that the
// driver names. Throws Error{corrupt} when there are none, Error{storage} when they do not fit.
void bring_home(Call& call, const Stage& stage, const std::string& id, const model::Step& step,
                const model::JobRef& job, const CameHome& came_home);

// Copies the backup's `files` from stage.store to where the server reads them, comparing digests. The file that makes it a
// backup for the server comes last.
void place(Call& call, const Stage& stage, const std::string& id, const model::Step& step,
           std::vector<model::File> files);

// Removes the folder that the step names, or in which the job `of` put its result.
void erase(Call& call, const Stage& stage, const model::Step& step, const std::optional<model::JobRef>& of);

}  // namespace vbackup::backup
