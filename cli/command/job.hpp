// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "cli/output/answer.hpp"
#include "cli/session/session.hpp"

namespace vbackup::cli {

struct Subject {
    std::string verb;
    std::string target;  // as typed
    std::string id;
};

// Runs a story and reports it. What ends it early is told together with what goes on at the server: the id, and how to
// find it, wait for it or cancel it. A story that shows nothing that happened is an error, never a success.
Answer deed(Session& session, const Scene& scene, const Subject& subject, const std::function<backup::Result()>& story);

// The exit code of a phase: nothing for one that succeeded or still runs.
std::optional<ErrorKind> kind_of(model::Phase phase);
bool still_runs(model::Phase phase);

}  // namespace vbackup::cli
