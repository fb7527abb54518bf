// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "model/request.hpp"
#include "model/shallow.hpp"

namespace vbackup::model {

JsonText summary(const Request& request) {
    nlohmann::ordered_json text = {{"verb", word(request.verb)},
                                   {"include", request.scope.include},
                                   {"exclude", request.scope.exclude},
                                   {"options", request.options},
                                   {"keep", request.keep},
                                   {"renames", request.renames},
                                   {"overwrite", request.overwrite}};
    // Summaries of versions that did not have it stay the same.
    if (request.switch_alias) text["switch_alias"] = true;
    if (request.incremental) text["incremental"] = true;
    if (request.retention) text["retention"] = request.retention->count();
    if (!request.description.empty()) text["description"] = request.description;
    return text.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Request parse_summary(const JsonText& text) {
    try {
        const auto json = nlohmann::ordered_json::parse(shallow(text));
        Request request;
        for (const auto verb : {Verb::create, Verb::download, Verb::restore, Verb::remove, Verb::cancel}) {
            if (json.at("verb").get<std::string>() == word(verb)) request.verb = verb;
        }
        json.at("include").get_to(request.scope.include);
        json.at("exclude").get_to(request.scope.exclude);
        json.at("options").get_to(request.options);
        json.at("keep").get_to(request.keep);
        json.at("renames").get_to(request.renames);
        json.at("overwrite").get_to(request.overwrite);
        request.switch_alias = json.value("switch_alias", false);
        request.incremental = json.value("incremental", false);
        if (json.contains("retention")) request.retention = Milliseconds(json.at("retention").get<std::int64_t>());
        request.description = json.value("description", "");
        return request;
    } catch (const nlohmann::json::exception&) {
        throw Error(ErrorKind::corrupt, "the note of what was asked is damaged");
    }
}

}  // namespace vbackup::model
