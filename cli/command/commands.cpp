// SPDX-License-Identifier: Apache-2.0
#include "cli/command/arguments.hpp"
#include "cli/command/command.hpp"

namespace vbackup::cli {

std::vector<Command> commands() {
    std::vector<Command> all;
    all.push_back(create_command());
    all.push_back(run_command());
    all.push_back(list_command());
    all.push_back(status_command());
    all.push_back(report_command());
    all.push_back(download_command());
    all.push_back(restore_command());
    all.push_back(delete_command());
    all.push_back(prune_command());
    all.push_back(export_command());
    all.push_back(import_command());
    all.push_back(copy_command());
    all.push_back(pin_command());
    all.push_back(unpin_command());
    all.push_back(key_command());
    all.push_back(cancel_command());
    all.push_back(wait_command());
    all.push_back(verify_command());
    all.push_back(check_command());
    all.push_back(diagnose_command());
    all.push_back(schedule_command());
    all.push_back(config_command());
    all.push_back(drivers_command());
    all.push_back(completion_command());
    return all;
}

std::vector<VerbPage> pages() {
    std::vector<VerbPage> all;
    for (const auto& command : commands()) all.push_back(page_of(command));
    return all;
}

}  // namespace vbackup::cli
