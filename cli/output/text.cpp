// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "backup/find.hpp"
#include "base/text.hpp"
#include "cli/output/answer.hpp"
#include "cli/output/config.hpp"
#include "cli/output/report.hpp"
#include "cli/output/run.hpp"
#include "cli/output/schedule.hpp"

namespace vbackup::cli {

namespace {

std::string plural(std::size_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string joined(const std::vector<std::string>& items, std::size_t most = 8) {
    std::string out;
    for (std::size_t i = 0; i < items.size() && i < most; ++i) out += (i == 0 ? "" : ", ") + items[i];
    if (items.size() > most) out += fmt::format(" and {} more", items.size() - most);
    return out;
}

std::string time_of(const std::optional<Moment>& moment) {
    return moment ? format_time(*moment) : "";
}
std::string bytes_of(const std::optional<std::uint64_t>& bytes) {
    return bytes ? format_bytes(*bytes) : "";
}

std::string took(const model::Found& found) {
    if (!found.started || !found.completed || *found.completed < *found.started) return "";
    return format_duration(std::chrono::duration_cast<Milliseconds>(*found.completed - *found.started));
}

// kept: the bytes lie in a store of ours; left: with the server; unmanaged: vbackup did not make it.
std::string keeping(const model::Found& found) {
    if (!found.managed) return "unmanaged";
    const std::string where = found.kept ? "kept" : "left";
    return found.pinned ? where + ", pinned" : where;
}

std::string name_of(const model::Found& found) {
    return found.id.empty() ? found.name : found.id;
}

// Our word for the phase, and the server's own where it says more.
std::string state_of(const model::Found& found) {
    const std::string state(model::word(found.phase));
    return found.phase == model::Phase::unknown && !found.said.empty() ? state + " (" + found.said + ")" : state;
}

Tint tint_of(model::Phase phase) {
    switch (phase) {
        case model::Phase::succeeded:
            return Tint::good;
        case model::Phase::failed:
        case model::Phase::gone:
        case model::Phase::unknown:
            return Tint::bad;
        default:
            return Tint::warning;
    }
}

std::string text_of(const Listing& listing, const Style& style) {
    if (listing.backups.empty()) return "no backups\n";
    // Most servers know neither; the columns are there for those that do.
    const auto any = [&](const auto& has) { return std::any_of(listing.backups.begin(), listing.backups.end(), has); };
    const bool expires = any([](const model::Found& found) { return found.expires.has_value(); });
    const bool scheduled = any([](const model::Found& found) { return !found.schedule.empty(); });
    std::vector<Column> columns{{"ID"},         {"STATE"},      {"KIND"},        {"STARTED"},
                                {"TOOK", true}, {"SIZE", true}, {"COLLECTIONS"}, {"WHERE"}};
    if (expires) columns.push_back({"EXPIRES"});
    if (scheduled) columns.push_back({"SCHEDULE"});
    std::vector<std::vector<std::string>> rows;
    for (const auto& found : listing.backups) {
        rows.push_back({name_of(found), state_of(found), keeping(found), time_of(found.started), took(found),
                        bytes_of(found.size), joined(found.collections, 3), found.where});
        if (expires) rows.back().push_back(time_of(found.expires));
        if (scheduled) rows.back().push_back(found.schedule);
    }
    return render_table(columns, rows, style);
}

// "42 %" of a job that shows how far it is.
std::string progress_of(const model::Found& found) {
    if (!found.done || found.total.value_or(0) == 0 || model::is_final(found.phase)) return "";
    return fmt::format("{:.0f} %", 100 * static_cast<double>(*found.done) / static_cast<double>(*found.total));
}

Pairs pairs_of(const model::Found& found) {
    return {{"said", found.said},
            {"progress", progress_of(found)},
            {"why", found.why},
            {"kind", keeping(found)},
            {"started", time_of(found.started)},
            {"completed", time_of(found.completed)},
            {"took", took(found)},
            {"expires", time_of(found.expires)},
            {"schedule", found.schedule},
            {"size", bytes_of(found.size)},
            {"collections", joined(found.collections)},
            {"where", found.where},
            {"driver", found.driver},
            {"description", found.description}};
}

std::string text_of(const StatusReport& report, const Style& style) {
    if (!report.newest) return "no backups\n";
    const auto& found = *report.newest;
    std::string out = fmt::format("{}: {}\n{}", one_line(name_of(found)),
                                  paint(style, tint_of(found.phase), one_line(state_of(found))),
                                  render_pairs(pairs_of(found), style));
    if (report.asked_by_id || (report.good && name_of(*report.good) == name_of(found))) return out;
    if (!report.good) return out + "no good backup\n";
    return out + fmt::format("newest good backup: {}, started {}\n", one_line(name_of(*report.good)),
                             report.good->started ? format_time(*report.good->started) : "at an unknown time");
}

std::string text_of(const StoreReport& report, const Style&) {
    if (report.file.empty()) return render_page(report);
    return fmt::format("{}: {} of {} in {}\n", report.file, plural(report.backups.size(), "backup", "backups"),
                       plural(report.targets.size(), "target", "targets"), one_line(report.store));
}

std::string steps_of(const model::Plan& plan, const Style& style) {
    std::string out;
    std::size_t number = 0;
    for (const auto& step : plan.steps) {
        out += fmt::format("  {:>2}. {}", ++number, one_line(step.what));
        if (const auto part = step.part.text(); !part.empty()) out += fmt::format(" ({})", one_line(part));
        if (step.destroys) out += " " + paint(style, Tint::bad, "[destroys data]");
        out += "\n";
    }
    if (plan.steps.empty()) out += "  nothing to do\n";
    for (const auto& note : plan.notes) out += fmt::format("  note: {}\n", one_line(note, 4000));
    return out;
}

// Where steps have documents, the plan around them becomes comments: the whole can be piped to the tool that takes them.
std::string dry_run(const std::string& text, const model::Plan& plan) {
    std::string documents;
    for (const auto& step : plan.steps) {
        if (!step.document.empty()) documents += (documents.empty() ? "" : "---\n") + step.document;
    }
    if (documents.empty()) return text;
    std::string out = "# ";
    for (std::size_t i = 0; i < text.size(); ++i) {
        out += text[i];
        if (text[i] == '\n' && i + 1 < text.size()) out += "# ";
    }
    return out + documents;
}

std::string findings_of(const model::Proof& proof, const Style& style) {
    std::string out;
    for (const auto& finding : proof.findings)
        out += fmt::format("  {} {}\n",
                           finding.good ? paint(style, Tint::good, "proven:") : paint(style, Tint::bad, "NOT PROVEN:"),
                           one_line(finding.what));
    return out;
}

// What a manifest itself proves: it is committed only after this was seen.
std::string proven_by(const model::Manifest& manifest, const Style& style) {
    const auto line = [&](const std::string& what) {
        return "  " + paint(style, Tint::good, "proven:") + " " + what + "\n";
    };
    const auto& all = manifest.collections;
    const auto quiet =
        static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const auto& one) { return one.quiet(); }));
    std::string out =
        manifest.kept
            ? line(plural(manifest.files.size(), "file", "files") + " came home whole, SHA-256 computed on the way")
            : line("the server says that it is complete");
    if (quiet > 0)
        out += line(fmt::format("{} of {} the same count before and after", quiet,
                                plural(all.size(), "collection has", "collections have")));
    return out;
}

