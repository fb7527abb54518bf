// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/call.hpp"
#include "driver/driver.hpp"
#include "driver/registry.hpp"
#include "model/manifest.hpp"

namespace vbackup::test {

// Walks through a plan one step after another, as the executor does, without journal and store: what a driver must be able
// to do on its own. The files that came home stay in memory.
class Walk {
public:
    Walk(Call& call, driver::Driver& driver) : call_(call), driver_(driver) {}

    void run(const model::Plan& plan);  // everything but the tidying steps
    void tidy(const model::Plan& plan);
    void run_step(const model::Step& step);
    // Sends a step and waits for its job, until that is final.
    model::Seen change(const model::Step& step);

    // A manifest of what came home or stayed with the server, as the create story writes it.
    model::Manifest manifest(const model::Inspection& before, bool keep) const;

    std::map<std::string, model::JobRef> jobs;  // by step
    std::vector<model::File> files;
    std::map<std::string, std::string> bytes;  // by a file's name

private:
    void fetch(const model::Step& step);

    Call& call_;
    driver::Driver& driver_;
};

// The plan's step of that id; fails the test when there is none.
const model::Step& step_of(const model::Plan& plan, const std::string& id);

// The open driver for an address and a key.
std::unique_ptr<driver::Driver> open_qdrant(const std::string& url, const std::string& key,
                                            const model::Options& options = {});

driver::Peek no_peek();

}  // namespace vbackup::test
