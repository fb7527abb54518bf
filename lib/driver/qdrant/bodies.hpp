// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "driver/qdrant/census.hpp"
#include "model/json.hpp"

namespace vbackup::driver::qdrant {

// A collection's configuration as GET shows it, in the shapes that the requests take which make it again. Each is a request
// body; empty where there is nothing to ask for.

// Strict mode is not in it: its limits would refuse what the restore itself must do.
model::JsonText creation_body(const model::JsonText& config);
// What a collection takes only once it is there.
model::JsonText params_body(const model::JsonText& config);
model::JsonText strict_body(const model::JsonText& config);
model::JsonText key_body(const model::JsonText& config, const KeyGroup& group);
// `schema` is the field's part of the payload schema.
model::JsonText index_body(const std::string& field, const model::JsonText& schema);

}  // namespace vbackup::driver::qdrant
