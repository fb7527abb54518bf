// SPDX-License-Identifier: Apache-2.0
#include "cli/session/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/text.hpp"
#include "cli/session/keep_secret.hpp"
#include "config/read_secret.hpp"
#include "store/s3/open.hpp"

namespace vbackup::cli {

namespace {

// What a flag says; the error names the flag.
template <class Parse>
auto value_of(const std::string& flag, const std::string& text, Parse parse) {
    try {
        return parse(text);
    } catch (const Error& error) {
        throw Error(error.kind(), flag + ": " + error.message(), error.hint(), error.context());
    }
}

// Both ways in which the databases here take a key, for the one question what it is: the key goes to the same server
// that it is meant for either way.
net::Connection connection_for_detection(const driver::Settings& settings) {
    auto connection = settings.connection;
    connection.base = settings.url;
    if (settings.key.empty()) return connection;
    connection.secrets.emplace_back("api-key", settings.key);
    connection.secrets.emplace_back("Authorization", Secret("Bearer " + std::string(settings.key.reveal())));
    return connection;
}

// What the configuration gives as options, as strictly as what is typed; a wrong one is the configuration's fault. The
// same names may serve other verbs, so only those of this verb have their values looked at, after the command line's.
void require_configured(const driver::Entry& entry, const std::string& verb, const config::TargetConfig& target,
                        const model::Options& merged) {
    try {
        for (const auto& given : target.options) {
            const auto same = [&](const driver::Option& option) { return option.name == given.first; };
            if (std::none_of(entry.options.begin(), entry.options.end(), same))
                driver::require_options(entry, verb, {{given.first, given.second}});  // says what could have been meant
        }
        driver::require_options(entry, verb, merged);
    } catch (const Error& error) {
        throw Error(ErrorKind::configuration, error.message(), error.hint(), {{"target", target.name}});
    }
}

store::BucketOptions bucket_options(const config::StoreConfig& configured) {
    return {.endpoint = configured.endpoint,
            .region = configured.region,
            .profile = configured.profile,
            .addressing = configured.addressing,
            .ca_file = configured.ca_file,
            .storage_class = configured.storage_class,
            .encryption = configured.encryption,
            .encryption_key = configured.kms_key};
}

bool is_in_bucket(std::string_view url) {
    return url.starts_with("s3://");
}

std::string_view bucket_of(std::string_view url) {
    url.remove_prefix(std::min(url.size(), std::string_view("s3://").size()));
    return url.substr(0, url.find('/'));
}

// Zstd's levels: the fastest of the usual ones, its own default, and the last one before the time doubles for little.
int level_of(const std::string& word) {
    if (word.empty() || word == "none") return 0;
    if (word == "fast") return 1;
    if (word == "default") return 3;
    if (word == "best") return 12;
    throw Error(ErrorKind::usage, fmt::format("--compress cannot be '{}'", one_line(word, 60)),
                "it is none, fast, default or best");
}

bool is_encrypted(const config::StoreConfig& store) {
    return !store.passphrase_file.empty() || !store.passphrase_env.empty() || !store.passphrase_command.empty() ||
           !store.key_file.empty();
}

// As far as two texts tell: links are followed, and a '/' at the end says nothing.
bool is_same_place(const std::string& a, const std::string& b) {
    const auto plain = [](std::string text) {
        if (is_in_bucket(text)) {
            while (text.ends_with('/')) text.pop_back();
            return text;
        }
        constexpr std::string_view scheme = "file://";
        if (text.starts_with(scheme)) text.erase(0, scheme.size());
        std::error_code failed;
        const auto path = std::filesystem::weakly_canonical(std::filesystem::absolute(text + "/.", failed), failed);
        return failed ? text : (path / "").lexically_normal().string();
    };
    return plain(a) == plain(b);
}

std::string question_for(const model::Plan& plan) {
    std::string out = "this destroys data:\n";
    for (const auto& step : plan.steps)
        if (step.destroys) out += "  " + one_line(step.what) + "\n";
    return out + "go on? [y/N] ";
}

}  // namespace

Milliseconds duration_of(const std::string& flag, const std::string& text) {
    return value_of(flag, text, parse_duration);
}

Session::Session(const Surroundings& around, const Common& common, Messages& messages)
    : around_(around),
      common_(common),
      messages_(messages),
      begun_(around.clock.now()),
      call_{.clock = around.clock, .tally = tally_, .stop = stop_.get_token()} {
    if (common_.trace.empty()) return;
    trace_file_ = std::make_shared<TraceFile>(common_.trace, around.clock,
                                              [this](std::string text) { tally_.warn(std::move(text)); });
}

Session::Session(Session& whole, const Common& common)
    : around_(whole.around_),
      common_(common),
      messages_(whole.messages_),
      begun_(around_.clock.now()),
      call_{.clock = around_.clock, .tally = tally_, .stop = whole.call_.stop},
      trace_file_(whole.trace_file_),
      keep_(whole.keep_) {
    set_limits();
}

Milliseconds Session::elapsed() const {
    return std::chrono::duration_cast<Milliseconds>(around_.clock.now() - begun_);
}

std::size_t Session::parallel() {
    if (common_.parallel != 0) return common_.parallel;
    return habits().parallel.value_or(0);
}

const config::Habits& Session::habits() {
    config();
    return habits_;
}

const config::TargetConfig* Session::configured(const std::string& target) {
    return config().target(target);
}

// Read when first needed: `drivers` and `completion` work beside a broken one.
const config::Config& Session::config() {
    if (config_) return *config_;
    config_ = config::load(common_.config, around_.environment);
    set_habits(nullptr);
    return *config_;
}

void Session::set_habits(const config::TargetConfig* target) {
    habits_ = config_->habits_of(target);
    if (common_.timeout.empty() && habits_.timeout) call_.deadline = begun_ + *habits_.timeout;
    if (common_.limit_rate.empty() && habits_.limit_rate) set_rate(*habits_.limit_rate);
}

// What is wrong in a flag is said before the configuration is looked at.
void Session::set_limits() {
    if (!common_.stall.empty()) duration_of("--stall", common_.stall);
    call_.deadline =
        begun_ + duration_of("--timeout", common_.timeout.empty() ? common_.usual_timeout : common_.timeout);
    if (!common_.limit_rate.empty()) set_rate(value_of("--limit-rate", common_.limit_rate, parse_rate));
    level_of(common_.compress);
    parse_options(common_.options);
}

void Session::set_rate(std::uint64_t bytes) {
    call_.rate = &rate_.emplace(bytes, around_.clock.now());
}

void Session::note_signal() {
    if (around_.signal && around_.signal->load() != 0) stop_.request_stop();
}

void Session::beat() {
    note_signal();
    const std::scoped_lock lock(beating_);
    if (each_beat_) each_beat_();
}

void Session::each_beat(std::function<void()> work) {
    const std::scoped_lock lock(beating_);
    each_beat_ = std::move(work);
}

job::Limits Session::limits() {
    job::Limits limits;
    const auto stall = common_.stall.empty() ? habits().stall : std::optional(duration_of("--stall", common_.stall));
    if (!stall) return limits;
    limits.with_progress = limits.without_progress = *stall;
    limits.after_outage = std::min(limits.after_outage, *stall);
    return limits;
}

Secret Session::secret_of(const TargetAddress& address) {
    auto found = address.configured ? config::read_secret(*address.configured, around_.environment)
                                    : config::read_secret(around_.environment);
    if (!found.warning.empty()) tally_.warn(found.warning);
    return std::move(found.secret);
}

net::Trace Session::trace() const {
    net::Trace line;
    if (common_.verbose) line = [&messages = messages_](std::string_view text) { messages.trace(text); };
    if (!trace_file_ && !keep_) return line;
    return net::Noting{.line = std::move(line),
                       .whole = [file = trace_file_, keep = keep_](const net::Exchanged& exchange) {
                           if (file) file->add(exchange);
                           if (keep) keep(exchange);
                       }};
}

driver::Settings Session::settings_of(const TargetAddress& address) {
    driver::Settings settings;
    settings.name = address.name;
    settings.url = address.url;
    settings.key = secret_of(address);
    if (const auto* configured = address.configured) {
        settings.nodes = configured->nodes;
        settings.connection.ca_file = configured->ca_file;
        settings.connection.client_cert_file = configured->client_cert_file;
        settings.connection.client_key_file = configured->client_key_file;
        settings.options = configured->options;
        settings.user = configured->user;
        settings.base_url = configured->base_url;
        settings.kubeconfig = configured->kubeconfig;
        settings.context = configured->context;
    }
    if (settings.user.empty()) settings.user = config::variable(around_.environment, "VBACKUP_USER").value_or("");
    settings.environment = around_.environment;
    settings.nodes.insert(settings.nodes.end(), common_.nodes.begin(), common_.nodes.end());
    for (const auto& [name, value] : parse_options(common_.options)) settings.options[name] = value;
    settings.trace = trace();
    return settings;
}

const driver::Entry& Session::entry_of(const TargetAddress& address, const driver::Settings& settings) {
    for (const auto& entry : around_.drivers)
        if (entry.name == address.driver) return entry;
    tally_.stage("asking the server what it is");
    const net::Http http(connection_for_detection(settings), settings.trace);
    return driver::detect(call_, http);
}

std::unique_ptr<Place> Session::open_store(const std::string& text) {
    auto bytes = open_bytes(text);
    return std::make_unique<Place>(store::encrypted::guard(std::move(bytes), unlocking_of(text)));
}

std::unique_ptr<Place> Session::open_store_to_fill(const std::string& text) {
    if (text.starts_with('@') || !config::read_store_key(around_.environment).secret.empty()) return open_store(text);
    for (const auto& [name, store] : config().stores) {
        if (is_encrypted(store) && is_same_place(store.url, text))
            throw Error(ErrorKind::refused,
                        fmt::format("{} is the place of @{}, which is encrypted, and what came there under this name "
                                    "would not be",
                                    one_line(text, 120), name),
                        fmt::format("write @{} instead", name));
    }
    return open_store(text);
}

store::encrypted::Unlocking Session::unlocking_of(const std::string& store) {
    auto found = store.starts_with('@')
                     ? config::read_store_key(config().require_store(store.substr(1)), around_.environment)
                     : config::read_store_key(around_.environment);
    if (!found.warning.empty()) tally_.warn(found.warning);
    return {
        .credential = {found.kind, std::move(found.secret)}, .cost = around_.passphrase_cost, .clock = around_.clock};
}

std::unique_ptr<store::Store> Session::open_bytes(const std::string& text) {
    const auto url = resolve_store(text, config());
    auto with = opening(call_);
    if (text.starts_with('@')) with.bucket = bucket_options(config().require_store(text.substr(1)));
    return store::open_store(url, with);
}

store::Opening Session::opening(const Call& call) {
    store::Opening with{.call = call, .environment = around_.environment};
    with.trace = trace();
    return with;
}

std::unique_ptr<store::Store> Session::open_location(const std::string& url) {
    if (!is_in_bucket(url)) return store::open_location(url);
    const auto same = [&](const auto& one) {
        return is_in_bucket(one.second.url) && bucket_of(one.second.url) == bucket_of(url);
    };
    const auto& stores = config().stores;
    const auto found = std::find_if(stores.begin(), stores.end(), same);
    if (found == stores.end()) return nullptr;
    // Whoever copies from and to a location holds it to the rate.
    Call call = call_;
    call.rate = nullptr;
    auto with = opening(call);
    with.bucket = bucket_options(found->second);
    return store::s3::open_bucket(url, with, store::Naming::plain);
}

std::unique_ptr<Place> Session::open_journal() {
    if (const auto& named = config().journal_store; !named.empty()) return open_store(named);
    return std::make_unique<Place>(store::open_directory(config::state_directory(around_.environment)));
}

std::unique_ptr<Place> Session::find_journal() {
    if (!config().journal_store.empty()) return open_journal();
    try {
        return open_journal();
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::configuration) throw;
        return nullptr;
    }
}