std::string counted(const model::CollectionEntry& entry) {
    if (!entry.before.count) return entry.before.name;
    if (!entry.count_after || entry.quiet()) return fmt::format("{} ({})", entry.before.name, *entry.before.count);
    return fmt::format("{} ({} to {}, writes went on)", entry.before.name, *entry.before.count, *entry.count_after);
}

std::string place_of(const Deed& deed, const model::Manifest& manifest) {
    if (manifest.kept) return deed.store.empty() ? "kept" : "kept in " + deed.store;
    return manifest.location.empty() ? "left with the server" : "left with the server: " + manifest.location;
}

// What all files take in the store; empty where none is packed.
std::optional<std::uint64_t> packed_size(const model::Manifest& manifest) {
    bool packed = false;
    std::uint64_t bytes = 0;
    for (const auto& file : manifest.files) {
        packed = packed || !file.packing.empty();
        bytes += (file.packing.empty() ? file.size : file.stored_size).value_or(0);
    }
    return packed ? std::optional(bytes) : std::nullopt;
}

std::string manifest_text(const Deed& deed, const model::Manifest& manifest, const Style& style) {
    std::vector<std::string> collections;
    for (const auto& entry : manifest.collections) collections.push_back(counted(entry));
    std::string size = bytes_of(backup::describe(manifest, deed.store).size);
    if (!size.empty()) size += " in " + plural(manifest.files.size(), "file", "files");
    if (const auto stored = packed_size(manifest); !size.empty() && stored) size += ", packed " + format_bytes(*stored);
    // A restore may have put back a part only: what was proven follows below.
    const bool restored = deed.verb == "restore";
    return render_pairs({{restored ? "made from" : "server",
                          manifest.product + " " + manifest.server_version + " at " + manifest.target_url},
                         {restored ? "it holds" : "collections", joined(collections)},
                         {"nodes", manifest.nodes.size() > 1 ? std::to_string(manifest.nodes.size()) : ""},
                         {"size", size},
                         {"where", place_of(deed, manifest)},
                         {"took", format_duration(deed.took)}},
                        style);
}

