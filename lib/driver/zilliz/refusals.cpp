// SPDX-License-Identifier: Apache-2.0
#include "driver/zilliz/refusals.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "driver/zilliz/answers.hpp"
#include "model/shallow.hpp"
#include "net/answers.hpp"

namespace vbackup::driver::zilliz {

namespace {

using nlohmann::json;

constexpr long long enterprise_only = 96028;

// Ranges of codes with one meaning; contracts.md A.4 has the table they are from. Not in it: 40003 (not permitted in the
// current status), 96038 to 96040 (an operation failed, the words tell why), and whatever comes later.
struct Meaning {
    long long from, to;
    ErrorKind kind;
};
constexpr std::array<Meaning, 15> meanings = {{
    {21119, 21119, ErrorKind::denied},       // the key is illegal
    {40013, 40013, ErrorKind::conflict},     // the name is taken
    {80001, 80001, ErrorKind::denied},       // the token is invalid
    {96000, 96011, ErrorKind::refused},      // a value of the request
    {96012, 96016, ErrorKind::denied},       // no right to the project or the cluster
    {96017, 96017, ErrorKind::conflict},     // the cluster's name is taken
    {96018, 96018, ErrorKind::not_found},    // the cluster
    {96019, 96020, ErrorKind::refused},      // region and plan do not go together
    {96021, 96023, ErrorKind::unsupported},  // free, serverless, another class
    {96024, 96025, ErrorKind::refused},
    {96026, 96026, ErrorKind::not_found},  // the job
    {96027, 96027, ErrorKind::denied},     // no right to the project
    {enterprise_only, enterprise_only, ErrorKind::unsupported},
    {96029, 96035, ErrorKind::refused},
    {96036, 96037, ErrorKind::refused},
}};

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

struct Refusal {
    std::optional<long long> code;
    std::string words;
};

// Both channels have the same body.
Refusal read(const net::Response& response) {
    Refusal refusal;
    const auto body = json::parse(model::shallow(response.body), nullptr, false);
    if (!body.is_object()) return refusal;
    if (const auto code = body.find("code"); code != body.end() && code->is_number_integer())
        refusal.code = code->get<long long>();
    if (const auto words = body.find("message"); words != body.end() && words->is_string())
        refusal.words = one_line(words->get<std::string>());
    return refusal;
}

bool is_good(long long code) {
    // The vendor's own client takes 200 for success too.
    return code == 0 || code == 200;
}

// Does the answer have a code whose meaning is known?
bool is_decided(const net::Response& response) {
    const auto code = read(response).code;
    return code && !is_good(*code) && kind_of_code(*code);
}

Error turned(const Error& error, ErrorKind kind) {
    return {kind, error.message(), error.hint(), error.context()};
}

std::string hint_of(ErrorKind kind, long long code = 0) {
    if (code == enterprise_only) return "this is for clusters of the plan Enterprise or above";
    switch (kind) {
        case ErrorKind::denied:
            return "the API key's user must be organisation owner or project admin, or have a role with the right to "
                   "back up; keys of the China site hold there only (-o region=…)";
        case ErrorKind::unsupported:
            return "Zilliz Cloud backs up Dedicated clusters only: upgrade or migrate the cluster first";
        case ErrorKind::busy:
            return "try again later; the console's Jobs page shows what is under way";
        case ErrorKind::job_failed:
        case ErrorKind::failed:
            return "the console's Jobs page may say more";
        default:
            return {};
    }
}

[[noreturn]] void throw_status(const net::Response& response, std::string_view what, const std::string& words) {
    try {
        net::throw_for_status(response, what, words);
    } catch (const Error& error) {
        const auto hint = error.kind() == ErrorKind::denied ? hint_of(error.kind()) : error.hint();
        throw with_request_id(Error(error.kind(), error.message(), hint, error.context()), response);
    }
}

}  // namespace

std::optional<ErrorKind> kind_of_code(long long code) {
    for (const auto& meaning : meanings) {
        if (code >= meaning.from && code <= meaning.to) return meaning.kind;
    }
    return std::nullopt;
}

std::optional<ErrorKind> kind_of_words(std::string_view words) {
    static constexpr std::array<std::pair<std::string_view, ErrorKind>, 15> phrases = {{
        {"in progress", ErrorKind::busy},
        {"only one", ErrorKind::busy},
        {"too many requests", ErrorKind::busy},
        {"rate limit", ErrorKind::busy},
        {"try again later", ErrorKind::busy},
        {"already exist", ErrorKind::conflict},
        {"duplicate", ErrorKind::conflict},
        {"not found", ErrorKind::not_found},
        {"not exist", ErrorKind::not_found},
        {"permission", ErrorKind::denied},
        {"unauthorized", ErrorKind::denied},
        {"forbidden", ErrorKind::denied},
        {"not permitted in the current status", ErrorKind::refused},
        {"quota", ErrorKind::refused},
        {"invalid", ErrorKind::refused},
    }};
    const auto plain = lower(words);
    for (const auto& [phrase, kind] : phrases) {
        if (plain.find(phrase) != std::string::npos) return kind;
    }
    return std::nullopt;
}

Error with_request_id(Error error, const net::Response& response) {
    if (const auto id = response.header("requestid"); !id.empty()) error.with("requestid", one_line(id, 100));
    return error;
}

Error of_look(const Error& error, const net::Response& response) {
    if (is_decided(response) || error.kind() == ErrorKind::unreachable) return error;
    // A page that a gateway does not find.
    const bool not_found = error.kind() == ErrorKind::not_found && !is_refusal(response);
    if (not_found) return turned(error, ErrorKind::not_understood);
    const bool passes = response.status >= 500 || error.kind() == ErrorKind::failed;
    return passes ? turned(error, ErrorKind::busy) : error;
}

Error of_change(const Error& error, const net::Response& response) {
    const bool open = !is_decided(response) && (response.status >= 500 || response.status == 408);
    return open ? turned(error, ErrorKind::unreachable) : error;
}

bool is_refusal(const net::Response& response) {
    const auto refusal = read(response);
    return refusal.code && !is_good(*refusal.code);
}

void require_ok(const net::Response& response, std::string_view what) {
    const auto refusal = read(response);
    const bool speaks = refusal.code && !is_good(*refusal.code);
    if (response.ok() && refusal.code && !speaks) return;
    const auto meant = speaks ? kind_of_code(*refusal.code) : std::nullopt;
    // A status says more than words that no table has.
    if (!response.ok() && !meant) throw_status(response, fmt::format("Zilliz Cloud: {}", what), refusal.words);
    if (!speaks)
        throw with_request_id(
            Error(ErrorKind::not_understood,
                  fmt::format("Zilliz Cloud's answer to \"{}\" has no code: {}", what,
                              net::looks_like_html(response) ? "it is a web page" : "it is not of the known shape"),
                  "is there a proxy in between, or another server at this address?"),
            response);
    const auto kind = meant ? *meant : kind_of_words(refusal.words).value_or(ErrorKind::failed);
    throw with_request_id(
        Error(kind,
              fmt::format("Zilliz Cloud refused to {}: {} (code {})", what,
                          refusal.words.empty() ? "it gives no reason" : refusal.words, *refusal.code),
              hint_of(kind, *refusal.code)),
        response);
}

}  // namespace vbackup::driver::zilliz
