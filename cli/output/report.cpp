// SPDX-License-Identifier: Apache-2.0
#include "cli/output/report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace vbackup::cli {

namespace {

using model::Found;
using model::Phase;

constexpr std::size_t longest = 2000;         // characters of one text
constexpr std::size_t most_collections = 12;  // named in one row

constexpr std::string_view style = R"(
:root{color-scheme:light dark;--text:#1b1f24;--faint:#57606a;--page:#fff;--line:#d0d7de;--band:#f6f8fa;--good:#116329;--bad:#a40e26;--ink:#0550ae}
@media (prefers-color-scheme:dark){:root{--text:#e6edf3;--faint:#9da7b1;--page:#0d1117;--line:#3d444d;--band:#161b22;--good:#56d364;--bad:#ff8e86;--ink:#79c0ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{max-width:76rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem}
p{margin:.3rem 0;max-width:46rem}
.faint{color:var(--faint)}
.good{color:var(--good);font-weight:600}
.bad{color:var(--bad);font-weight:600}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.4rem .7rem;border-bottom:1px solid var(--line)}
thead th{background:var(--band);white-space:nowrap}
tbody th{font-weight:600}
tbody th,.fixed{white-space:nowrap}
.names{min-width:12rem;overflow-wrap:anywhere}
.number{text-align:right;white-space:nowrap}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,30rem),1fr));gap:1rem}
figure{margin:0;border:1px solid var(--line);border-radius:6px;padding:.8rem}
figcaption{font-weight:600;overflow-wrap:anywhere}
svg{display:block;width:100%;height:auto;margin-top:.5rem}
svg text{fill:var(--faint);font:12px system-ui,sans-serif}
.grid{stroke:var(--line)}
.curve{fill:none;stroke:var(--ink);stroke-width:2}
.dot{fill:var(--ink)}
.cross{stroke:var(--bad);stroke-width:2;fill:none}
@media print{:root{color-scheme:light;--text:#000;--faint:#333;--page:#fff;--line:#999;--band:#eee;--good:#116329;--bad:#a40e26;--ink:#0550ae}
body{font-size:10pt}main{max-width:none;padding:0}.scroll{overflow:visible}table{font-size:8pt}th,td{padding:.2rem .4rem}tbody th,.fixed{white-space:normal;overflow-wrap:anywhere}.names{min-width:0}thead{display:table-header-group}tr,figure{break-inside:avoid}h2{break-after:avoid}}
)";

// For text and for attributes in quotes.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char letter : one_line(text, longest)) {
        switch (letter) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += letter;
        }
    }
    return out;
}