std::string_view ending(std::string_view verb) {
    if (verb == "create" || verb == "wait") return "complete";
    if (verb == "download") return "downloaded";
    if (verb == "restore") return "restored";
    if (verb == "cancel") return "cancelled";
    return "done";
}

std::string text_of(const Deed& deed, const Style& style) {
    const auto& result = deed.result;
    if (result.dry_run)
        return dry_run(fmt::format("plan of {} {} (dry run: nothing was changed)\n{}", deed.verb, one_line(deed.id),
                                   steps_of(result.plan, style)),
                       result.plan);
    if (result.under_way && deed.verb != "cancel" && !model::is_final(result.under_way->phase))
        return fmt::format("{}: under way, the server says {}\n  next: vbackup wait {} {}\n", deed.id,
                           one_line(result.under_way->said.empty() ? model::word(result.under_way->phase)
                                                                   : std::string_view(result.under_way->said)),
                           deed.target, deed.id);
    std::string out = fmt::format("{}: {}\n", deed.id, paint(style, Tint::good, ending(deed.verb)));
    if (result.manifest) out += manifest_text(deed, *result.manifest, style);
    if (result.manifest && deed.verb != "restore") out += proven_by(*result.manifest, style);
    out += findings_of(result.proof, style);
    if (!result.manifest) return out;
    for (const auto& note : result.manifest->notes) out += fmt::format("  note: {}\n", one_line(note, 4000));
    return out;
}

std::string text_of(const Removals& removals, const Style& style) {
    std::string out;
    for (const auto& item : removals.items) {
        if (item.error) continue;  // told on stderr
        if (removals.dry_run)
            out += dry_run(fmt::format("plan of delete {} (dry run: nothing was changed)\n{}", one_line(item.id),
                                       steps_of(item.plan, style)),
                           item.plan);
        else
            out += fmt::format("{}: {}\n", one_line(item.id), paint(style, Tint::good, "deleted"));
    }
    return out;
}

