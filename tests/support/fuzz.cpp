// SPDX-License-Identifier: Apache-2.0
#include "support/fuzz.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>

#include "base/error.hpp"
#include "base/text.hpp"

// Of the sanitizers' library, where there is one.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());  // NOLINT: its name

namespace vbackup::test {

namespace {

// The sanitizers take time and memory of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double slowness = 30;
constexpr long most_memory = 1024L * 1024;  // KiB
#else
constexpr double slowness = 1;
constexpr long most_memory = 192L * 1024;  // KiB
#endif

// What is being read, for who finds the process dead.
std::string dying;  // NOLINT: a callback has no other way to it

void say_last() {
    std::fprintf(stderr, "\nfuzz: died while reading %s\n", dying.c_str());
}

class Mutator {
public:
    Mutator(const Fuzz& about, const std::vector<std::string>& texts, std::uint64_t seed)
        : about_(about), texts_(texts), random_(seed) {}

    std::string next() {
        std::string text = pick(texts_);
        for (std::size_t changes = 1 + below(6); changes > 0; --changes) {
            change(text);
            if (text.size() > about_.longest) text.resize(about_.longest);
        }
        return text;
    }

private:
    std::size_t below(std::size_t limit) {
        return limit == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
    }
    const std::string& pick(const std::vector<std::string>& from) { return from[below(from.size())]; }

    const std::string& word() {
        static const std::vector<std::string> usual{"0",
                                                    "-1",
                                                    "18446744073709551615",
                                                    "9223372036854775808",
                                                    "99999999999999999999999",
                                                    "4294967296",
                                                    "1e999",
                                                    std::string(1, '\0'),
                                                    "\xFF",
                                                    "\xC3",
                                                    "\xEF\xBB\xBF",
                                                    "\n",
                                                    "\r\n",
                                                    "\t",
                                                    "\x1b[2J",
                                                    " ",
                                                    "%",
                                                    ".."};
        return about_.words.empty() || below(3) == 0 ? pick(usual) : pick(about_.words);
    }

    void change(std::string& text) {
        const auto at = below(text.size() + 1);
        const auto length = below(std::min<std::size_t>(below(4) == 0 ? 600 : 20, text.size() - at) + 1);
        switch (below(10)) {
            case 0:
                if (at < text.size()) text[at] = static_cast<char>(below(256));
                break;
            case 1:
                if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
                break;
            case 2:
                text.erase(at, length);
                break;
            case 3:
                text.insert(at, text.substr(below(text.size() + 1), length));
                break;
            case 4:
                text.insert(at, word());
                break;
            case 5: {
                const auto& other = pick(texts_);
                text = text.substr(0, at) + other.substr(below(other.size() + 1));
                break;
            }
            case 6:
                change_number(text, at);
                break;
            case 7:
                nest(text, at);
                break;
            case 8:
                repeat(text, at);
                break;
            default:
                change_value(text, at);
                break;
        }
    }

    void change_number(std::string& text, std::size_t at) {
        constexpr std::string_view digits = "0123456789";
        const auto begin = text.find_first_of(digits, at);
        if (begin == std::string::npos) return;
        const auto end = std::min(text.find_first_not_of(digits, begin), text.size());
        text.replace(begin, end - begin, word());
    }

    // How often: once as likely as a hundred thousand times.
    std::size_t often() { return 1 + below(std::size_t{1} << below(18)); }

    void nest(std::string& text, std::size_t at) {
        if (about_.nests.empty()) return;
        const auto& one = about_.nests[below(about_.nests.size())];
        auto begin = one.behind.empty() ? at : text.find(one.behind, at);
        if (begin == std::string::npos) return;
        begin += one.behind.size();
        const auto deepest = about_.longest / (one.open.size() + one.close.size() + 1);
        const auto depth = below(8) == 0 ? deepest : std::min(often(), deepest);
        std::string inner;
        for (std::size_t i = 0; i < depth; ++i) inner += one.open;
        for (std::size_t i = 0; i < depth; ++i) inner += one.close;
        text.insert(begin, inner + one.rest);
    }

    void repeat(std::string& text, std::size_t at) {
        const auto& one = word();
        std::string many;
        for (std::size_t i = std::min(often(), about_.longest / (one.size() + 1)); i > 0; --i) many += one;
        text.insert(at, many);
    }

    void change_value(std::string& text, std::size_t at) {
        const auto begin = text.find_first_of(":=", at);
        if (about_.values.empty() || begin == std::string::npos) return;
        const auto end = std::min(text.find_first_of(",}]\n&<", begin + 1), text.size());
        text.replace(begin + 1, end - begin - 1, pick(about_.values));
    }

