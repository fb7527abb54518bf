// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "backup/find.hpp"
#include "base/text.hpp"
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "config/read_secret.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string action;
    std::string store;
    std::string name;
    std::string passphrase_file;
    std::string key_file;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "list|add|remove", asked.action);
    add_positional(app, "STORE", asked.store);
    add_value(app, "--name", asked.name, "SLOT",
              "add: what the new slot is called (key-2 and so on); remove: which one");
    add_value(app, "--passphrase-file", asked.passphrase_file, "FILE", "add: the file with the new passphrase");
    add_value(app, "--key-file", asked.key_file, "FILE", "add: the new key file");
    add_limits(app, asked, "5m", false);
    add_changing(app, asked);
    add_common(app, asked);
}

void require_sense(const Arguments& asked) {
    const std::vector<std::string> actions{"list", "add", "remove"};
    if (std::find(actions.begin(), actions.end(), asked.action) == actions.end()) {
        const auto near = did_you_mean(asked.action, actions);
        throw Error(ErrorKind::usage, fmt::format("key cannot '{}'", one_line(asked.action, 40)),
                    near ? fmt::format("did you mean '{}'?", *near) : "it can list, add and remove");
    }
    const bool adds = asked.action == "add";
    const auto files = int(!asked.passphrase_file.empty()) + int(!asked.key_file.empty());
    if (adds && files != 1)
        throw Error(ErrorKind::usage, "key add takes one new passphrase or key",
                    "give --passphrase-file or --key-file; what the store is opened with is configured");
    if (!adds && files != 0)
        throw Error(ErrorKind::usage, "--passphrase-file and --key-file are of key add",
                    "what the store is opened with is configured");
    if (asked.action == "remove" && asked.name.empty())
        throw Error(ErrorKind::usage, "nothing says which slot is to be removed",
                    "give its --name; `vbackup key list` shows them");
    if (asked.action == "list" && !asked.name.empty()) throw Error(ErrorKind::usage, "--name is of key add and remove");
}

store::encrypted::Credential added_by(const Arguments& asked) {
    const bool passphrase = asked.key_file.empty();
    auto found = config::read_file_key(passphrase ? asked.passphrase_file : asked.key_file, passphrase);
    return {found.kind, std::move(found.secret)};
}

void require_consent_for(Session& session, const Arguments& asked) {
    model::Plan plan;
    model::Step step;
    step.id = "remove:" + asked.name;
    step.kind = model::StepKind::erase;
    step.what = fmt::format("remove the key slot {} of {}: who has only its key cannot read the store any more",
                            one_line(asked.name, 80), one_line(asked.store, 200));
    step.destroys = true;
    plan.steps.push_back(std::move(step));
    backup::require_consent(session.confirm(), plan);
}

Answer run(Session& session, const Arguments& asked) {
    require_sense(asked);
    const auto bytes = session.open_bytes(asked.store);
    const auto unlocking = session.unlocking_of(asked.store);
    KeyReport report{.action = asked.action, .store = bytes->where(), .slot = asked.name, .slots = {}, .opened = {}};
    report.dry_run = asked.dry_run;
    store::encrypted::Slots slots;
    if (asked.action == "list") slots = store::encrypted::read_slots(*bytes, unlocking.credential);
    if (asked.action == "add") {
        slots = store::encrypted::add_slot(*bytes, unlocking, added_by(asked), asked.name, asked.dry_run);
        report.slot = slots.all.slots.back().name;
    }
    if (asked.action == "remove") {
        // What is refused anyway is not asked about.
        slots = store::encrypted::remove_slot(*bytes, unlocking.credential, asked.name, true);
        if (!asked.dry_run) {
            require_consent_for(session, asked);
            slots = store::encrypted::remove_slot(*bytes, unlocking.credential, asked.name);
        }
    }
    report.slots = std::move(slots.all.slots);
    report.opened = std::move(slots.opened);
    return {.value = std::move(report), .problem = {}};
}

}  // namespace

Command key_command() {
    return make_command<Arguments>(
        {.name = "key",
         .summary = "show, add and remove the key slots of an encrypted store",
         .about =
             "A store is encrypted from its first backup on when a passphrase or a key file is configured for it: "
             "passphrase_file, passphrase_env, passphrase_command or key_file in [stores.NAME], or for a path or URL "
             "the "
             "variables below. Each slot holds the store's own key, wrapped by one passphrase or key file, so that "
             "keys can be changed without writing data anew: add the new one, configure it, remove the old one. The "
             "slot "
             "that the configured key opens is never removed. Removing a slot does not help against somebody who has "
             "a copy of the store's encryption.json and the old key. Who loses every key loses the backups: nobody can "
             "open them then. vbackup-formats(7) says how other programs read such a store.",
         .examples = {"vbackup key list @offsite", "vbackup key add @offsite --passphrase-file /etc/vbackup/new.pass",
                      "vbackup key add @offsite --name vault --key-file /media/usb/vbackup.key",
                      "vbackup key remove @offsite --name key-1 --yes"},
         .exits = {ErrorKind::corrupt, ErrorKind::not_found, ErrorKind::conflict, ErrorKind::busy, ErrorKind::refused,
                   ErrorKind::denied, ErrorKind::storage, ErrorKind::configuration}},
        setup, run);
}

}  // namespace vbackup::cli
