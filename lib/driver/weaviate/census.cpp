// SPDX-License-Identifier: Apache-2.0
#include "driver/weaviate/census.hpp"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "base/error.hpp"
#include "driver/weaviate/options.hpp"

namespace vbackup::driver::weaviate {

namespace {

// How many counts go into one query: enough for thousands of tenants, short enough for any proxy.
constexpr std::size_t batch = 100;

// One number to ask for; without a tenant it is the whole collection's.
struct Question {
    std::size_t collection;
    std::string tenant;
};

// Tenants are [A-Za-z0-9_-]{1,64} and collections [A-Z][_0-9A-Za-z]*; anything else cannot be put into a query.
bool is_plain(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

std::string query_of(std::span<const Question> questions, const std::vector<model::Collection>& collections) {
    std::string query = "{Aggregate{";
    for (std::size_t index = 0; index < questions.size(); ++index) {
        const auto& [collection, tenant] = questions[index];
        const auto only = tenant.empty() ? std::string{} : fmt::format("(tenant:\"{}\")", tenant);
        query += fmt::format("{}c{}:{}{}{{meta{{count}}}}", index == 0 ? "" : " ", index, collections[collection].name,
                             only);
    }
    return query + "}}";
}

std::string name_of(const Question& question, const std::vector<model::Collection>& collections) {
    const auto& collection = collections[question.collection].name;
    return question.tenant.empty() ? "collection " + collection
                                   : fmt::format("tenant {} of {}", question.tenant, collection);
}

// A refused count is no reason to give up a backup; a line that broke is.
std::vector<Counted> ask(Call& call, const Routes& routes, std::span<const Question> questions,
                         const std::vector<model::Collection>& collections) {
    try {
        return routes.counts(call, query_of(questions, collections), questions.size());
    } catch (const Error& error) {
        const auto kind = error.kind();
        if (kind != ErrorKind::denied && kind != ErrorKind::refused && kind != ErrorKind::failed &&
            kind != ErrorKind::not_found && kind != ErrorKind::unsupported)
            throw;
        return std::vector<Counted>(questions.size(), Counted{std::nullopt, error.message()});
    }
}

class Census {
public:
    Census(std::vector<model::Collection>& collections, std::vector<std::string>& warnings)
        : collections_(collections), warnings_(warnings), tenants_(collections.size()) {}

    void find_tenants(Call& call, const Routes& routes) {
        for (std::size_t index = 0; index < collections_.size(); ++index) {
            auto& collection = collections_[index];
            if (collection.details.empty()) {
                questions_.push_back({index, {}});
                continue;
            }
            for (auto& tenant : routes.tenants(call, collection.name)) {
                if (is_awake(tenant.status)) questions_.push_back({index, tenant.name});
                tenants_[index].push_back({tenant.name, tenant.status, std::nullopt});
            }
            collection.shards = static_cast<std::uint32_t>(tenants_[index].size());
        }
    }

    void count(Call& call, const Routes& routes) {
        for (std::size_t index = 0; index < collections_.size(); ++index) {
            if (!collections_[index].details.empty()) collections_[index].count = 0;
        }
        for (std::size_t from = 0; from < questions_.size(); from += batch) {
            const auto some = std::span(questions_).subspan(from, std::min(batch, questions_.size() - from));
            const bool plain = std::all_of(some.begin(), some.end(), [&](const Question& one) {
                return is_plain(collections_[one.collection].name) && (one.tenant.empty() || is_plain(one.tenant));
            });
            const auto counts =
                plain ? ask(call, routes, some, collections_)
                      : std::vector<Counted>(some.size(), Counted{std::nullopt, "it has an unusual name"});
            for (std::size_t index = 0; index < some.size(); ++index) take(some[index], counts[index]);
        }
        for (const auto index : uncounted_) collections_[index].count.reset();
        // The sum of those awake is not what the collection holds; their own counts stay in the details.
        for (std::size_t index = 0; index < collections_.size(); ++index) {
            if (asleep(index) > 0) collections_[index].count.reset();
        }
    }

    void finish() {
        for (std::size_t index = 0; index < collections_.size(); ++index) {
            auto& collection = collections_[index];
            if (collection.details.empty()) continue;
            collection.details = render_tenants(tenants_[index]);
            if (const auto some = asleep(index); some > 0)
                warnings_.push_back(fmt::format("{} of the {} tenants of {} are not active and were not counted", some,
                                                tenants_[index].size(), collection.name));
        }
    }

private:
    std::ptrdiff_t asleep(std::size_t collection) const {
        return std::count_if(tenants_[collection].begin(), tenants_[collection].end(),
                             [](const auto& one) { return !is_awake(one.status); });
    }

    void take(const Question& question, const Counted& counted) {
        auto& collection = collections_[question.collection];
        if (!counted.count) {
            // Once for a collection: thousands of tenants would say the same.
            if (std::find(uncounted_.begin(), uncounted_.end(), question.collection) != uncounted_.end()) return;
            uncounted_.push_back(question.collection);
            warnings_.push_back(fmt::format("{} could not be counted: {}", name_of(question, collections_),
                                            counted.why.empty() ? "the server gave no number" : counted.why));
            return;
        }
        if (question.tenant.empty()) {
            collection.count = *counted.count;
            return;
        }
        *collection.count += *counted.count;
        auto& tenants = tenants_[question.collection];
        const auto found = std::lower_bound(tenants.begin(), tenants.end(), question.tenant,
                                            [](const auto& one, const auto& name) { return one.name < name; });
        found->count = *counted.count;
    }

    std::vector<model::Collection>& collections_;
    std::vector<std::string>& warnings_;
    std::vector<std::vector<TenantCount>> tenants_;
    std::vector<Question> questions_;
    std::vector<std::size_t> uncounted_;
};

}  // namespace

bool is_awake(std::string_view status) {
    return status == "HOT" || status == "ACTIVE";
}

bool is_left_out(const Version& server, std::string_view status) {
    if (is_awake(status)) return false;
    if (status == "COLD" || status == "INACTIVE") return !has(server, Feature::cold_tenants);
    return true;
}

void take_census(Call& call, const Routes& routes, bool counts, std::vector<model::Collection>& collections,
                 std::vector<std::string>& warnings) {
    Census census(collections, warnings);
    census.find_tenants(call, routes);
    if (counts) census.count(call, routes);
    census.finish();
}

}  // namespace vbackup::driver::weaviate
