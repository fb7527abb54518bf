// SPDX-License-Identifier: Apache-2.0
#include "model/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::model {

namespace {

using Json = nlohmann::ordered_json;

// 2 says that files are packed; the rest is as in 1, which is still written where nothing is.
constexpr std::uint64_t newest_format = 2;
// Deeper values come from no server; copying them could exhaust the stack.
constexpr int deepest = 200;

Json parse_json(std::string_view text) {
    const auto shallow = [](int depth, Json::parse_event_t, const Json&) {
        if (depth > deepest) throw Error(ErrorKind::corrupt, "the JSON is nested too deep");
        return true;
    };
    return Json::parse(text, shallow);
}

// Builds a JSON object. Every field is written; what is absent is null.
class Writer {
public:
    Json take() { return std::move(object_); }

    void text(const char* name, const std::string& value) { object_[name] = value; }
    void maybe_text(const char* name, const std::string& value) {
        object_[name] = value.empty() ? Json() : Json(value);
    }
    void texts(const char* name, const std::vector<std::string>& value) { object_[name] = value; }
    // Fields that came later are written only where they say something.
    void later_text(const char* name, const std::string& value) {
        if (!value.empty()) object_[name] = value;
    }
    void later_number(const char* name, const std::optional<std::uint64_t>& value) {
        if (value) object_[name] = *value;
    }
    void flag(const char* name, const bool& value) { object_[name] = value; }
    void number(const char* name, const std::optional<std::uint64_t>& value) {
        object_[name] = value ? Json(*value) : Json();
    }
    void known(const char* name, const std::uint32_t& value) { object_[name] = value == 0 ? Json() : Json(value); }
    void time(const char* name, const Moment& value) { object_[name] = format_time(value); }
    void seconds(const char* name, const std::optional<Milliseconds>& value) {
        object_[name] = value ? Json(std::chrono::duration_cast<Seconds>(*value).count()) : Json();
    }
    void json(const char* name, const JsonText& value) {
        try {
            object_[name] = value.empty() ? Json() : parse_json(value);
        } catch (const Json::parse_error&) {
            throw Error(ErrorKind::not_understood, fmt::format("the value for '{}' is no JSON", name));
        }
    }
    template <class Value, class Parse>
    void word_of(const char* name, const Value& value, Parse) {
        object_[name] = word(value);
    }
    template <class Value>
    void object(const char* name, const Value& value) {
        Writer inner;
        fields(inner, value);
        object_[name] = inner.take();
    }
    template <class Value>
    void maybe_object(const char* name, const std::optional<Value>& value) {
        if (value) {
            object(name, *value);
        } else {
            object_[name] = Json();
        }
    }
    template <class Value>
    void objects(const char* name, const std::vector<Value>& values) {
        Json& list = object_[name] = Json::array();
        for (const Value& value : values) {
            Writer inner;
            fields(inner, value);
            list.push_back(inner.take());
        }
    }

private:
    Json object_ = Json::object();
};

// Reads a JSON object field by field; what does not fit is Error{corrupt} with the field's path, such as
// "files[2].part.node".
class Reader {
public:
    Reader(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
        if (!object.is_object()) fail("", "is no object");
    }

