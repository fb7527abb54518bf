// SPDX-License-Identifier: Apache-2.0
// Who says a value: included files, the environment over them, [defaults] under a target.
#include <algorithm>

#include "config/config.hpp"
#include "config/keys.hpp"
#include "config/start.hpp"
#include "scratch.hpp"

using namespace vbackup;
using namespace vbackup::config;
using test::refusal;

namespace {

const Setting* setting(const Config& config, const std::string& key) {
    for (const auto& one : config.settings)
        if (one.key == key) return &one;
    return nullptr;
}

std::string value_of(const Config& config, const std::string& key) {
    const auto* found = setting(config, key);
    return found ? found->value : "(nothing)";
}

// A value of each sort that the reader takes, as TOML has it.
std::string sample(const Key& key) {
    if (key.name.ends_with("_url") || key.type == KeyType::url) return "\"http://h:1\"";
    if (key.name == "addressing") return "\"path\"";
    switch (key.type) {
        case KeyType::texts:
            return "[\"a\"]";
        case KeyType::urls:
            return "[\"http://h:1\"]";
        case KeyType::words:
            return "[\"/bin/true\"]";
        case KeyType::duration:
            return "\"2h\"";
        case KeyType::rate:
            return "\"10M\"";
        case KeyType::count:
            return "2";
        case KeyType::flag:
            return "true";
        case KeyType::options:
            return "{ unit = \"shard\" }";
        default:
            return "\"/a/b\"";
    }
}

std::string with_key(const Key& key, const std::string& value) {
    std::string table(key.table);
    if (const auto star = table.find('*'); star != std::string::npos) table.replace(star, 1, "a");
    std::string text = table.empty() ? "" : "[" + table + "]\n";
    text += std::string(key.name) + " = " + value + "\n";
    if (key.name == "include") text = "include = []\n";
    if (key.name == "client_cert_file") text += "client_key_file = \"k\"\n";
    if (key.name == "client_key_file") text += "client_cert_file = \"c\"\n";
    if (table.starts_with("targets.a.")) text = "[targets.a]\nurl = \"http://h\"\n" + text;
    if (table == "targets.a" && key.name != "url") text += "url = \"http://h\"\n";
    if (table == "stores.a" && key.name != "url") text += "url = \"/a/b\"\n";
    return text;
}

}  // namespace

TEST_CASE("every key of the table is read, and shown") {
    for (const auto& key : keys()) {
        CAPTURE(key.table);
        CAPTURE(key.name);
        const test::Scratch scratch;
        const auto file = scratch.write("vbackup.toml", with_key(key, sample(key)));
        const auto error = refusal([&] { load(file); });
        CHECK_MESSAGE(!error, (error ? test::everything(*error) : ""));
        if (error) continue;
        const auto config = load(file);
        std::string path(key.table);
        if (const auto star = path.find('*'); star != std::string::npos) path.replace(star, 1, "a");
        path += path.empty() ? std::string(key.name) : "." + std::string(key.name);
        const auto* shown = setting(config, path);
        REQUIRE(shown);
        CHECK(shown->origin == Origin::file);
        CHECK(shown->file == file.string());
        CHECK(shown->line > 0);
    }
}

TEST_CASE("every key of the table has one type: a list is not text, text is no table") {
    for (const auto& key : keys()) {
        CAPTURE(key.table);
        CAPTURE(key.name);
        const test::Scratch scratch;
        const bool lists = key.type == KeyType::texts || key.type == KeyType::urls || key.type == KeyType::words;
        auto text = with_key(key, lists ? "7" : "[7]");
        if (key.name == "include") text = "include = 7\n";
        const auto error = refusal([&, file = scratch.write("vbackup.toml", text)] { load(file); });
        REQUIRE(error);
        CHECK(error->kind() == ErrorKind::configuration);
    }
}

