// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/driver.hpp"
#include "driver/qdrant_k8s/target.hpp"

namespace vbackup::driver::qdrant_k8s {

// QdrantClusterScheduledSnapshot. A schedule's name is its short id, of which the snapshots it makes carry the same; the name of
// its object does as well.
class KubeSchedules : public Schedules {
public:
    explicit KubeSchedules(const Target& target) : target_(target) {}

    std::vector<model::Schedule> list(Call& call, const model::Options& options) override;
    model::Plan plan_set(Call& call, const model::Schedule& wish, const model::Options& options) override;
    model::Plan plan_remove(Call& call, const std::string& name, const model::Options& options) override;

private:
    std::vector<Scheduled> all(Call& call) const;
    const Target& target_;
};

}  // namespace vbackup::driver::qdrant_k8s
