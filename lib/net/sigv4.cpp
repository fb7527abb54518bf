// SPDX-License-Identifier: Apache-2.0
#include "net/sigv4.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "base/text.hpp"
#include "base/url.hpp"
#include "io/digest.hpp"

namespace vbackup::net {

namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
    return out;
}

// Without blanks at its ends, and with one blank where several stand.
std::string squeezed(std::string_view value) {
    std::string out;
    for (const char c : value) {
        const bool blank = c == ' ' || c == '\t';
        if (!blank) {
            out += c;
        } else if (!out.empty() && out.back() != ' ') {
            out += ' ';
        }
    }
    if (out.ends_with(' ')) out.pop_back();
    return out;
}

std::string hex(std::string_view bytes) {
    std::string out;
    for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return out;
}

// "20130524T000000Z".
std::string amz_date(Moment now) {
    auto text = compact_time(now);
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

std::string scope_text(const SigningScope& scope, std::string_view date) {
    return fmt::format("{}/{}/{}/aws4_request", date.substr(0, 8), scope.region, scope.service);
}

std::map<std::string, std::string> canonical_headers(const Headers& headers) {
    std::map<std::string, std::string> out;
    for (const auto& [name, value] : headers) {
        auto& joined = out[lower(name)];
        joined += (joined.empty() ? "" : ",") + squeezed(value);
    }
    return out;
}

std::string names_of(const std::map<std::string, std::string>& headers) {
    std::string names;
    for (const auto& [name, value] : headers) names += (names.empty() ? "" : ";") + name;
    return names;
}

std::string signature(const Signable& request, const AwsKeys& keys, const SigningScope& scope,
                      const std::string& date) {
    const auto headers = canonical_headers(request.headers);
    std::string canonical = fmt::format("{}\n{}\n{}\n", request.method, request.path, encode_query(request.query));
    for (const auto& [name, value] : headers) canonical += fmt::format("{}:{}\n", name, value);
    canonical += fmt::format("\n{}\n{}", names_of(headers), request.payload_sha256);
    const auto text = fmt::format("{}\n{}\n{}\n{}", algorithm, date, scope_text(scope, date),
                                  io::sha256(std::string_view(canonical)));
    const Secret first("AWS4" + std::string(keys.secret_key.reveal()));
    auto key = io::hmac_sha256(first.reveal(), std::string_view(date).substr(0, 8));
    for (const std::string_view part : {std::string_view(scope.region), std::string_view(scope.service),
                                        std::string_view("aws4_request"), std::string_view(text)})
        key = io::hmac_sha256(key, part);
    return hex(key);
}

}  // namespace

std::string encode_key(std::string_view key) {
    std::string path;
    for (;;) {
        const auto slash = key.find('/');
        path += "/" + percent_encode(key.substr(0, slash));
        if (slash == std::string_view::npos) return path;
        key.remove_prefix(slash + 1);
    }
}

std::string encode_query(const Query& query) {
    std::vector<std::pair<std::string, std::string>> encoded;
    encoded.reserve(query.size());
    for (const auto& [name, value] : query) encoded.emplace_back(percent_encode(name), percent_encode(value));
    std::sort(encoded.begin(), encoded.end());
    std::string out;
    for (const auto& [name, value] : encoded) out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, value);
    return out;
}

Headers sign(const Signable& request, const AwsKeys& keys, const SigningScope& scope, Moment now) {
    const auto date = amz_date(now);
    Headers added{{"x-amz-date", date}};
    if (scope.service == "s3") added.emplace_back("x-amz-content-sha256", request.payload_sha256);
    if (!keys.session_token.empty())
        added.emplace_back("x-amz-security-token", std::string(keys.session_token.reveal()));
    auto whole = request;
    whole.headers.insert(whole.headers.end(), added.begin(), added.end());
    const auto signed_names = names_of(canonical_headers(whole.headers));
    added.emplace_back("Authorization",
                       fmt::format("{} Credential={}/{},SignedHeaders={},Signature={}", algorithm, keys.access_key,
                                   scope_text(scope, date), signed_names, signature(whole, keys, scope, date)));
    return added;
}

std::string presign(const Signable& request, const AwsKeys& keys, const SigningScope& scope, Moment now,
                    Seconds lifetime) {
    const auto date = amz_date(now);
    auto whole = request;
    whole.payload_sha256 = unsigned_payload;
    whole.query.emplace_back("X-Amz-Algorithm", algorithm);
    whole.query.emplace_back("X-Amz-Credential", fmt::format("{}/{}", keys.access_key, scope_text(scope, date)));
    whole.query.emplace_back("X-Amz-Date", date);
    whole.query.emplace_back("X-Amz-Expires", fmt::format("{}", lifetime.count()));
    whole.query.emplace_back("X-Amz-SignedHeaders", names_of(canonical_headers(whole.headers)));
    if (!keys.session_token.empty())
        whole.query.emplace_back("X-Amz-Security-Token", std::string(keys.session_token.reveal()));
    const auto made = signature(whole, keys, scope, date);
    return encode_query(whole.query) + "&X-Amz-Signature=" + made;
}

}  // namespace vbackup::net