std::string text_of(const backup::Pruned& pruned, const Style& style) {
    if (pruned.items.empty()) return "no backups\n";
    std::vector<std::vector<std::string>> rows;
    std::size_t gone = 0;
    for (const auto& item : pruned.items) {
        const bool stays = item.decision.keep || item.error;
        gone += stays ? 0 : 1;
        rows.push_back({name_of(item.found),
                        item.decision.keep ? "keep"
                        : item.error       ? "failed"
                                           : "remove",
                        time_of(item.found.started), bytes_of(item.found.size),
                        item.error ? item.error->message() : joined(item.decision.reasons)});
    }
    const auto table = render_table({{"ID"}, {"WHAT"}, {"STARTED"}, {"SIZE", true}, {"WHY"}}, rows, style);
    return table + fmt::format("{} {}, {} kept{}\n", gone, pruned.dry_run ? "to remove" : "removed",
                               pruned.items.size() - gone, pruned.dry_run ? " (dry run: nothing was changed)" : "");
}

std::string text_of(const Transfer& transfer, const Style& style) {
    const std::string done = transfer.verb == "export"   ? "exported to "
                             : transfer.verb == "import" ? "imported into "
                                                         : "copied to ";
    std::string out;
    for (const auto& item : transfer.items) {
        if (item.error) continue;  // told on stderr
        const auto& files = item.manifest->files;
        const auto holds =
            fmt::format("{} ({})", plural(files.size(), "file", "files"), format_bytes(item.manifest->size()));
        if (item.there)
            out += fmt::format("{}: is in {} already\n", item.id, transfer.to);
        else if (transfer.dry_run)
            out +=
                fmt::format("{}: {} would be {}{} (dry run: nothing was changed)\n", item.id, holds, done, transfer.to);
        else
            out += fmt::format("{}: {}{}, {} with the size and SHA-256 of the manifest, in {}\n", item.id,
                               paint(style, Tint::good, done), one_line(transfer.to), holds,
                               format_duration(transfer.took));
    }
    return out;
}

// What was read, and what of it: said of a slice too, so that nobody takes it for the whole.
std::string scope_of(const backup::Verification& verification) {
    const auto& files = verification.files;
    const auto& slice = verification.slice;
    std::size_t read = 0;
    std::uint64_t bytes = 0;
    for (const auto& file : files) {
        read += file.read ? 1 : 0;
        bytes += file.read ? file.size : 0;
    }
    if (slice.of == 1)
        return fmt::format("{} ({}) equal in size and SHA-256", plural(files.size(), "file", "files"),
                           format_bytes(bytes));
    if (read == 0)
        return fmt::format("slice {} of {} has none of the {} to read, which are there in their size", slice.number,
                           slice.of, plural(files.size(), "file", "files"));
    return fmt::format("slice {} of {}: {} of {} ({}) equal in size and SHA-256, the others there in their size",
                       slice.number, slice.of, read, plural(files.size(), "file", "files"), format_bytes(bytes));
}

std::string text_of(const Verified::Item& item, const std::string& drill_target, const Style& style) {
    const auto& files = item.verification.files;
    std::string out;
    std::size_t bad = 0;
    for (const auto& file : files) {
        if (file.problem.empty()) continue;
        ++bad;
        out += fmt::format("{} {}: {}\n", paint(style, Tint::bad, "bad"), one_line(file.name), one_line(file.problem));
    }
    if (bad > 0 || files.empty())
        out += fmt::format("{}: {}, {} of {}\n", one_line(item.id), paint(style, Tint::bad, "corrupt"), bad,
                           plural(files.size(), "file", "files"));
    else
        out += fmt::format("{}: {}, {}\n", one_line(item.id),
                           item.good() ? paint(style, Tint::good, "good") : paint(style, Tint::bad, "not good"),
                           scope_of(item.verification));
    if (item.verification.structure) out += findings_of(*item.verification.structure, style);
    if (item.drill)
        out += fmt::format("  put back on {} under scratch names, compared, and removed again:\n{}",
                           one_line(drill_target), findings_of(*item.drill, style));
    return out;
}

std::string text_of(const Verified& verified, const Style& style) {
    std::string out;
    for (const auto& item : verified.items)
        if (!item.error) out += text_of(item, verified.drill_target, style);  // errors are told on stderr
    return out;
}