TEST_CASE("the reader knows no key that the table does not have") {
    for (const auto table : tables()) {
        CAPTURE(table);
        const Key wrong{table, "zzzzzzzzzzzz"};
        const test::Scratch scratch;
        const auto error = refusal([&, file = scratch.write("vbackup.toml", with_key(wrong, "1"))] { load(file); });
        REQUIRE(error);
        std::vector<std::string> known;
        for (const auto& key : keys())
            if (key.table == table) known.emplace_back(key.name);
        // Tables inside this one are known too.
        for (const auto other : tables())
            if (other.size() > table.size() && (table.empty() || other.starts_with(std::string(table) + "."))) {
                const auto rest = table.empty() ? other : other.substr(table.size() + 1);
                if (rest.find("*.") == std::string_view::npos) known.emplace_back(rest.substr(0, rest.find('.')));
            }
        std::sort(known.begin(), known.end());
        known.erase(std::unique(known.begin(), known.end()), known.end());
        std::string all = "known are: ";
        for (const auto& name : known) all += (name == known.front() ? "" : ", ") + name;
        CHECK(error->hint() == all);
    }
}

TEST_CASE("what a target does not say is said by [defaults]") {
    const test::Scratch scratch;
    const auto file = scratch.write("vbackup.toml", R"(store = "here"
[defaults]
stall = "1h"
retention = "7d"
keep = { daily = 7, weekly = 4 }
[targets.prod]
url = "http://h"
retention = "30d"
keep = { last = 3 }
[targets.test]
url = "http://i"
verify = true
)");
    const auto config = load(file);
    const auto prod = config.habits_of(config.target("prod"));
    CHECK(prod.stall == std::chrono::hours(1));
    CHECK(prod.retention == std::chrono::days(30));
    CHECK(prod.keep.last == 3);
    CHECK_FALSE(prod.keep.daily);
    const auto test = config.habits_of(config.target("test"));
    CHECK(test.retention == std::chrono::days(7));
    CHECK(test.keep.daily == 7);
    CHECK(test.verify == true);
    CHECK(config.habits_of(nullptr).retention == std::chrono::days(7));
    CHECK(setting(config, "targets.test.retention")->through == "defaults.retention");
    CHECK(setting(config, "targets.test.retention")->line == 4);
    CHECK(setting(config, "targets.prod.retention")->through.empty());
    CHECK(value_of(config, "targets.prod.keep.daily") == "(nothing)");
    CHECK(value_of(config, "targets.test.keep.daily") == "7");
    CHECK(value_of(config, "targets.prod.store") == (scratch.path() / "here").string());
    CHECK(setting(config, "targets.prod.store")->through == "store");
    CHECK(value_of(config, "targets.prod.timeout") == "24h");
    CHECK(setting(config, "targets.prod.timeout")->origin == Origin::usual);
}

TEST_CASE("the environment goes before the file, also for a target that says it itself") {
    const test::Scratch scratch;
    const auto file = scratch.write("vbackup.toml", R"(store = "/of/file"
[defaults]
parallel = 2
[targets.prod-1]
url = "http://h"
parallel = 3
keep = { daily = 7 }
[targets.test]
url = "http://i"
)");
    const Environment environment{{"VBACKUP_PARALLEL", "5"},
                                  {"VBACKUP_STORE", "/of/variable"},
                                  {"VBACKUP_KEEP_DAILY", "9"},
                                  {"VBACKUP_TARGET_TEST__PARALLEL", "6"},
                                  {"VBACKUP_TARGET_TEST__KEEP_LAST", "2"},
                                  {"VBACKUP_TARGET_TEST__COLLECTIONS", "docs-*  more"},
                                  {"VBACKUP_TARGET_NEW__URL", "http://new:1"},
                                  {"VBACKUP_STORE_OTHER__URL", "other/place"},
                                  {"VBACKUP_STALL", ""}};
    const auto config = load(file.string(), environment);
    CHECK(config.store == "/of/variable");
    CHECK(config.habits_of(config.target("prod-1")).parallel == 5);
    CHECK(config.habits_of(config.target("prod-1")).keep.daily == 9);
    CHECK(config.habits_of(config.target("test")).parallel == 6);
    CHECK(config.habits_of(config.target("test")).keep.last == 2);
    CHECK(config.target("test")->collections == std::vector<std::string>{"docs-*", "more"});
    CHECK(config.require_target("new").url == "http://new:1");
    CHECK(config.require_store("other").url == "other/place");
    CHECK(setting(config, "targets.prod-1.parallel")->variable == "VBACKUP_PARALLEL");
    CHECK(setting(config, "targets.test.parallel")->variable == "VBACKUP_TARGET_TEST__PARALLEL");
    CHECK(value_of(config, "targets.test.parallel") == "6");
    CHECK(value_of(config, "store") == "/of/variable");
    CHECK(load("", {{"VBACKUP_TARGET_ONLY__URL", "http://o:1"}}).require_target("only").url == "http://o:1");
}

