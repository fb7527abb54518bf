// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "model/json.hpp"
#include "model/plan.hpp"
#include "model/schedule.hpp"
#include "net/http.hpp"

namespace vbackup::driver::dragonfly_cloud {

// The published API (contracts.md B.1): GET and PUT of /v1/datastores/ID. It lists no backups and makes none.

struct Policy {
    bool enabled = false;
    bool every_hour = false, every_day = false;
    std::vector<int> hours;     // 0 to 23
    std::vector<int> weekdays;  // 0 Sunday to 6
    std::uint32_t retention_days = 0;
    bool operator==(const Policy&) const = default;
};

struct Datastore {
    std::string id;
    std::string name;
    std::string status;   // pending, updating, restoring, active, deleting, deleted
    std::string address;  // "9k2v0xw1e.dragonflydb.cloud:6385"
    Secret password;
    bool tls = true;
    bool cluster = false;
    Policy policy;
    std::string restored;    // id of the backup that was put into it last; empty for none
    bool loaded = false;     // it is in
    model::JsonText config;  // the whole object, as it came
    std::string inexact;     // a number in it that would not survive being written anew; empty for none
};

// Throws Error{not_understood} for what is no data store.
Datastore parse_datastore(const std::string& body);
// Of a restore that is known to have begun.
model::Phase phase_of_restore(const Datastore& store, const std::string& backup);
// Does it show that a restore has begun? `was_loaded`: before that was asked for, it said of the last one that it was loaded,
// which it goes on to say until the new one begins.
bool shows_restore(const Datastore& store, const std::string& backup, bool was_loaded);

// The configuration with another policy or restore, every other field as it came, known or not.
model::JsonText with_policy(const model::JsonText& config, const Policy& policy);
model::JsonText with_restore(const model::JsonText& config, const std::string& backup);
// Names of fields of `sent` that `now` has lost or changed, `config.backup_policy` and `config.restore` left out.
std::vector<std::string> lost(const model::JsonText& sent, const model::JsonText& now);

model::Schedule to_schedule(const Policy& policy);
// What a person wants as the API holds it; without days and hours those that it has stay. Error{unsupported} for a form that it
// does not have.
Policy to_policy(const model::Schedule& wish, const Policy& now);
model::JsonText render(const Policy& policy);
Policy parse_policy(const model::JsonText& text);

class Api {
public:
    Api(net::Connection connection, net::Trace trace, std::string id);

    // Error{not_found} for one that is deleted, too.
    Datastore get(Call& call, bool repeat = true) const;
    // Reads the configuration, changes it, writes it whole, and reads it back. Error{refused} when it holds a number that
    // would not survive being written anew, Error{not_understood} when the API took
    // another one than was sent. What it reads in the end.
    Datastore change(Call& call, const std::function<model::JsonText(const Datastore&)>& changed,
                     std::string_view what) const;
    const std::string& id() const { return id_; }

private:
    net::Http http_;
    std::string id_;
};

}  // namespace vbackup::driver::dragonfly_cloud
