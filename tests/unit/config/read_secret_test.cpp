// SPDX-License-Identifier: Apache-2.0
#include "config/read_secret.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "scratch.hpp"

using namespace vbackup;
using namespace vbackup::config;
using test::refusal;

namespace {

const Environment with_path{{"PATH", "/usr/bin:/bin"}};

TargetConfig by_file(const std::filesystem::path& file) {
    TargetConfig target;
    target.name = "prod";
    target.api_key_file = file.string();
    return target;
}

TargetConfig by_variable(const std::string& name) {
    TargetConfig target;
    target.api_key_env = name;
    return target;
}

TargetConfig by_command(const std::string& command) {
    TargetConfig target;
    target.api_key_command = command;
    return target;
}

void check_refused(const std::function<void()>& work, const std::string& message) {
    const auto error = refusal(work);
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::configuration);
    CHECK_MESSAGE(error->message().find(message) != std::string::npos, error->message());
    CHECK_MESSAGE(test::everything(*error).find("hunter2") == std::string::npos, test::everything(*error));
}

}  // namespace

TEST_CASE("without a place for a key there is none") {
    const FoundSecret found = read_secret(TargetConfig{}, with_path);
    CHECK(found.secret.empty());
    CHECK(found.warning.empty());
}

TEST_CASE("a key from a file, without the line end") {
    const test::Scratch scratch;
    for (const char* text : {"hunter2", "hunter2\n", "hunter2\r\n", "hunter2\n\n"}) {
        const FoundSecret found = read_secret(by_file(scratch.write("key", text)), {});
        CHECK(found.secret.reveal() == "hunter2");
        CHECK(found.warning.empty());
    }
    CHECK(read_secret(by_file(scratch.write("key", " with spaces ")), {}).secret.reveal() == " with spaces ");
}

TEST_CASE("a key file that others can read is worth a warning") {
    const test::Scratch scratch;
    for (const mode_t mode : {mode_t{0640}, mode_t{0604}, mode_t{0644}}) {
        const FoundSecret found = read_secret(by_file(scratch.write("key", "hunter2\n", mode)), {});
        CHECK(found.secret.reveal() == "hunter2");
        CHECK(found.warning.find("chmod 600") != std::string::npos);
        CHECK(found.warning.find("hunter2") == std::string::npos);
    }
    for (const mode_t mode : {mode_t{0600}, mode_t{0400}, mode_t{0700}}) {
        CHECK(
            read_secret(by_file(scratch.write("key-" + std::to_string(mode), "hunter2\n", mode)), {}).warning.empty());
    }
}

TEST_CASE("a key file that holds no key is refused") {
    const test::Scratch scratch;
    check_refused([&] { read_secret(by_file(scratch.path() / "missing"), {}); }, "No such file");
    check_refused([&] { read_secret(by_file(scratch.path()), {}); }, "directory");
    check_refused([&] { read_secret(by_file(scratch.write("key", "")), {}); }, "empty");
    check_refused([&] { read_secret(by_file(scratch.write("key", "\n\r\n")), {}); }, "empty");
    check_refused([&] { read_secret(by_file(scratch.write("key", "hunter2\nuser: me\n")), {}); }, "more than one line");
    check_refused([&] { read_secret(by_file(scratch.write("key", "hunter2\x01")), {}); }, "control characters");
    check_refused([&] { read_secret(by_file(scratch.write("key", std::string(65537, 'x'))), {}); }, "64 KiB");
    CHECK(read_secret(by_file(scratch.write("key", std::string(65536, 'x'))), {}).secret.reveal().size() == 65536);
}

TEST_CASE("a key from a variable") {
    CHECK(read_secret(by_variable("PROD_KEY"), {{"PROD_KEY", "hunter2"}}).secret.reveal() == "hunter2");
    check_refused([] { read_secret(by_variable("PROD_KEY"), {}); }, "PROD_KEY: it is not set");
    check_refused([] { read_secret(by_variable("PROD_KEY"), {{"PROD_KEY", ""}}); }, "PROD_KEY: it is empty");
    check_refused([] { read_secret(by_variable("hunter2"), {}); }, "named by api_key_env");
}

