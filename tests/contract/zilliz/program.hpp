// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "cli/command/run.hpp"
#include "rig.hpp"
#include "support/temporary.hpp"

namespace vbackup::test {

struct ZillizRan {
    int code = 0;
    std::string out, err;
};

// The whole program in process, with its own drivers, a fake clock, and a target `prod` that is a cluster of a scripted
// control plane; with a folder for its configuration, journal and files that goes away.
class ZillizProgram {
public:
    explicit ZillizProgram(ScriptedZilliz::Script script = ZillizRig::two_clusters()) : server(std::move(script)) {
        std::filesystem::create_directories(folder / ".config/vbackup");
        std::ofstream(folder / "key") << "key-1\n";
        std::filesystem::permissions(folder / "key", std::filesystem::perms::owner_read);
        std::ofstream(folder / ".config/vbackup/vbackup.toml")
            << "store = \"" << (folder / "store").string() << "\"\n"
            << "[targets.prod]\nurl = \"zilliz://" << ZillizRig::cluster << "\"\nbase_url = \"" << server.base()
            << "\"\napi_key_file = \"" << (folder / "key").string() << "\"\n";
    }

    ZillizRan operator()(std::vector<std::string> arguments) {
        ZillizRan ran;
        const auto collect = [](std::string& into) {
            return [&into](std::string_view bytes) {
                into += bytes;
                return 0;
            };
        };
        const cli::Surroundings around{.environment = {{"HOME", folder.path().string()}, {"TERM", "dumb"}},
                                       .out = collect(ran.out),
                                       .err = collect(ran.err),
                                       .out_terminal = false,
                                       .err_terminal = false,
                                       .width = 80,
                                       .ask = ask,
                                       .tell = tell,
                                       .clock = clock,
                                       .pulse = nullptr,
                                       .signal = nullptr};
        ran.code = cli::run_cli(arguments, around);
        return ran;
    }

    // Everything that lies in the journal, for what must not be there.
    std::string journal() const {
        std::string all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / ".local"))
            if (entry.is_regular_file()) all += read(entry.path());
        return all;
    }
    static std::string read(const std::filesystem::path& path) {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    ScriptedZilliz server;
    FakeClock clock;
    TemporaryFolder folder;
    std::function<std::string(std::string_view)> ask;
    std::function<bool(std::string_view)> tell;
};

// Holds text against a committed file; VBACKUP_ACCEPT=1 writes it instead, and fails all the same.
inline void require_golden_zilliz(const std::string& name, const ZillizRan& ran) {
    const auto path = std::filesystem::path(TEST_DATA) / "golden" / ("zilliz-" + name);
    const auto text = ran.out + (ran.err.empty() ? "" : "-- stderr\n" + ran.err);
    CAPTURE(name);
    if (std::getenv("VBACKUP_ACCEPT") == nullptr) {
        CHECK(ZillizProgram::read(path) == text);
        return;
    }
    std::ofstream(path, std::ios::binary) << text;
    FAIL_CHECK("accepted: look at the difference, then run again without VBACKUP_ACCEPT");
}

}  // namespace vbackup::test
