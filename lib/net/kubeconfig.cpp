// SPDX-License-Identifier: Apache-2.0
#include "net/kubeconfig.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <functional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::net {

namespace {

constexpr std::size_t longest = std::size_t{4} << 20;

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
    throw Error(ErrorKind::configuration, fmt::format("kubeconfig {}: {}", file.string(), what),
                "`kubectl config view` reads the same file", {{"file", file.string()}});
}

int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

// RFC 4648 with padding; line breaks and blanks between are skipped, as long data is often folded. Empty: it is none.
std::optional<std::string> decode_base64(std::string_view text) {
    std::string out;
    std::uint32_t bits = 0;
    int have = 0, padding = 0, characters = 0;
    for (const char c : text) {
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
        ++characters;
        if (c == '=') {
            ++padding;
            continue;
        }
        const int value = base64_value(c);
        if (value < 0 || padding > 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        out += static_cast<char>(bits >> have & 0xFFU);
    }
    if (characters % 4 != 0 || padding > 2) return std::nullopt;
    return out;
}

// One map of the file, with the words for what is wrong in it. What is absent or null reads as empty.
class Fields {
public:
    Fields(const YAML::Node& node, const std::filesystem::path& file, std::string where)
        : node_(node), file_(file), where_(std::move(where)) {
        if (!is_empty(node_) && !node_.IsMap()) fail(file_, fmt::format("{} is no map", where_));
    }

    std::string text(const char* key) const {
        const auto value = child(key);
        if (is_empty(value)) return {};
        if (!value.IsScalar()) fail(file_, fmt::format("{} is no text", name(key)));
        return value.Scalar();
    }

    bool flag(const char* key) const {
        const auto word = text(key);
        if (word.empty() || word == "false") return false;
        if (word != "true") fail(file_, fmt::format("{} is neither true nor false", name(key)));
        return true;
    }

    // A path below the file's own folder, unless it is absolute.
    std::string path(const char* key) const {
        const auto word = text(key);
        return word.empty() ? word : beside_file(word);
    }

    std::string beside_file(const std::string& word) const { return (file_.parent_path() / word).string(); }

    std::string blob(const char* key) const {
        auto decoded = decode_base64(text(key));
        if (!decoded) fail(file_, fmt::format("{} is no base64", name(key)));
        return *std::move(decoded);
    }

    Fields map(const char* key) const { return {child(key), file_, name(key)}; }
    bool has(const char* key) const { return !is_empty(child(key)); }

    void each(const char* key, const std::function<void(const YAML::Node&, const std::string& where)>& take) const {
        const auto list = child(key);
        if (is_empty(list)) return;
        if (!list.IsSequence()) fail(file_, fmt::format("{} is no list", name(key)));
        for (std::size_t i = 0; i < list.size(); ++i) take(list[i], fmt::format("{}[{}]", name(key), i));
    }

    std::vector<std::string> texts(const char* key) const {
        std::vector<std::string> all;
        each(key, [&](const YAML::Node& item, const std::string& where) {
            if (!item.IsScalar()) fail(file_, fmt::format("{} is no text", where));
            all.push_back(item.Scalar());
        });
        return all;
    }

    // [{name: …, value: …}, …]
    std::vector<std::pair<std::string, std::string>> variables(const char* key) const {
        std::vector<std::pair<std::string, std::string>> all;
        each(key, [&](const YAML::Node& item, const std::string& where) {
            const Fields one(item, file_, where);
            if (one.text("name").empty()) fail(file_, fmt::format("{} has no name", where));
            all.emplace_back(one.text("name"), one.text("value"));
        });
        return all;
    }

    // [{name: …, KEY: {…}}, …] as a map by name.
    template <class Value>
    std::map<std::string, Value> named(const char* key, const char* inner, Value (*read)(const Fields&)) const {
        std::map<std::string, Value> all;
        each(key, [&](const YAML::Node& item, const std::string& where) {
            const Fields one(item, file_, where);
            const auto entry = one.text("name");
            if (entry.empty()) fail(file_, fmt::format("{} has no name", where));
            if (!all.emplace(entry, read(one.map(inner))).second)
                fail(file_, fmt::format("{} has the name of another one", where));
        });
        return all;
    }

    // {KEY: [text, …], …}
    void lists(const char* key, const std::function<void(const std::string&, const std::string&)>& take) const {
        const Fields inner = map(key);
        if (is_empty(inner.node_)) return;
        for (const auto& entry : inner.node_) {
            // A key is not repeated: in a file that is mixed up it may be anything.
            if (!entry.first.IsScalar() || !entry.second.IsSequence())
                fail(file_, fmt::format("{} holds what is no list", inner.where_));
            for (const auto& value : entry.second) {
                if (!value.IsScalar()) fail(file_, fmt::format("{} holds what is no text", inner.where_));
                take(entry.first.Scalar(), value.Scalar());
            }
        }
    }

private:
    static bool is_empty(const YAML::Node& node) { return !node.IsDefined() || node.IsNull(); }
    std::string name(std::string_view key) const {
        return where_.empty() ? std::string(key) : fmt::format("{}.{}", where_, key);
    }
    YAML::Node child(const char* key) const {
        if (is_empty(node_)) return {};
        const YAML::Node& fixed = node_;
        const auto found = fixed[std::string(key)];
        return found.IsDefined() ? found : YAML::Node();
    }

    YAML::Node node_;
    const std::filesystem::path& file_;
    std::string where_;
};

KubeCluster read_cluster(const Fields& fields) {
    return {.server = fields.text("server"),
            .tls_server_name = fields.text("tls-server-name"),
            .proxy_url = fields.text("proxy-url"),
            .ca_file = fields.path("certificate-authority"),
            .ca_data = fields.blob("certificate-authority-data"),
            .insecure = fields.flag("insecure-skip-tls-verify")};
}

KubeContext read_context(const Fields& fields) {
    return {fields.text("cluster"), fields.text("user"), fields.text("namespace")};
}

std::optional<CredentialCommand> read_command(const Fields& user) {
    if (!user.has("exec")) return std::nullopt;
    const auto fields = user.map("exec");
    CredentialCommand command;
    command.api_version = fields.text("apiVersion");
    command.command = fields.text("command");
    // As kubectl has it: a path is meant from the file's folder, a bare name is looked for on PATH.
    if (command.command.find('/') != std::string::npos) command.command = fields.beside_file(command.command);
    command.arguments = fields.texts("args");
    command.environment = fields.variables("env");
    command.install_hint = fields.text("installHint");
    command.wants_cluster = fields.flag("provideClusterInfo");
    command.wants_terminal = fields.text("interactiveMode") == "Always";
    return command;
}

// A key of any text as the end of a header's name, as Kubernetes takes it: what no such name may hold, and '%', as %XX.
std::string as_header(std::string_view key) {
    constexpr std::string_view marks = "!#$&'*+-.^_`|~";
    std::string name;
    for (const char c : key) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter || marks.find(c) != std::string_view::npos) {
            name += c;
        } else {
            name += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        }
    }
    return name;
}