TEST_CASE("a key from a command") {
    CHECK(read_secret(by_command("echo hunter2"), with_path).secret.reveal() == "hunter2");
    CHECK(read_secret(by_command("printf %s \"$MINE\""), {{"MINE", "from here"}}).secret.reveal() == "from here");
    // Its input is empty, its messages go nowhere, and it has its own environment.
    CHECK(read_secret(by_command("cat; echo noise >&2; echo hunter2"), with_path).secret.reveal() == "hunter2");
    CHECK(read_secret(by_command("printf %s \"${HOME-none}\""), {}).secret.reveal() == "none");
}

TEST_CASE("a command that gives no key is refused without its output") {
    check_refused([] { read_secret(by_command("echo hunter2; echo hunter2 >&2; exit 3"), with_path); }, "exit code 3");
    check_refused([] { read_secret(by_command("kill -9 $$"), with_path); }, "signal 9");
    check_refused([] { read_secret(by_command("true"), with_path); }, "empty");
    check_refused([] { read_secret(by_command("echo hunter2; echo more"), with_path); }, "more than one line");
    check_refused([] { read_secret(by_command("yes hunter2"), with_path); }, "64 KiB");
    check_refused([] { read_secret(by_command("vbackup-has-no-such-command"), with_path); }, "exit code 127");
}

TEST_CASE("a command that does not end is ended, with all it started") {
    const test::Scratch scratch;
    const std::string fifo = (scratch.path() / "fifo").string();
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    // The subshell holds the only writing end; once it is killed, reading finds the end.
    const std::string command = "(exec 3<>" + fifo + "; read x <&3) & echo hunter2; wait";
    check_refused([&] { read_secret(by_command(command), with_path, Milliseconds(100)); }, "did not end in time");
    // What was killed may take a moment to be gone.
    bool read_by_somebody = true;
    for (int look = 0; look < 1000 && read_by_somebody; ++look) {
        const int writer = ::open(fifo.c_str(), O_WRONLY | O_NONBLOCK);
        read_by_somebody = writer >= 0;
        if (writer >= 0) ::close(writer);
        if (read_by_somebody) ::poll(nullptr, 0, 5);
    }
    CHECK_FALSE(read_by_somebody);
    // Its output closed, but still running.
    check_refused([&] { read_secret(by_command("exec >&-; read x <> " + fifo), with_path, Milliseconds(100)); },
                  "did not end in time");
}

TEST_CASE("a pipe that nobody writes into is not waited for without end; one that somebody does is read") {
    const test::Scratch scratch;
    const auto pipe = scratch.path() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    check_refused([&] { read_secret(by_file(pipe), {}); }, "empty");
    const int writer = ::open(pipe.c_str(), O_RDWR);
    REQUIRE(writer >= 0);
    check_refused([&] { read_secret(by_file(pipe), {}, Milliseconds(20)); }, "nothing comes out of it");
    ::close(writer);
    // As the shell's <(command) is.
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    REQUIRE(::write(ends[1], "hunter2\n", 8) == 8);
    ::close(ends[1]);
    CHECK(read_secret(by_file("/dev/fd/" + std::to_string(ends[0])), {}).secret.reveal() == "hunter2");
    ::close(ends[0]);
}

TEST_CASE("only one place may be named") {
    TargetConfig target = by_variable("K");
    target.name = "prod";
    target.api_key_command = "echo hunter2";
    check_refused([&target] { read_secret(target, {{"K", "hunter2"}}); }, "more than one place");
}

TEST_CASE("a key for a target given as a URL comes from the environment") {
    const test::Scratch scratch;
    const std::string file = scratch.write("key", "hunter2\n", 0644).string();
    CHECK(read_secret(Environment{}).secret.empty());
    CHECK(read_secret(Environment{{"VBACKUP_API_KEY", ""}}).secret.empty());
    CHECK(read_secret(Environment{{"VBACKUP_API_KEY", "direct"}}).secret.reveal() == "direct");
    const FoundSecret found = read_secret(Environment{{"VBACKUP_API_KEY_FILE", file}});
    CHECK(found.secret.reveal() == "hunter2");
    CHECK(!found.warning.empty());
    check_refused(
        [&] {
            read_secret(Environment{{"VBACKUP_API_KEY_FILE", file}, {"VBACKUP_API_KEY", "hunter2"}});
        },
        "both");
    check_refused([] { read_secret(Environment{{"VBACKUP_API_KEY_FILE", "/nonexistent/key"}}); }, "No such file");
}
