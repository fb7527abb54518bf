// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "driver/driver.hpp"
#include "driver/zilliz/requests.hpp"

namespace vbackup::driver::zilliz {

// A cluster has one policy: weekdays, one window of two hours UTC, 1 to 30 days of retention, copies to other regions. It
// goes by the name `policy`, and is never removed but switched off. Thread-safe.
class PolicySchedules : public Schedules {
public:
    PolicySchedules(const Routes& routes, std::string cluster) : routes_(routes), cluster_(std::move(cluster)) {}

    std::vector<model::Schedule> list(Call& call, const model::Options& options) override;
    model::Plan plan_set(Call& call, const model::Schedule& wish, const model::Options& options) override;
    model::Plan plan_remove(Call& call, const std::string& name, const model::Options& options) override;

private:
    const Routes& routes_;
    std::string cluster_;
};

// Does the server hold what this body asks for?
bool is_held(const Policy& held, const std::string& body);

}  // namespace vbackup::driver::zilliz
