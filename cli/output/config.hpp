// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cli/output/answer.hpp"
#include "cli/output/table.hpp"

namespace vbackup::cli {

std::string config_text(const ConfigListing& listing, const Style& style);
std::string config_text(const ConfigCheck& check, const Style& style);

// "--timeout", "VBACKUP_TIMEOUT", "/etc/vbackup/vbackup.toml:12", "default".
std::string origin_of(const config::Setting& setting);

// lib/config/vbackup.schema.json: what an editor needs to help with vbackup.toml (JSON Schema 2020-12).
std::string render_config_schema();
// man/vbackup.toml.5 in roff.
std::string render_config_man(std::string_view version);

}  // namespace vbackup::cli