std::string plural(std::size_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string time_of(const std::optional<Moment>& moment) {
    if (!moment) return "unknown";
    auto text = format_time(*moment);
    std::replace(text.begin(), text.end(), 'T', ' ');
    text.pop_back();
    return fmt::format("<time datetime=\"{}\">{}</time>", format_time(*moment), text);
}

std::string took(const Found& found) {
    if (!found.started || !found.completed || *found.completed < *found.started) return "";
    return format_duration(std::chrono::duration_cast<Milliseconds>(*found.completed - *found.started));
}

std::string size_of(const Found& found) {
    return found.size ? format_bytes(*found.size) : "";
}

std::string name_of(const Found& found) {
    return escaped(found.id.empty() ? found.name : found.id);
}

std::string target_of(const std::string& target) {
    return target.empty() ? "<span class=\"faint\">not known</span>" : escaped(target);
}

bool went_wrong(const Found& found) {
    return found.phase == Phase::failed || found.phase == Phase::cancelled || found.phase == Phase::gone ||
           found.phase == Phase::unknown;
}

std::string phase_of(const Found& found) {
    const auto* const tint = found.phase == Phase::succeeded ? "good" : went_wrong(found) ? "bad" : "faint";
    return fmt::format("<span class=\"{}\">{}</span>", tint, escaped(model::word(found.phase)));
}

std::string keeping_of(const Found& found) {
    if (found.phase == Phase::unknown && !found.kept) return "";  // it cannot be read
    const std::string where = !found.managed ? "unmanaged" : found.kept ? "kept" : "left with the server";
    return found.pinned ? where + ", pinned" : where;
}

std::string collections_of(const Found& found) {
    std::string out;
    for (std::size_t i = 0; i < found.collections.size() && i < most_collections; ++i)
        out += (i == 0 ? "" : ", ") + escaped(found.collections[i]);
    if (found.collections.size() > most_collections)
        out += fmt::format(" and {} more", found.collections.size() - most_collections);
    return out;
}

struct Heading {
    std::string_view title;
    std::string_view kind = "";  // class of the column's cells
};

// A table that scrolls by itself where it is too wide, by keyboard too. The first cell of a row is its header; cells are HTML.
std::string table(std::string_view name, const std::vector<Heading>& headings,
                  const std::vector<std::vector<std::string>>& rows) {
    const auto kind = [](const Heading& heading) {
        return heading.kind.empty() ? std::string() : fmt::format(" class=\"{}\"", heading.kind);
    };
    std::string out = fmt::format(
        "<div class=\"scroll\" role=\"region\" aria-labelledby=\"{0}\" tabindex=\"0\">\n<table "
        "aria-labelledby=\"{0}\">\n"
        "<thead><tr>",
        name);
    for (const auto& heading : headings)
        out += fmt::format("<th scope=\"col\"{}>{}</th>", kind(heading), heading.title);
    out += "</tr></thead>\n<tbody>\n";
    for (const auto& row : rows) {
        out += fmt::format("<tr><th scope=\"row\">{}</th>", row.front());
        for (std::size_t i = 1; i < row.size(); ++i) out += fmt::format("<td{}>{}</td>", kind(headings.at(i)), row[i]);
        out += "</tr>\n";
    }
    return out + "</tbody>\n</table>\n</div>\n";
}

std::string verdict_of(const StoreReport& report, const StoreReport::Target& target) {
    if (!target.good) return "<span class=\"bad\">no good backup</span>";
    if (!report.max_age) return "<span class=\"good\">has a good backup</span>";
    if (!target.age) return "<span class=\"bad\">of unknown age</span>";
    return target.young ? "<span class=\"good\">young enough</span>" : "<span class=\"bad\">too old</span>";
}

std::string targets_of(const StoreReport& report) {
    std::string out = "<section>\n<h2 id=\"targets\">Targets</h2>\n";
    if (report.max_age)
        out += fmt::format(
            "<p>The newest good backup of each may be {} old. Age counts from the beginning of a backup.</p>\n",
            format_duration(*report.max_age));
    std::vector<std::vector<std::string>> rows;
    for (const auto& target : report.targets)
        rows.push_back({target_of(target.name), verdict_of(report, target), target.good ? name_of(*target.good) : "",
                        target.good ? time_of(target.good->started) : "",
                        target.age ? format_duration(*target.age) : "", std::to_string(target.backups),
                        format_bytes(target.size)});
    return out +
           table("targets",
                 {{"Target"},
                  {"State", "fixed"},
                  {"Newest good backup", "fixed"},
                  {"Began (UTC)", "fixed"},
                  {"Age", "number"},
                  {"Good backups", "number"},
                  {"Size of all", "number"}},
                 rows) +
           "</section>\n";
}

std::string failures_of(const StoreReport& report) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& found : report.backups)
        if (went_wrong(found))
            rows.push_back({name_of(found), target_of(found.target), phase_of(found), time_of(found.started),
                            escaped(found.why.empty() ? found.said : found.why)});
    const std::string head = "<section>\n<h2 id=\"failures\">Failures</h2>\n";
    if (rows.empty()) return head + "<p>None of the backups that the store has went wrong.</p>\n</section>\n";
    return head +
           table("failures",
                 {{"Backup"}, {"Target"}, {"Phase", "fixed"}, {"Began (UTC)", "fixed"}, {"What was said", "names"}},
                 rows) +
           "</section>\n";
}

// The plane of a chart in units of its viewBox: time goes right, bytes go up.
struct Plane {
    static constexpr double left = 78, right = 628, top = 14, bottom = 142;
    Moment first, last;
    std::uint64_t most = 1;

    double x(Moment at) const {
        const auto whole = std::chrono::duration<double>(last - first).count();
        return left + (right - left) * std::chrono::duration<double>(at - first).count() / whole;
    }
    double y(std::uint64_t size) const {
        return bottom - (bottom - top) * static_cast<double>(size) / static_cast<double>(most);
    }
};

std::string day(Moment moment) {
    return format_time(moment).substr(0, 10);
}

std::string grid_of(const Plane& plane) {
    std::string out;
    for (const auto size : {std::uint64_t{0}, plane.most / 2, plane.most})
        out += fmt::format(
            "<line class=\"grid\" x1=\"{:.0f}\" x2=\"{:.0f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"></line>"
            "<text x=\"{:.0f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
            Plane::left, Plane::right, plane.y(size), plane.y(size), Plane::left - 8, plane.y(size) + 4,
            format_bytes(size));
    return out +
           fmt::format(
               "<text x=\"{:.0f}\" y=\"162\">{}</text><text x=\"{:.0f}\" y=\"162\" text-anchor=\"end\">{}</text>\n",
               Plane::left, day(plane.first), Plane::right, day(plane.last));
}

// What stands at one point, for whoever rests on it.
std::string said_of(const Found& found) {
    return fmt::format("<title>{}, {}, {}</title>", name_of(found), format_time(*found.started),
                       found.phase == Phase::succeeded ? size_of(found) : escaped(model::word(found.phase)));
}