std::string text_of(const Pins& pins, const Style& style) {
    std::string out;
    const auto word = pins.pinned ? "pinned" : "unpinned";
    for (const auto& item : pins.items) {
        if (item.error) continue;  // told on stderr
        if (!item.changed)
            out += fmt::format("{}: {}\n", item.id, pins.pinned ? "was pinned already" : "was not pinned");
        else if (pins.dry_run)
            out += fmt::format("{}: would be {} (dry run: nothing was changed)\n", item.id, word);
        else
            out += fmt::format("{}: {}\n", item.id, paint(style, Tint::good, word));
    }
    return out;
}

std::string text_of(const KeyReport& report, const Style& style) {
    std::string out;
    const std::string done = report.action == "add" ? "added" : "removed";
    if (report.action != "list")
        out = report.dry_run ? fmt::format("{}: would be {} (dry run: nothing was changed)\n", report.slot, done)
                             : fmt::format("{}: {}\n", report.slot, paint(style, Tint::good, done));
    std::vector<std::vector<std::string>> rows;
    for (const auto& slot : report.slots)
        rows.push_back({slot.name, std::string(word(slot.kind)), format_time(slot.made),
                        slot.name == report.opened ? "the configured key" : ""});
    return out + render_table({{"SLOT"}, {"KIND"}, {"MADE"}, {"OPENED BY"}}, rows, {});
}

std::string nodes_of(const model::Inspection& inspection) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& node : inspection.nodes)
        rows.push_back({node.name, node.version, node.healthy ? "healthy" : "NOT HEALTHY", node.state, node.address});
    return rows.empty() ? ""
                        : "\n" + render_table({{"NODE"}, {"VERSION"}, {"HEALTH"}, {"SAID"}, {"ADDRESS"}}, rows, {});
}

std::string collections_of(const model::Inspection& inspection) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& collection : inspection.collections)
        rows.push_back({collection.name, collection.count ? std::to_string(*collection.count) : "",
                        collection.shards == 0 ? "" : std::to_string(collection.shards),
                        collection.replicas == 0 ? "" : std::to_string(collection.replicas),
                        joined(collection.aliases)});
    return rows.empty()
               ? ""
               : "\n" +
                     render_table({{"COLLECTION"}, {"COUNT", true}, {"SHARDS", true}, {"REPLICAS", true}, {"ALIASES"}},
                                  rows, {});
}

std::string text_of(const CheckReport& report, const Style& style) {
    const auto& inspection = report.inspection;
    std::string out = fmt::format(
        "{}: {} {} at {}, {}\n", one_line(report.target), inspection.product, inspection.version, report.url,
        inspection.ready ? paint(style, Tint::good, "ready") : paint(style, Tint::bad, "not ready"));
    out += render_pairs({{"driver", report.driver},
                         {"free on the server", bytes_of(inspection.free_bytes)},
                         {"store", report.store.empty() ? "none: backups stay with the server" : report.store},
                         {"free in the store", bytes_of(report.store_free)}},
                        style);
    out += nodes_of(inspection) + collections_of(inspection);
    if (!inspection.warnings.empty() || !inspection.obstacles.empty()) out += "\n";
    for (const auto& warning : inspection.warnings)
        out += fmt::format("{} {}\n", paint(style, Tint::warning, "warning:"), one_line(warning, 4000));
    for (const auto& obstacle : inspection.obstacles)
        out += fmt::format("{} {}\n", paint(style, Tint::bad, "obstacle:"), one_line(obstacle, 4000));
    return out + (inspection.obstacles.empty() ? "\na create would not be refused\n" : "\na create would be refused\n");
}