    void text(const char* name, std::string& value) const {
        const Json& json = at(name);
        if (!json.is_string()) fail(name, "is no text");
        value = json.get<std::string>();
    }
    void maybe_text(const char* name, std::string& value) const {
        value.clear();
        if (!at(name).is_null()) text(name, value);
    }
    void later_text(const char* name, std::string& value) const {
        value.clear();
        if (object_.contains(name)) maybe_text(name, value);
    }
    void later_number(const char* name, std::optional<std::uint64_t>& value) const {
        value.reset();
        if (object_.contains(name)) number(name, value);
    }
    void texts(const char* name, std::vector<std::string>& value) const {
        value.clear();
        for (const Json& item : list(name)) {
            if (!item.is_string()) fail(fmt::format("{}[{}]", name, value.size()), "is no text");
            value.push_back(item.get<std::string>());
        }
    }
    void flag(const char* name, bool& value) const {
        const Json& json = at(name);
        if (!json.is_boolean()) fail(name, "is neither true nor false");
        value = json.get<bool>();
    }
    void number(const char* name, std::optional<std::uint64_t>& value) const {
        const Json& json = at(name);
        if (!json.is_null() && !json.is_number_unsigned()) fail(name, "is no whole number");
        value = json.is_null() ? std::nullopt : std::optional(json.get<std::uint64_t>());
    }
    void known(const char* name, std::uint32_t& value) const {
        std::optional<std::uint64_t> wide;
        number(name, wide);
        if (wide.value_or(0) > std::numeric_limits<std::uint32_t>::max()) fail(name, "is too large");
        value = static_cast<std::uint32_t>(wide.value_or(0));
    }
    void time(const char* name, Moment& value) const {
        std::string written;
        text(name, written);
        const auto moment = parse_time(written);
        if (!moment) fail(name, "is no time");
        value = *moment;
    }
    void seconds(const char* name, std::optional<Milliseconds>& value) const {
        constexpr std::uint64_t most = 1'000'000'000'000;  // what milliseconds hold with room to spare
        std::optional<std::uint64_t> whole;
        number(name, whole);
        if (whole.value_or(0) > most) fail(name, "is too large");
        value = whole ? std::optional<Milliseconds>(Seconds(*whole)) : std::nullopt;
    }
    void json(const char* name, JsonText& value) const {
        const Json& json = at(name);
        value = json.is_null() ? JsonText() : json.dump();
    }
    template <class Value, class Parse>
    void word_of(const char* name, Value& value, Parse parse) const {
        std::string written;
        text(name, written);
        const auto parsed = parse(written);
        if (!parsed) fail(name, "is a word that is not known");
        value = *parsed;
    }
    template <class Value>
    void object(const char* name, Value& value) const {
        const Reader inner(at(name), path_to(name));
        fields(inner, value);
    }
    template <class Value>
    void maybe_object(const char* name, std::optional<Value>& value) const {
        value.reset();
        if (!at(name).is_null()) object(name, value.emplace());
    }
    template <class Value>
    void objects(const char* name, std::vector<Value>& values) const {
        values.clear();
        for (const Json& item : list(name)) {
            const Reader inner(item, fmt::format("{}[{}]", path_to(name), values.size()));
            fields(inner, values.emplace_back());
        }
    }

    [[noreturn]] void fail(const std::string& name, std::string_view why) const {
        const std::string where = path_to(name);
        throw Error(ErrorKind::corrupt,
                    where.empty() ? fmt::format("the text {}", why) : fmt::format("the field '{}' {}", where, why));
    }

private:
    const Json& at(const char* name) const {
        const auto found = object_.find(name);
        if (found == object_.end()) fail(name, "is missing");
        return *found;
    }
    const Json& list(const char* name) const {
        const Json& json = at(name);
        if (!json.is_array()) fail(name, "is no list");
        return json;
    }
    std::string path_to(const std::string& name) const {
        if (name.empty()) return path_;
        return path_.empty() ? name : path_ + "." + name;
    }