TEST_CASE("a variable that is wrong is named") {
    const auto reading = [](const std::string& name, const std::string& value) {
        return refusal([&] { load("", {{"XDG_CONFIG_HOME", "/nowhere"}, {name, value}}); });
    };
    const auto count = reading("VBACKUP_PARALLEL", "many");
    REQUIRE(count);
    CHECK(count->message() == "VBACKUP_PARALLEL is no whole number");
    const auto stall = reading("VBACKUP_STALL", "soon");
    REQUIRE(stall);
    CHECK(test::context(*stall, "variable") == "VBACKUP_STALL");
    const auto flag = reading("VBACKUP_VERIFY", "yes");
    REQUIRE(flag);
    CHECK(flag->message() == "VBACKUP_VERIFY is neither true nor false");
    const auto name = reading("VBACKUP_TARGET_PROD__ULR", "http://h");
    REQUIRE(name);
    CHECK(name->hint() == "did you mean 'VBACKUP_TARGET_PROD__URL'?");
    CHECK_FALSE(reading("VBACKUP_TARGET", "x"));
    CHECK_FALSE(reading("VBACKUP_STALL", ""));
}

TEST_CASE("included files are read as one, and name their own places") {
    const test::Scratch scratch;
    const auto file = scratch.write("vbackup.toml", "include = [\"conf.d/*.toml\", \"more.toml\"]\nstore = \"/s/t\"\n");
    const auto one = scratch.write("conf.d/1.toml", "[targets.a]\nurl = \"http://h\"\nca_file = \"ca.pem\"\n");
    scratch.write("conf.d/2.toml", "[targets.b]\nurl = \"http://i\"\n");
    scratch.write("conf.d/3.txt", "no TOML at all");
    scratch.write("more.toml", "[targets.b]\nretention = \"1d\"\n");
    const auto config = load(file);
    CHECK(config.targets.size() == 2);
    CHECK(config.target("a")->ca_file == (scratch.path() / "conf.d/ca.pem").string());
    CHECK(config.target("b")->habits.retention == std::chrono::days(1));
    CHECK(setting(config, "targets.a.ca_file")->file == one.string());
    CHECK(setting(config, "targets.a.ca_file")->line == 3);

    scratch.write("conf.d/2.toml", "[targets.b]\nurl = \"http://i\"\n[targets.a]\nurl = \"http://j\"\n");
    const auto twice = refusal([&] { load(file); });
    REQUIRE(twice);
    CHECK(twice->message() == "'targets.a.url' is said twice");
    CHECK(twice->hint() == "line 2 of " + one.string() + " says it too; keep one");
    scratch.write("conf.d/2.toml", "[targets.b]\nulr = \"http://i\"\n");
    const auto wrong = refusal([&] { load(file); });
    REQUIRE(wrong);
    CHECK(test::context(*wrong, "file") == (scratch.path() / "conf.d/2.toml").string());
    scratch.write("conf.d/2.toml", "include = [\"x\"]\n");
    const auto again = refusal([&] { load(file); });
    REQUIRE(again);
    CHECK(again->message() == "an included file cannot include others");
    std::filesystem::remove(scratch.path() / "conf.d/2.toml");
    std::filesystem::remove(scratch.path() / "more.toml");
    const auto missing = refusal([&] { load(file); });
    REQUIRE(missing);
    CHECK(missing->message().find("No such file") != std::string::npos);
    scratch.write("vbackup.toml", "include = [\"nothing.d/*.toml\"]\n");
    CHECK_FALSE(refusal([&] { load(file); }));
}