// `points` are in the order of time, good ones with a size and those that went wrong; two good ones at different times at least.
std::string chart_of(const std::string& target, const std::vector<const Found*>& points, std::size_t number) {
    Plane plane{*points.front()->started, *points.back()->started};
    std::size_t good = 0;
    const Found* newest = nullptr;
    std::string curve, dots;
    for (const auto* found : points)
        if (found->phase == Phase::succeeded) plane.most = std::max(plane.most, *found->size);
    for (const auto* found : points) {
        const double x = plane.x(*found->started);
        if (found->phase != Phase::succeeded) {
            dots += fmt::format("<path class=\"cross\" d=\"M{:.1f} {:.1f}l8 8m0 -8l-8 8\">{}</path>\n", x - 4,
                                Plane::bottom - 4, said_of(*found));
            continue;
        }
        ++good;
        newest = found;
        const double y = plane.y(*found->size);
        curve += fmt::format("{}{:.1f},{:.1f}", curve.empty() ? "" : " ", x, y);
        dots += fmt::format("<circle class=\"dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\">{}</circle>\n", x, y,
                            said_of(*found));
    }
    const auto failures = points.size() - good;
    const auto told = fmt::format(
        "Sizes of {} from {} to {}: the newest has {}, the largest {}{}", plural(good, "good backup", "good backups"),
        day(plane.first), day(plane.last), size_of(*newest), format_bytes(plane.most),
        failures == 0 ? std::string()
                      : fmt::format("; {} (crosses)", plural(failures, "one went wrong", "went wrong")));
    return fmt::format(
        "<figure>\n<figcaption id=\"chart{0}\">{1}</figcaption>\n<svg viewBox=\"0 0 640 170\" role=\"img\" "
        "aria-labelledby=\"chart{0} told{0}\">\n<desc id=\"told{0}\">{2}.</desc>\n{3}<polyline class=\"curve\" "
        "points=\"{4}\"></polyline>\n{5}</svg>\n<p class=\"faint\">{2}.</p>\n</figure>\n",
        number, target_of(target), told, grid_of(plane), curve, dots);
}

std::string charts_of(const StoreReport& report) {
    std::string charts;
    for (std::size_t i = 0; i < report.targets.size(); ++i) {
        const auto& target = report.targets[i].name;
        std::vector<const Found*> points;
        std::size_t good = 0;
        for (const auto& found : report.backups) {
            const bool sized = found.phase == Phase::succeeded && found.size;
            if (found.target != target || !found.started || (!sized && !went_wrong(found))) continue;
            points.push_back(&found);
            good += sized ? 1U : 0U;
        }
        std::reverse(points.begin(), points.end());
        if (good < 2 || *points.front()->started == *points.back()->started) continue;
        charts += chart_of(target, points, i + 1);
    }
    const std::string head = "<section>\n<h2 id=\"sizes\">Sizes over time</h2>\n";
    if (charts.empty()) return head + "<p>No target has two good backups whose sizes are known yet.</p>\n</section>\n";
    return head + "<div class=\"charts\">\n" + charts + "</div>\n</section>\n";
}

std::string backups_of(const StoreReport& report) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& found : report.backups)
        rows.push_back({name_of(found), target_of(found.target), escaped(found.driver), phase_of(found),
                        time_of(found.started), took(found), size_of(found), keeping_of(found), collections_of(found)});
    const std::string head = "<section>\n<h2 id=\"backups\">Backups</h2>\n";
    if (rows.empty()) return head + "<p>The store has no backups.</p>\n</section>\n";
    return head +
           table("backups",
                 {{"Backup"},
                  {"Target"},
                  {"Driver"},
                  {"Phase", "fixed"},
                  {"Began (UTC)", "fixed"},
                  {"Took", "number"},
                  {"Size", "number"},
                  {"Kind", "fixed"},
                  {"Collections", "names"}},
                 rows) +
           "</section>\n";
}

std::string summary_of(const StoreReport& report) {
    std::size_t good = 0, bad = 0;
    std::uint64_t size = 0;
    for (const auto& target : report.targets) {
        good += target.backups;
        size += target.size;
    }
    for (const auto& found : report.backups) bad += went_wrong(found) ? 1U : 0U;
    return fmt::format(
        "<p>{} of {}, {} in all; {}.</p>\n", plural(good, "good backup", "good backups"),
        plural(report.targets.size(), "target", "targets"), format_bytes(size),
        bad == 0 ? std::string("none went wrong") : fmt::format("<span class=\"bad\">{} went wrong</span>", bad));
}

}  // namespace

std::string render_page(const StoreReport& report) {
    const auto store = escaped(report.store);
    std::string out = fmt::format(
        "{}\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"generator\" content=\"vbackup {}\">\n<title>Backups in "
        "{}</title>\n<style>{}</style>\n</head>\n<body>\n"
        "<main>\n<h1>Backups in {}</h1>\n<p class=\"faint\">As of {} UTC, by vbackup {}.</p>\n",
        page_mark, VBACKUP_VERSION, store, style, store, time_of(report.at), VBACKUP_VERSION);
    if (!report.targets.empty())
        out += summary_of(report) + targets_of(report) + failures_of(report) + charts_of(report);
    return out + backups_of(report) + "</main>\n</body>\n</html>\n";
}

}  // namespace vbackup::cli
