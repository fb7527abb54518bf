// SPDX-License-Identifier: Apache-2.0
#include "cli/output/har.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace vbackup::cli {

namespace {

using Json = nlohmann::ordered_json;

// RFC 3339 with thousandths: exchanges of one second are to be told apart.
std::string precise(Moment moment) {
    auto text = format_time(moment);
    const auto since = std::chrono::floor<Milliseconds>(moment.time_since_epoch());
    text.pop_back();
    return fmt::format("{}.{:03}Z", text, since.count() % 1000);
}

Json pairs(const net::Headers& headers) {
    Json list = Json::array();
    for (const auto& [name, value] : headers) list.push_back({{"name", name}, {"value", value}});
    return list;
}

// What the query of an address says, as it stands there.
Json query_of(std::string_view url) {
    Json list = Json::array();
    const auto question = url.find('?');
    if (question == std::string_view::npos) return list;
    url.remove_prefix(question + 1);
    while (!url.empty()) {
        const auto field = url.substr(0, url.find('&'));
        const auto equals = std::min(field.find('='), field.size());
        list.push_back({{"name", field.substr(0, equals)},
                        {"value", equals == field.size() ? std::string_view() : field.substr(equals + 1)}});
        url.remove_prefix(std::min(field.size() + 1, url.size()));
    }
    return list;
}

std::string_view redirect_of(const net::Headers& headers) {
    for (const auto& [name, value] : headers)
        if (name == "Location" || name == "location") return value;
    return {};
}

Json request_of(const net::Exchanged& exchange) {
    Json out{{"method", exchange.method},
             {"url", exchange.url},
             {"httpVersion", exchange.commands.empty() ? "HTTP/1.1" : "RESP2"},
             {"cookies", Json::array()},
             {"headers", pairs(exchange.sent_headers)},
             {"queryString", query_of(exchange.url)},
             {"headersSize", -1},
             {"bodySize", exchange.sent}};
    const auto& body = exchange.sent_body;
    if (body.text.empty() && body.note.empty()) return out;
    out["postData"] = {{"mimeType", body.type}, {"params", Json::array()}, {"text", body.text}};
    if (!body.note.empty()) out["postData"]["comment"] = body.note;
    return out;
}

Json response_of(const net::Exchanged& exchange) {
    Json content{{"size", exchange.received}, {"mimeType", exchange.body.type}};
    if (!exchange.body.text.empty()) content["text"] = exchange.body.text;
    if (!exchange.body.note.empty()) content["comment"] = exchange.body.note;
    return {{"status", exchange.status},
            {"statusText", ""},
            {"httpVersion", exchange.commands.empty() ? "HTTP/1.1" : "RESP2"},
            {"cookies", Json::array()},
            {"headers", pairs(exchange.headers)},
            {"content", std::move(content)},
            {"redirectURL", redirect_of(exchange.headers)},
            {"headersSize", -1},
            {"bodySize", exchange.received}};
}

}  // namespace

std::string_view har_head() {
    return R"({"log":{"version":"1.2","creator":{"name":"vbackup","version":")" VBACKUP_VERSION R"("},"entries":[)"
           "\n";
}

std::string_view har_tail() {
    return "\n]}}\n";
}

std::string har_entry(const net::Exchanged& exchange, Moment begun) {
    Json entry{{"startedDateTime", precise(begun)},
               {"time", exchange.took.count()},
               {"request", request_of(exchange)},
               {"response", response_of(exchange)},
               {"cache", Json::object()},
               {"timings", {{"send", 0}, {"wait", exchange.took.count()}, {"receive", 0}}}};
    if (!exchange.failure.empty()) entry["_error"] = exchange.failure;
    if (!exchange.commands.empty()) {
        entry["_commands"] = Json::object();
        for (const auto& [name, count] : exchange.commands) entry["_commands"][name] = count;
        entry["_errors"] = exchange.errors;
    }
    return entry.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace vbackup::cli