std::string text_of(const Diagnosis& diagnosis, const Style& style) {
    const auto& problem = diagnosis.problem;
    const auto health = !diagnosis.health ? paint(style, Tint::bad, "not known: " + one_line(problem->message(), 2000))
                        : problem         ? paint(style, Tint::bad, one_line(problem->message(), 2000))
                                          : paint(style, Tint::good, "well");
    if (!diagnosis.file.empty())
        return fmt::format("{}: {} of {}, which is {}\n", diagnosis.file,
                           plural(diagnosis.exchanges.size(), "request", "requests"), one_line(diagnosis.target),
                           health);
    std::string out = fmt::format("{} at {}: {}\n\n", one_line(diagnosis.target), format_time(diagnosis.at), health);
    Pairs parts{{"system", diagnosis.system}};
    for (const auto& part : diagnosis.parts) parts.emplace_back(part.name, part.version);
    out += render_pairs(parts, style) + "\n";
    out += config_text(ConfigListing{diagnosis.config_path, diagnosis.settings}, style) + "\n";
    if (diagnosis.health) out += text_of(*diagnosis.health, style) + "\n";
    for (const auto& line : diagnosis.lines) out += one_line(line, 2000) + "\n";
    return out + plural(diagnosis.exchanges.size(), "request", "requests") +
           "; what was sent and answered goes into a FILE, or is shown by --output json\n";
}

std::string text_of(const ScheduleListing& listing, const Style& style) {
    if (!listing.detailed || listing.schedules.empty()) return schedules_table(listing.schedules, style);
    std::string out;
    for (const auto& schedule : listing.schedules) out += schedule_text(schedule, style);
    return out;
}

std::string text_of(const ScheduleDeed& deed, const Style& style) {
    const auto& result = deed.result;
    if (result.dry_run)
        return dry_run(fmt::format("plan of schedule {} {} (dry run: nothing was changed)\n{}", deed.action,
                                   one_line(deed.target), steps_of(result.plan, style)),
                       result.plan);
    std::string out;
    for (const auto& step : result.plan.steps)
        out += fmt::format("{} {}\n", paint(style, Tint::good, "done and read back:"), one_line(step.what));
    if (result.plan.steps.empty()) out += "nothing to do\n";
    return out + schedules_table(result.schedules, style);
}

std::string text_of(const ConfigListing& listing, const Style& style) {
    return config_text(listing, style);
}

std::string text_of(const ConfigCheck& check, const Style& style) {
    return config_text(check, style);
}

std::string text_of(const ConfigStart& start, const Style&) {
    return fmt::format("written: {}\n  next: name a target in it, then `vbackup config check`\n", start.path);
}

std::string text_of(const RunReport& report, const Style& style) {
    return run_text(report, style);
}

std::string_view support_word(driver::Support support) {
    switch (support) {
        case driver::Support::full:
            return "yes";
        case driver::Support::part:
            return "partly";
        case driver::Support::none:
            break;
    }
    return "no";
}

std::string driver_text(const driver::Entry& entry, const Style& style) {
    std::vector<std::vector<std::string>> abilities;
    for (const auto& able : entry.abilities)
        abilities.push_back({std::string(able.verb), std::string(support_word(able.support)), std::string(able.note)});
    std::string addresses;
    for (const auto& scheme : entry.schemes)
        addresses += fmt::format("{}{}://...", addresses.empty() ? "" : ", ", scheme);
    if (addresses.empty()) addresses = fmt::format("{}+http://..., {}+https://...", entry.name, entry.name);
    std::string out = fmt::format("{} ({})\n", paint(style, Tint::strong, entry.product), addresses);
    out += render_table({{"VERB"}, {"WORKS"}, {"NOTE"}}, abilities, style);
    if (!entry.options.empty()) out += "\n" + paint(style, Tint::strong, "OPTION") + "\n";
    for (const auto& option : entry.options)
        out += fmt::format("-o {}={}\n    {}\n    {}: {}\n", option.name, option.value, option.help,
                           option.since.empty() ? "for" : fmt::format("since {}, for", option.since), option.verbs);
    return out;
}

std::string text_of(const DriverList& list, const Style& style) {
    std::string out;
    for (const auto& entry : list.drivers) out += (out.empty() ? "" : "\n") + driver_text(entry, style);
    return out;
}

std::string text_of(const Text& text, const Style&) {
    return text.text;
}

}  // namespace

std::string render_text(const Value& value, const Style& style) {
    return std::visit([&](const auto& it) { return text_of(it, style); }, value);
}

}  // namespace vbackup::cli
