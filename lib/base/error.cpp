// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <algorithm>
#include <array>

namespace vbackup {

namespace {

constexpr std::array<ErrorKindInfo, 20> table{{
    {ErrorKind::failed, "failed", 1, false, "failed for a reason not below"},
    {ErrorKind::usage, "usage", 2, false, "usage: the command line makes no sense"},
    {ErrorKind::partial, "partial", 3, false, "partly done: some nodes or collections failed"},
    {ErrorKind::deadline, "deadline", 4, false, "deadline passed, the job goes on (its id is printed)"},
    {ErrorKind::stalled, "stalled", 5, false, "stalled: no progress for the stall limit"},
    {ErrorKind::corrupt, "corrupt", 6, false, "corrupt: checksum, size or structure differs"},
    {ErrorKind::not_found, "not_found", 7, false, "no such backup, collection or job"},
    {ErrorKind::conflict, "conflict", 8, false, "conflict: it exists already"},
    {ErrorKind::busy, "busy", 9, true, "busy: another operation or a lock, after retries"},
    {ErrorKind::cancelled, "cancelled", 10, false, "cancelled by a user or by the server"},
    {ErrorKind::job_failed, "job_failed", 11, false, "the server says the job failed"},
    {ErrorKind::refused, "refused", 12, false, "refused before anything was changed"},
    {ErrorKind::stale, "stale", 13, false, "stale: newest good backup too old, or none ever"},
    {ErrorKind::unsupported, "unsupported", 14, false, "this database cannot do that"},
    {ErrorKind::unreachable, "unreachable", 15, true, "unreachable: no connection, or it broke"},
    {ErrorKind::denied, "denied", 16, false, "denied: key, role or certificate"},
    {ErrorKind::not_understood, "not_understood", 17, false, "answer not understood"},
    {ErrorKind::storage, "storage", 18, false, "the store or the disk failed"},
    {ErrorKind::configuration, "configuration", 19, false, "the configuration is wrong"},
    {ErrorKind::interrupted, "interrupted", 130, false, "ended by a signal (128 plus its number)"},
}};

constexpr bool in_order_of_declaration() {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (static_cast<std::size_t>(table[i].kind) != i) return false;
    }
    return true;
}
static_assert(in_order_of_declaration(), "describe() finds a kind by its number");

// The worst comes first. A person's own Ctrl-C explains everything that failed with it. A part that is partly good makes
// the whole partly good. Then comes what endangers data, then what hides the state of all else, then what the server
// said, then what only time or another argument would have changed.
constexpr std::array<ErrorKind, 20> severity{
    ErrorKind::interrupted, ErrorKind::partial,     ErrorKind::corrupt,       ErrorKind::storage,
    ErrorKind::denied,      ErrorKind::unreachable, ErrorKind::job_failed,    ErrorKind::not_understood,
    ErrorKind::failed,      ErrorKind::cancelled,   ErrorKind::configuration, ErrorKind::usage,
    ErrorKind::refused,     ErrorKind::unsupported, ErrorKind::conflict,      ErrorKind::not_found,
    ErrorKind::busy,        ErrorKind::stalled,     ErrorKind::deadline,      ErrorKind::stale,
};

}  // namespace

std::span<const ErrorKindInfo> error_kinds() {
    return table;
}

const ErrorKindInfo& describe(ErrorKind kind) {
    return table.at(static_cast<std::size_t>(kind));
}

Error::Error(ErrorKind kind, std::string message, std::string hint, Context context)
    : kind_(kind), message_(std::move(message)), hint_(std::move(hint)), context_(std::move(context)) {}

Error& Error::with(std::string key, std::string value) {
    const bool known =
        std::any_of(context_.begin(), context_.end(), [&key](const auto& entry) { return entry.first == key; });
    if (!known) context_.emplace_back(std::move(key), std::move(value));
    return *this;
}

ErrorKind worst(std::span<const ErrorKind> kinds) {
    for (const ErrorKind kind : severity) {
        if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) return kind;
    }
    return ErrorKind::failed;
}

}  // namespace vbackup
