// SPDX-License-Identifier: Apache-2.0
// Any text is a kubeconfig and an ExecCredential, or ends in an Error{configuration} that repeats no secret.
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "net/kube_credentials.hpp"
#include "net/kubeconfig.hpp"
#include "support/fuzz.hpp"

using namespace vbackup;
using test::must;

namespace {

// Runs what reads a text; the secret of all those texts is "composed".
template <typename Read>
void read_or_refuse(const Read& read) {
    try {
        read();
    } catch (const Error& error) {
        must(error.kind() == ErrorKind::configuration, "it was refused by another kind of error: " + error.message());
        must(error.message().find("composed") == std::string::npos, "the error repeats a secret");
        must(error.message().size() < 1000, "the error repeats too much");
    }
}

}  // namespace

TEST_CASE("fuzz: kubeconfigs and what credential commands print") {
    auto about = test::json_fuzz("kubeconfig", {"*a", "&a ", "!!binary ", "- ", "  ", ": ", "'", "|\n", "~", "? ",
                                                "<<: *a\n", "---\n", "%YAML 9\n", "\\x", "[[[[[[[[[[[[[[[["});
    about.nests.insert(
        about.nests.end(),
        {{"\n", "- ", "", "a\n"}, {": ", "{a: ", "}", "\n"}, {"", "&a *a\n", "", ""}, {"", "? ", "", ""}});
    about.rounds = 700;
    about.longest = std::size_t{16} << 10;
    const auto wrong = test::fuzz(about, [](const std::string& text) {
        read_or_refuse([&] {
            const auto config = net::parse_kubeconfig(text, "/k/config");
            for (const auto& entry : config.contexts) read_or_refuse([&] { net::choose(config, entry.first); });
        });
        read_or_refuse([&] {
            net::KubeCredentials into;
            net::parse_exec_credential(text, "client.authentication.k8s.io/v1", into);
        });
    });
    CHECK(wrong == "");
}