KubeUser read_user(const Fields& fields) {
    KubeUser user;
    user.cert_file = fields.path("client-certificate");
    user.cert_data = fields.blob("client-certificate-data");
    user.key_file = fields.path("client-key");
    user.key_data = Secret(fields.blob("client-key-data"));
    user.token = Secret(fields.text("token"));
    user.token_file = fields.path("tokenFile");
    user.username = fields.text("username");
    user.password = Secret(fields.text("password"));
    user.command = read_command(fields);
    user.auth_provider = fields.map("auth-provider").text("name");
    if (const auto as = fields.text("as"); !as.empty()) user.impersonation.emplace_back("Impersonate-User", as);
    if (const auto uid = fields.text("as-uid"); !uid.empty()) user.impersonation.emplace_back("Impersonate-Uid", uid);
    for (const auto& group : fields.texts("as-groups")) user.impersonation.emplace_back("Impersonate-Group", group);
    fields.lists("as-user-extra", [&](const std::string& key, const std::string& value) {
        user.impersonation.emplace_back("Impersonate-Extra-" + as_header(key), value);
    });
    return user;
}

// Where a YAML error lies. Its own words may hold what was written there.
std::string place_of(const YAML::Exception& error) {
    if (error.mark.is_null()) return "it is no YAML";
    return fmt::format("it is no YAML at line {}, column {}", error.mark.line + 1, error.mark.column + 1);
}

template <class Value>
void name_entries(std::map<std::string, Value>& entries) {
    for (auto& [name, entry] : entries) entry.name = name;
}

}  // namespace

Kubeconfig parse_kubeconfig(std::string_view text, const std::filesystem::path& file) {
    if (text.size() > longest) fail(file, fmt::format("it is longer than {}", format_bytes(longest)));
    try {
        const Fields top(YAML::Load(std::string(text)), file, "");
        if (const auto kind = top.text("kind"); !kind.empty() && kind != "Config")
            fail(file, "it is of another kind than Config");
        Kubeconfig config;
        config.current_context = top.text("current-context");
        config.clusters = top.named<KubeCluster>("clusters", "cluster", read_cluster);
        config.users = top.named<KubeUser>("users", "user", read_user);
        config.contexts = top.named<KubeContext>("contexts", "context", read_context);
        name_entries(config.clusters);
        name_entries(config.users);
        return config;
    } catch (const YAML::Exception& error) {
        fail(file, place_of(error));
    }
}

void merge(Kubeconfig& into, Kubeconfig later) {
    if (into.current_context.empty()) into.current_context = std::move(later.current_context);
    into.clusters.merge(later.clusters);
    into.users.merge(later.users);
    into.contexts.merge(later.contexts);
}

}  // namespace vbackup::net