std::unique_ptr<Place> Session::store_for(const TargetAddress& address, const std::string& named, bool fills) {
    const auto open = [&](const std::string& text) { return fills ? open_store_to_fill(text) : open_store(text); };
    if (!named.empty()) return open(named);
    if (address.configured && address.configured->store == config::no_store) return nullptr;
    if (address.configured && !address.configured->store.empty()) return open(address.configured->store);
    return config().store.empty() ? nullptr : open(config().store);
}

namespace {

// What a database cannot do at all is refused before it is asked anything.
void require_able(const driver::Entry& entry, const std::string& verb) {
    const auto known =
        std::any_of(entry.abilities.begin(), entry.abilities.end(), [&](const auto& one) { return one.verb == verb; });
    if (!known) return;
    const auto& able = driver::ability(entry, verb);
    if (able.support != driver::Support::none) return;
    throw Error(ErrorKind::unsupported, fmt::format("{} has no {}", entry.product, verb), std::string(able.note));
}

}  // namespace

std::unique_ptr<Scene> Session::open(const std::string& target, const std::string& verb, const std::string& store) {
    // Whatever can be refused without asking anybody comes first.
    const auto address = resolve_target(target, config(), around_.drivers);
    if (address.configured) set_habits(address.configured);
    auto place = store_for(address, store, verb == "create" || verb == "download");
    auto journal = open_journal();
    auto settings = settings_of(address);
    const auto& entry = entry_of(address, settings);
    const auto typed = parse_options(common_.options);
    driver::require_options(entry, verb, typed);
    auto options = options_of_verb(entry, verb, settings.options);
    if (address.configured) require_configured(entry, verb, *address.configured, options);
    // The configuration says how backups are made. Where one that exists lies, its manifest knows; only what is typed for
    // this very command says otherwise.
    const bool makes = verb == "create" || verb == "check" || verb == "list";
    if (!makes) options.clear();
    for (const auto& [name, value] : typed) options[name] = value;
    // What cannot be deleted cannot be pruned. A restore can be given up although the server ends no job: the story knows.
    if (verb != "cancel") require_able(entry, verb == "prune" ? "delete" : verb);
    if (entry.left_with_server && store.empty()) place.reset();

    auto secret_keeper = secrets(options);
    auto opened = entry.open(std::move(settings));
    auto& driver = *opened;
    const auto where = driver.address().empty() ? address.url : driver.address();
    auto& journal_catalog = journal->catalog;
    auto* store_catalog = place ? &place->catalog : nullptr;
    return std::unique_ptr<Scene>(
        new Scene{.driver = std::move(opened),
                  .journal = std::move(journal),
                  .store = std::move(place),
                  .options = std::move(options),
                  .stage = {.target = {address.name, where, std::string(entry.name), driver},
                            .journal = journal_catalog,
                            .store = store_catalog,
                            .open_location = [this](const std::string& url) { return open_location(url); },
                            .limits = limits(),
                            .parallel = parallel(),
                            .vbackup_version = VBACKUP_VERSION,
                            .confirm = confirm(),
                            .secrets = std::move(secret_keeper),
                            .compression = level_of(common_.compress)}});
}

// A file when one is named; else the terminal, when a person sits there.
backup::SecretKeeper Session::secrets(const model::Options& options) {
    if (const auto file = options.find("password-file"); file != options.end()) return keep_in_file(file->second);
    if (!around_.tell) return {};
    return keep_by_telling([this](std::string_view text) {
        const auto pause = ticker_ ? ticker_->pause() : std::unique_lock<std::mutex>();
        return around_.tell(text);
    });
}

backup::Confirm Session::confirm() {
    return [this](const model::Plan& plan) { return common_.yes || ask(plan); };
}

// False without a person: the story refuses, and says --yes.
bool Session::ask(const model::Plan& plan) {
    if (!around_.ask) return false;
    const auto pause = ticker_ ? ticker_->pause() : std::unique_lock<std::mutex>();
    const auto answer = around_.ask(question_for(plan));
    note_signal();
    call_.require_time();
    return answer == "y" || answer == "yes" || answer == "Y" || answer == "Yes";
}

}  // namespace vbackup::cli