TEST_CASE("check tells all mistakes, and no more than there are") {
    const test::Scratch scratch;
    const auto file = scratch.write("vbackup.toml", R"(stroe = "/a"
[defaults]
timeout = 90
retention = "7d"
[targets.a]
url = "http://h"
verfy = true
ca_file = 7
context = "c"
[targets.b]
url = "http://b"
[targets.B]
url = "http://b"
)");
    const auto checked = check(file.string(), {});
    std::string all;
    for (const auto& mistake : checked.mistakes) all += mistake.message() + "\n";
    CHECK(all.find("'stroe' is not known") != std::string::npos);
    CHECK(all.find("'defaults.timeout' is a whole number") != std::string::npos);
    CHECK(all.find("'targets.a.ca_file' is a whole number") != std::string::npos);
    CHECK(all.find("'targets.a.verfy' is not known") != std::string::npos);
    CHECK(all.find("'B' is no name") != std::string::npos);
    CHECK_MESSAGE(checked.mistakes.size() == 5, all);
    CHECK(checked.config.targets.contains("b"));
}

TEST_CASE("what may be a secret is masked") {
    const test::Scratch scratch;
    const auto file = scratch.write("vbackup.toml", R"([targets.a]
url = "http://h"
api_key_command = "echo hunter2secret"
ping_url = "https://hc.example/hunter2secret"
[targets.b]
url = "http://h"
api_key_env = "hunter2secret"
[targets.c]
url = "http://h"
api_key_env = "PROD_KEY"
[targets.d]
url = "http://h"
api_key_env = "HUNTER2SECRET"
)");
    const auto config = load(file);
    for (const auto& one : config.settings) {
        CHECK(one.value.find("hunter2") == std::string::npos);
        CHECK(one.value.find("HUNTER2") == std::string::npos);
    }
    CHECK(value_of(config, "targets.a.ping_url") == "***");
    CHECK(value_of(config, "targets.c.api_key_env") == "PROD_KEY");
    scratch.write("vbackup.toml", "[defaults]\nping_url = \"hunter2secret\"\n");
    const auto wrong = refusal([&] { load(file); });
    REQUIRE(wrong);
    CHECK(test::everything(*wrong).find("hunter2") == std::string::npos);
}

TEST_CASE("a ping URL by a variable beside a file that holds one is refused: two sources for one thing") {
    const test::Scratch scratch;
    const std::string target = "[targets.a]\nurl = \"http://h\"\n", file = "ping_url_file = \"p\"\n";
    const auto refused = [&](const std::string& text, const std::string& name) {
        const auto path = scratch.write("vbackup.toml", text);
        return refusal([&] { load(path.string(), {{name, "https://hc.example/hunter2secret"}}); });
    };
    for (const auto& wrong : {refused("[defaults]\n" + file + target, "VBACKUP_PING_URL"),
                              refused(target + file, "VBACKUP_TARGET_A__PING_URL")}) {
        REQUIRE(wrong);
        CHECK(wrong->kind() == ErrorKind::configuration);
        CHECK(wrong->hint() == "keep one of ping_url and ping_url_file");
        CHECK(test::everything(*wrong).find("hunter2") == std::string::npos);
    }
    // What a target says for itself goes before what is said for all, here as with every key.
    CHECK_FALSE(refused(target + file, "VBACKUP_PING_URL"));
}

TEST_CASE("the configuration to begin with is one, with and without its comments") {
    const test::Scratch scratch;
    const auto file = scratch.path() / "etc/vbackup.toml";
    write_start(file);
    struct stat facts {};
    REQUIRE(::stat(file.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
    CHECK(load(file).targets.empty());
    std::string text(start_text()), live;
    for (std::size_t from = 0; from < text.size();) {
        const auto end = text.find('\n', from);
        auto line = text.substr(from, end - from);
        if (line.size() > 1 && line[0] == '#' && line[1] != ' ') line.erase(0, 1);
        live += line + "\n";
        from = end + 1;
    }
    const auto config = load(scratch.write("live.toml", live));
    CHECK(config.targets.size() == 2);
    CHECK(config.defaults.keep.monthly == 12);
    const auto again = refusal([&] { write_start(file); });
    REQUIRE(again);
    CHECK(again->kind() == ErrorKind::conflict);
    CHECK(load(file).targets.empty());
}