    const Json& object_;
    std::string path_;
};

// One description per type serves both directions, so that what is written and what is read cannot differ.
template <class Given, class Type>
concept Is = std::same_as<std::remove_const_t<Given>, Type>;

template <class Archive, Is<Part> Value>
void fields(Archive& archive, Value& part) {
    archive.maybe_text("node", part.node);
    archive.maybe_text("shard", part.shard);
    archive.maybe_text("collection", part.collection);
}

template <class Archive, Is<JobRef> Value>
void fields(Archive& archive, Value& job) {
    archive.maybe_text("name", job.name);
    archive.object("part", job.part);
    archive.json("details", job.details);
}

template <class Archive, Is<Location> Value>
void fields(Archive& archive, Value& location) {
    archive.text("url", location.url);
    archive.maybe_text("descriptor", location.descriptor);
}

template <class Archive, Is<Node> Value>
void fields(Archive& archive, Value& node) {
    archive.text("name", node.name);
    archive.maybe_text("address", node.address);
    archive.maybe_text("version", node.version);
    archive.flag("healthy", node.healthy);
    archive.maybe_text("state", node.state);
}

template <class Archive, Is<CollectionEntry> Value>
void fields(Archive& archive, Value& entry) {
    archive.text("name", entry.before.name);
    archive.number("count_before", entry.before.count);
    archive.number("count_after", entry.count_after);
    archive.known("shards", entry.before.shards);
    archive.known("replicas", entry.before.replicas);
    archive.texts("aliases", entry.before.aliases);
    archive.json("config", entry.before.config);
    archive.json("details", entry.before.details);
    archive.json("details_after", entry.details_after);
}

template <class Archive, Is<File> Value>
void fields(Archive& archive, Value& file) {
    archive.text("name", file.name);
    archive.object("part", file.part);
    archive.maybe_text("server_name", file.server_name);
    archive.number("size", file.size);
    archive.maybe_text("sha256", file.sha256);
    archive.maybe_text("server_sha256", file.server_sha256);
    archive.word_of("format", file.format, parse_format);
    archive.later_text("packing", file.packing);
    archive.later_number("stored_size", file.stored_size);
    archive.later_text("stored_sha256", file.stored_sha256);
    archive.maybe_text("base", file.base);
    archive.flag("kept", file.kept);
    archive.json("details", file.details);
}

template <class Archive, Is<Manifest> Value>
void fields(Archive& archive, Value& manifest) {
    archive.text("id", manifest.id);
    archive.time("created", manifest.created);
    archive.time("completed", manifest.completed);
    archive.text("vbackup_version", manifest.vbackup_version);
    archive.text("driver", manifest.driver);
    archive.maybe_text("target", manifest.target);
    archive.text("target_url", manifest.target_url);
    archive.text("product", manifest.product);
    archive.text("server_version", manifest.server_version);
    archive.maybe_text("unit", manifest.unit);
    archive.objects("nodes", manifest.nodes);
    archive.objects("collections", manifest.collections);
    archive.objects("files", manifest.files);
    archive.texts("bases", manifest.bases);
    archive.objects("jobs", manifest.jobs);
    archive.maybe_text("location", manifest.location);
    archive.flag("kept", manifest.kept);
    archive.text("state", manifest.state);
    archive.texts("notes", manifest.notes);
    archive.seconds("retention", manifest.retention);
    archive.maybe_text("description", manifest.description);
    archive.json("driver_data", manifest.driver_data);
}

template <class Archive, Is<Step> Value>
void fields(Archive& archive, Value& step) {
    archive.text("id", step.id);
    archive.word_of("kind", step.kind, parse_step_kind);
    archive.object("part", step.part);
    archive.text("what", step.what);
    archive.texts("after", step.after);
    archive.maybe_text("of", step.of);
    archive.maybe_object("job", step.job);
    archive.maybe_text("file", step.file);
    archive.maybe_object("location", step.location);
    archive.flag("destroys", step.destroys);
    archive.maybe_text("reveals", step.reveals);
    archive.flag("tidy", step.tidy);
    archive.json("details", step.details);
}

template <class Archive, Is<Plan> Value>
void fields(Archive& archive, Value& plan) {
    archive.objects("steps", plan.steps);
    archive.texts("notes", plan.notes);
    archive.texts("bases", plan.bases);
    archive.json("details", plan.details);
}

template <class Archive, Is<StepRecord> Value>
void fields(Archive& archive, Value& record) {
    archive.text("step", record.step);
    archive.flag("sent", record.sent);
    archive.flag("done", record.done);
    archive.maybe_text("failed", record.failed);
    archive.maybe_object("job", record.job);
}

template <class Archive, Is<Intent> Value>
void fields(Archive& archive, Value& intent) {
    archive.text("id", intent.id);
    archive.text("verb", intent.verb);
    archive.time("begun", intent.begun);
    archive.object("plan", intent.plan);
    archive.objects("records", intent.records);
    archive.object("draft", intent.draft);
    archive.json("request", intent.request);
    archive.text("target_url", intent.target_url);
}

std::uint64_t format_of(const Manifest& manifest) {
    const auto packed = [](const File& file) { return !file.packing.empty(); };
    return std::any_of(manifest.files.begin(), manifest.files.end(), packed) ? newest_format : 1;
}
std::uint64_t format_of(const Intent& intent) {
    return format_of(intent.draft);
}

template <class Value>
std::string render_top(const Value& value) {
    Writer writer;
    fields(writer, value);
    Json top = Json::object();
    top["format"] = format_of(value);
    top.update(writer.take());
    try {
        // No line feed at the end: then each cut, even of the last byte, leaves text that is no JSON.
        return top.dump(2);
    } catch (const Json::type_error&) {
        throw Error(ErrorKind::not_understood, "a name or text that goes into the manifest is not UTF-8");
    }
}

Json parse_top(std::string_view text) {
    try {
        return parse_json(text);
    } catch (const Json::exception&) {
        throw Error(ErrorKind::corrupt, "the text is cut short or no JSON");
    }
}

template <class Value>
Value read_top(std::string_view text) {
    const Json top = parse_top(text);
    const Reader reader(top, "");
    std::optional<std::uint64_t> format;
    reader.number("format", format);
    if (!format || *format == 0) reader.fail("format", "is no version of the format");
    if (*format > newest_format) {
        throw Error(ErrorKind::refused,
                    fmt::format("the manifest has format {}, this vbackup reads up to {}", *format, newest_format),
                    "use a newer vbackup");
    }
    Value value;
    fields(reader, value);
    return value;
}

bool is_sha256(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_id(std::string_view text) {
    return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

[[noreturn]] void corrupt_field(const std::string& field, std::string_view why) {
    throw Error(ErrorKind::corrupt, fmt::format("the field '{}' {}", field, why));
}

void require_good_files(const std::vector<File>& files, const std::string& path) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < files.size(); ++i) {
        const File& file = files[i];
        const auto field = [&](std::string_view name) { return fmt::format("{}[{}].{}", path, i, name); };
        if (!is_safe_file_name(file.name)) corrupt_field(field("name"), "is no safe name of a file");
        if (!names.insert(file.name).second) corrupt_field(field("name"), "was there before");
        if (file.kept && !file.size) corrupt_field(field("size"), "is missing for a kept file");
        if (file.kept && file.sha256.empty()) corrupt_field(field("sha256"), "is missing for a kept file");
        if (!file.packing.empty() && !file.stored_size)
            corrupt_field(field("stored_size"), "is missing for a packed file");
        if (!file.packing.empty() && !is_sha256(file.stored_sha256))
            corrupt_field(field("stored_sha256"), "is no SHA-256");
        if (!file.sha256.empty() && !is_sha256(file.sha256)) corrupt_field(field("sha256"), "is no SHA-256");
    }
}

void require_good(const Manifest& manifest, const std::string& path) {
    const bool known_state = manifest.state == "complete" || manifest.state == "unproven";
    if (!known_state) corrupt_field(path + "state", "is a word that is not known");
    require_good_files(manifest.files, path + "files");
}

}  // namespace

