// limpid report: the article's interactive figures for photos, as one page.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "kernels/error.h"
#include "tools/cache_folder.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/photo_input.h"
#include "tools/progress.h"
#include "tools/run_options.h"
#include "tools/version.h"
#include "viz/report/report.h"
#include "weights/file.h"

namespace limpid {

namespace {

namespace fs = std::filesystem;

struct ReportArguments {
    RunArguments run;
    std::vector<std::string> photos, figures;
    std::string out = "report.html", profile = "fast", cache, data;
    int64_t steps = -1, icons = -1, units = -1;
    bool whole = false, no_cache = false, plan = false, quiet = false;
};

// Where icons are kept: with the report's own work where there is no cache.
std::string icon_folder(const ReportArguments& a, const std::string& work) {
    if (a.no_cache) return work;
    if (!a.cache.empty()) return a.cache;
    const std::string home = cache_home();
    return home.empty() ? work : home + "/icons";
}

// What the photos are called: their files' names without extension, with a number where two are the same.
std::vector<std::string> names_of(const std::vector<std::string>& paths) {
    std::vector<std::string> names;
    std::set<std::string> seen;
    for (const std::string& path : paths) {
        const std::string stem = one_line(fs::path(path).stem().string());
        std::string name = stem;
        for (int i = 2; !seen.insert(name).second; i++) name = concat(stem, '-', i);
        names.push_back(name);
    }
    return names;
}

std::string net_options(const ReportArguments& a) {
    std::string words;
    if (!a.run.weights.empty()) words += " --weights " + shell_word(a.run.weights);
    if (!a.run.net.empty()) words += " --net " + shell_word(a.run.net);
    if (a.run.device != "auto") words += " --device " + shell_word(a.run.device);
    return words;
}

std::string report_options(const ReportArguments& a) {
    std::string words;
    if (a.profile != "fast") words += " --profile " + a.profile;
    if (a.steps >= 0) words += concat(" --steps ", a.steps);
    if (a.icons >= 0) words += concat(" --icons ", a.icons);
    if (a.units >= 0) words += concat(" --units ", a.units);
    return words;
}

std::string command_of(const ReportArguments& a, const ReportOptions& options) {
    std::string words = "limpid report";
    for (const std::string& photo : a.photos) words += " " + shell_word(photo);
    words += " -o " + shell_word(a.out) + options.report_options + options.photo_options;
    for (const std::string& figure : a.figures) words += " --figures " + shell_word(figure);
    return words + options.net_options;
}

ReportProfile profile_of(const ReportArguments& a) {
    ReportProfile profile = report_profile(a.profile);
    if (a.icons >= 0) profile.most_icons = a.icons;
    if (a.units >= 0) profile.most_sheets = a.units;
    if (a.steps >= 0) {
        profile.icon_steps = profile.sheet_steps = profile.grid_steps = a.steps;
        profile.group_icon_steps = profile.overlay_steps = a.steps;
        profile.history_steps = {a.steps};
    }
    return profile;
}

std::string in_words(double seconds) {
    return seconds < 90 ? concat(int64_t(seconds + 0.5), " s") : concat(int64_t(seconds / 60 + 0.5), " min");
}

void announce(const ReportPlan& plan, bool in_full) {
    int64_t kept = 0;
    for (const ReportPlan::Part& part : plan.parts) kept += part.kept;
    for (const ReportPlan::Part& part : plan.parts)
        if (in_full)
            std::cout << std::setw(8) << (part.kept ? "kept" : in_words(part.work / plan.work_per_second)) << "  "
                      << part.what << '\n';
    std::ostream& summary = in_full ? std::cout : std::cerr;
    summary << "limpid report: " << plan.parts.size() << " parts, " << kept << " of them made before; about "
            << in_words(plan.seconds()) << '\n';
}

ExitStatus make_report(const ReportArguments& a) {
    if (!a.out.ends_with(".html")) throw UsageError(concat(a.out, ": a report is a page; end the name with .html"));
    if (!a.data.empty() && !a.data.ends_with(".json"))
        throw UsageError(concat(a.data, ": the data are JSON; end the name with .json"));
    refuse_trace(a.run);
    check_files(a.run, {a.out, a.data}, a.photos);
    ReportOptions options;
    options.profile = profile_of(a);
    const Net net = load_net(a.run);
    const std::vector<std::string> names = names_of(a.photos);
    std::vector<ReportPhoto> photos;
    for (size_t i = 0; i < a.photos.size(); i++)
        photos.push_back({names[i], shell_word(a.photos[i]), load_photo({a.photos[i], a.whole}, net)});
    options.layers = report_layers(net);
    options.figures = a.figures;
    options.report_options = report_options(a);
    options.photo_options = a.whole ? " --whole" : "";
    options.net_options = net_options(a);
    options.command = command_of(a, options);
    options.made_by = concat("limpid ", LIMPID_VERSION, " (", LIMPID_COMMIT, ")");
    Stream stream = open_stream(a.run);
    const std::string work = a.out + ".work";
    Kept icons(icon_folder(a, work)), figures(work);
    Report report(net, std::move(photos), std::move(options), stream, icons, figures);
    if (a.plan) return announce(report.plan(), true), kDone;
    say_missing_threads(a.run, stream);
    if (!a.quiet) announce(report.plan(), false);
    keep_results();
    std::optional<nlohmann::ordered_json> data;
    {
        Progress progress("report", a.quiet);
        try {
            data = report.make([&](double done_s, double total_s, const std::string& what) {
                progress.report(int64_t(done_s * 1000), int64_t(total_s * 1000) + 1, what);
                return !interrupted();
            });
        } catch (const Stopped&) {  // within a part, which is not kept
        }
    }
    if (!data) {
        std::cerr << "limpid report: stopped; " << one_line(work)
                  << " keeps what is finished, the same command goes on\n";
        return kPartlyDone;
    }
    if (icons.damaged() + figures.damaged() > 0)
        std::cerr << "limpid report: " << icons.damaged() + figures.damaged()
                  << " kept files were damaged and have been made again\n";
    if (!a.data.empty()) write_json(a.data, *data);
    const std::string page = report_page(*data);
    write_file_atomically(a.out, as_bytes(page));
    std::error_code ignored;
    fs::remove_all(work, ignored);
    std::cout << a.out << '\n';
    return kDone;
}

}  // namespace

Run declare_report(CLI::App& app) {
    const auto a = std::make_shared<ReportArguments>();
    app.add_option("PHOTO", a->photos, "PNG or JPEG files, all into one page")->required();
    app.add_option("-o,--out", a->out, "the page: one file, which opens without a server")->capture_default_str();
    app.add_option("--profile", a->profile, "fast: minutes; full: the article's numbers of steps, hours")
        ->check(CLI::IsMember({"fast", "full"}))
        ->capture_default_str();
    app.add_option("--steps", a->steps, "of every optimised picture, instead of the profile's")
        ->check(CLI::Range(1, 1000000));
    app.add_option("--icons", a->icons, "the most icons of channels for a photo, instead of the profile's")
        ->check(CLI::Range(0, 1000000));
    app.add_option("--units", a->units,
                   "the most channels of a photo that get several pictures (large, opposite, diverse), instead of the "
                   "profile's")
        ->check(CLI::Range(0, 1000000));
    app.add_option("--figures", a->figures,
                   "only these, separated by commas: dictionary, teaser, spatial, channels, "
                   "groups, flow, grids, history, atlas, maps, similarity, icons, units")
        ->delimiter(',');
    app.add_flag("--whole", a->whole, "use the pictures as they are, not their resized central squares");
    app.add_option("--cache", a->cache,
                   "folder of icons, shared by reports; by default $XDG_CACHE_HOME/limpid/icons or "
                   "~/.cache/limpid/icons");
    app.add_flag("--no-cache", a->no_cache, "keep icons for this report only")->excludes("--cache");
    app.add_option("--data", a->data, "also the data of the page, as .json");
    app.add_flag("--plan", a->plan, "only say what would be done, and how long it would take");
    app.add_flag("--quiet", a->quiet, "no plan, no progress");
    declare_run_options(app, a->run);
    return [a] { return make_report(*a); };
}

}  // namespace limpid