    const Fuzz& about_;
    const std::vector<std::string>& texts_;
    std::mt19937_64 random_;
};

double seconds_of_processor() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

long memory_at_most() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return used.ru_maxrss;
}

// What is wrong with how a text was read; "" for nothing.
std::string problem_of(const std::string& text, const std::function<void(const std::string&)>& read) {
    const auto began = seconds_of_processor();
    const auto memory = memory_at_most();
    try {
        read(text);
    } catch (const Error& error) {
        if (error.message().empty()) return "an error without a word";
    } catch (const Wrong& wrong) {
        return wrong.what();
    } catch (const std::exception& other) {
        return fmt::format("an exception that is no Error: {}", other.what());
    }
    const auto took = seconds_of_processor() - began;
    if (took > slowness * (1 + 5e-6 * static_cast<double>(text.size())))
        return fmt::format("it took {:.1f} s for {} bytes", took, text.size());
    const auto more = memory_at_most() - memory;
    if (more > most_memory) return fmt::format("it took {} MiB for {} bytes", more / 1024, text.size());
    return {};
}

std::string kept(const std::string& corpus, const std::string& text) {
    const auto path = std::filesystem::temp_directory_path() / ("vbackup-fuzz-" + corpus);
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
}

std::optional<std::uint64_t> number_in(const char* variable) {
    const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nothing here changes the environment
    return value == nullptr ? std::nullopt : std::optional<std::uint64_t>(std::strtoull(value, nullptr, 10));
}

}  // namespace

std::vector<std::string> Fuzz::all() const {
    auto texts = more;
    std::vector<std::filesystem::path> files;
    const auto folder = std::filesystem::path(TEST_DATA "/fuzz") / corpus;
    if (std::filesystem::is_directory(folder)) {
        for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        std::ostringstream text;
        text << std::ifstream(file, std::ios::binary).rdbuf();
        texts.push_back(text.str());
    }
    return texts;
}

Fuzz json_fuzz(std::string corpus, std::vector<std::string> words, std::vector<std::string> more) {
    words.insert(words.end(), {"{", "}", "[", "]", ",", ":", "\"", "\\u0000", "\\ud800", "\"a\":", "null,"});
    return {.corpus = std::move(corpus),
            .words = std::move(words),
            .values = {"null",
                       "true",
                       "{}",
                       "[]",
                       "\"\"",
                       "0",
                       "-1",
                       "-0.5",
                       "1e300",
                       "1e-300",
                       "18446744073709551616",
                       "18446744073709551615",
                       "9223372036854775808",
                       "4294967296",
                       "[null]",
                       "[[]]",
                       "[{}]",
                       "{\"\":null}",
                       "\"\\u0000\\n\"",
                       "\"x\"",
                       "[1,\"a\",{}]"},
            .nests = {{":", "[", "]", ",\"x\":"},
                      {":", "{\"a\":", "}", ",\"x\":"},
                      {"[", "[", "]", ","},
                      {"", "[", "]", ""}},
            .more = std::move(more)};
}

std::string fuzz(const Fuzz& about, const std::function<void(const std::string& text)>& read) {
    const auto texts = about.all();
    if (texts.empty()) return "there is nothing to begin with";
    if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(say_last);
    const auto told = [&](const std::string& text, const std::string& name) -> std::string {
        dying = fmt::format("{}, {}", about.corpus, name);
        const auto problem = problem_of(text, read);
        if (problem.empty()) return {};
        return fmt::format("{}: {} (VBACKUP_FUZZ_SEED={} and {}; {} bytes: {})", about.corpus, problem, name,
                           kept(about.corpus, text), text.size(), one_line(text, 300));
    };
    if (const auto seed = number_in("VBACKUP_FUZZ_SEED"))
        return told(Mutator(about, texts, *seed).next(), std::to_string(*seed));
    for (const auto& text : texts) {
        if (auto wrong = told(text, "none"); !wrong.empty()) return wrong;
    }
    const auto seconds = number_in("VBACKUP_FUZZ_SECONDS");
    const auto begin = number_in("VBACKUP_FUZZ_FIRST");
    const auto first = begin     ? *begin
                       : seconds ? std::uint64_t{std::random_device{}()} << 20U
                                 : std::uint64_t{20261122};
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds.value_or(0));
    const auto most = number_in("VBACKUP_FUZZ_ROUNDS").value_or(seconds ? UINT64_MAX : about.rounds);
    for (std::uint64_t round = 0; round < most && (!seconds || std::chrono::steady_clock::now() < end); ++round) {
        const auto seed = first + round;
        if (auto wrong = told(Mutator(about, texts, seed).next(), std::to_string(seed)); !wrong.empty()) return wrong;
    }
    return {};
}

}  // namespace vbackup::test