bool is_safe_file_name(std::string_view name) {
    const auto bad = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\'; };
    if (std::any_of(name.begin(), name.end(), bad)) return false;
    if (name == "manifest.json" || name == "intent.json" || name == "pinned") return false;
    for (std::size_t begin = 0; begin <= name.size();) {
        const std::string_view part = name.substr(begin, name.find('/', begin) - begin);
        if (part.empty() || part == "." || part == "..") return false;
        begin += part.size() + 1;
    }
    return true;
}

std::uint64_t Manifest::size() const {
    std::uint64_t sum = 0;
    for (const File& file : files) {
        const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - sum;
        sum += std::min(room, file.size.value_or(0));
    }
    return sum;
}

std::string render(const Manifest& manifest) {
    return render_top(manifest);
}

Manifest parse_manifest(std::string_view text) {
    auto manifest = read_top<Manifest>(text);
    if (!is_id(manifest.id)) corrupt_field("id", "is no id of a backup");
    require_good(manifest, "");
    return manifest;
}

std::string render(const Intent& intent) {
    return render_top(intent);
}

Intent parse_intent(std::string_view text) {
    auto intent = read_top<Intent>(text);
    if (!is_id(intent.id)) corrupt_field("id", "is no id of a backup");
    require_good(intent.draft, "draft.");
    return intent;
}

}  // namespace vbackup::model
