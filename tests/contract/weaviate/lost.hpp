// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "rig.hpp"

namespace vbackup::test {

// A request to restore a backup that was just made, whose collections are gone.
struct Lost {
    explicit Lost(Rig& rig, const std::string& id = "b1", model::Options options = {})
        : manifest(rig.make_backup(id, std::move(options))) {
        rig.server.change([](auto& script) { script.collections.clear(); });
        request = rig.request(model::Verb::restore, id);
        request.manifest = &manifest;
    }
    model::Manifest manifest;
    model::Request request;
};

}  // namespace vbackup::test
