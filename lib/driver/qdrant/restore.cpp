// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/restore.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/url.hpp"
#include "driver/qdrant/options.hpp"
#include "driver/qdrant/steps.hpp"

namespace vbackup::driver::qdrant {

namespace {

void require_version(const model::Manifest& manifest, const std::string& version, model::Plan& plan) {
    const auto made = parse_version(manifest.server_version);
    const auto now = parse_version(version);
    if (!made || manifest.server_version.empty()) {
        plan.notes.push_back(
            "which version made this snapshot is not known; Qdrant takes one of the same minor version only");
        return;
    }
    if (now && now->major == made->major && now->minor == made->minor && now->patch >= made->patch) return;
    throw Error(
        ErrorKind::refused,
        fmt::format("the backup was made by Qdrant {}, the target is {}", manifest.server_version, version),
        fmt::format("a snapshot may be restored to {}.{} from patch {} on", made->major, made->minor, made->patch));
}

}  // namespace

std::string renamed(const model::Renames& renames, const std::string& name) {
    const auto found = std::find_if(renames.begin(), renames.end(), [&](const auto& one) { return one.first == name; });
    return found == renames.end() ? name : found->second;
}

// Rights are looked at before anything else of the request, and a folder is nothing that can be recovered from; the
// refusal names the folder that snapshots must lie in.
std::string require_may_restore(Call& call, const Client& client, const std::string& collection) {
    const net::Request request{.method = "PUT",
                               .path = below(collection, "/snapshots/recover?wait=true"),
                               .body = R"({"location":"file:///","priority":"snapshot"})"};
    const auto response = client.http().send(call, request);
    const auto said = words(response);
    const auto open = said.find('"'), close = said.rfind('"');
    if (said.find("inside the snapshots directory") != std::string::npos && close > open)
        return said.substr(open + 1, close - open - 1);
    if (response.status == 401 || response.status == 403)
        require_good(response, fmt::format("restore collection {}", collection));
    return {};
}

model::Plan plan_restore(Call& call, Nodes& nodes, const model::Request& request) {
    require_plain_url(url_of(request.options));
    const auto pieces = pieces_of(*request.manifest);
    if (pieces.empty()) throw Error(ErrorKind::corrupt, "the backup has no files");

    model::Plan plan;
    require_version(*request.manifest, nodes.any().root(call).version, plan);
    if (pieces.front().place.unit == Unit::storage) throw_start_command(request, pieces.front());
    const auto target = request.inspection ? *request.inspection
                                           : inspect(call, nodes, {.include = {}, .exclude = {}, .counts = false});
    const auto now = look_at_target(call, nodes, target);
    const auto wishes = wishes_for(call, nodes, request, now, plan);
    require_may_restore(call, nodes.any(), wishes.front().name);
    for (const auto& wish : wishes) add_steps(call, nodes, wish, request, now, plan);
    return plan;
}

}  // namespace vbackup::driver::qdrant
