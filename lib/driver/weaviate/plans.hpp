// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/driver.hpp"
#include "driver/weaviate/requests.hpp"

// What a request becomes. All of these read only, and refuse what can be known beforehand.
namespace vbackup::driver::weaviate {

struct Planning {
    Call& call;
    const Routes& routes;
    const model::Request& request;
    model::Options options;     // the command line's over the configuration's, those of the verb
    model::Options configured;  // the configuration's alone
    const Peek& peek;
};

inline constexpr std::string_view descriptor_name = "backup_config.json";

// Error{usage} for a scope that both includes and excludes: Weaviate takes one of them.
void require_one_sided(const model::Scope& scope);
// The module to use: the option's, else the only one that is on. Error{usage} when several are, Error{refused} for none
// and for one that is off.
Place choose_place(const Server& server, const model::Options& options);
// The job of the backup that a request is about: from manifest or server, with what the command line says instead.
Job job_of(const Planning& planning);
// Why the cluster cannot take part now: nodes that are not healthy. Error{refused}.
void require_healthy(const std::vector<model::Node>& nodes);
// Does the server run this job now, or does its status only stand there since a crash? Unknown is told as running only
// where the server is too old to say.
bool runs_now(Call& call, const Routes& routes, const Server& server, const Job& job);

// The folder of a finished backup, after its descriptor was matched by id and start. Error{unsupported} when this machine
// does not reach it or somebody else's backup lies there.
model::Location require_folder(const Job& job, const Status& status, const Peek& peek);

model::Plan plan_create(const Planning& planning, const model::Inspection& inspection);
model::Plan plan_restore(const Planning& planning);
model::Plan plan_download(const Planning& planning);
model::Plan plan_remove(const Planning& planning);
model::Plan plan_cancel(const Planning& planning);

}  // namespace vbackup::driver::weaviate
