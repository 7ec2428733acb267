// limpid judge: whether attributions and visualisations tell the truth, where the truth is known.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "nets/world/world.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/progress.h"
#include "tools/run_options.h"
#include "viz/image/image.h"
#include "viz/json_text.h"
#include "viz/judge/document.h"
#include "weights/file.h"

namespace limpid {

namespace {

using nlohmann::ordered_json;

struct JudgeArguments {
    RunArguments run;
    JudgeOptions judge;
    VisualisationOptions visualisation;
    std::vector<std::string> methods;
    std::string out, sheet, part = "all";
    bool as_json = false, quiet = false;
};

std::string command_of(const JudgeArguments& a) {
    std::string text = concat("limpid judge --count ", a.judge.count, " --size ", a.judge.size, " --samples ",
                              a.visualisation.samples, " --steps ", a.visualisation.steps, " --seed ", a.judge.seed);
    if (a.part != "all") text += " --part " + a.part;
    for (const std::string& method : a.methods) text += " --method " + method;
    if (!a.run.weights.empty()) text += " --weights " + shell_word(a.run.weights);
    if (!a.run.net.empty()) text += " --net " + a.run.net;
    return text + " -o " + shell_word(a.out);
}

ordered_json json_of(const Estimate& e) { return {{"mean", e.mean}, {"low", e.low}, {"high", e.high}}; }

// net, weights_checksum, version, seed; methods {judged, painted, size, area, rows}: a row's numbers are {mean, low,
// high}; visualisations {pictures of the world, rows}: a row has a comparison for each statistic.
ordered_json json_of(const Verdict& v, const Net& net) {
    ordered_json result{{"net", net.name},
                        {"weights_checksum", net.weights->checksum},
                        {"command", v.command},
                        {"seed", v.options.seed}};
    if (v.methods) {
        ordered_json rows = ordered_json::array();
        for (const MethodScores& row : v.methods->rows)
            rows.push_back({{"method", row.name},
                            {"from", row.from},
                            {"energy_inside", json_of(row.energy)},
                            {"energy_by_area", json_of(row.gain)},
                            {"pointing", json_of(row.pointing)},
                            {"discrimination", json_of(row.discrimination)},
                            {"deletion", json_of(row.deletion)},
                            {"insertion", json_of(row.insertion)},
                            {"random_weights", json_of(row.control)}});
        result["methods"] = {{"judged", v.methods->judged},
                             {"painted", v.methods->painted},
                             {"size", v.options.size},
                             {"area", v.methods->area},
                             {"rows", rows}};
    }
    if (v.visualisations) {
        ordered_json rows = ordered_json::array();
        for (const JudgedVisualisation& row : v.visualisations->rows) {
            ordered_json line{{"class", kPatternNames[size_t(row.concept_index)]},
                              {"taken_for", kPatternNames[size_t(row.taken_for)]},
                              {"probability", row.probability}};
            for (const Statistic statistic : kStatistics) {
                const Norm& norm = v.visualisations->norms[size_t(row.concept_index)][size_t(statistic)];
                const double value = value_of(statistic, row.measured);
                line[name_of(statistic)] = {{"value", value},
                                            {"mean", norm.mean},
                                            {"tolerance", norm.tolerance},
                                            {"defined", norm.defined},
                                            {"agrees", norm.accepts(statistic, value)}};
            }
            rows.push_back(line);
        }
        result["visualisations"] = {{"samples", v.visualisation_options.samples}, {"rows", rows}};
    }
    return result;
}

// Whether all was done; Stopped where it ended within what is not kept.
bool judge_parts(const JudgeArguments& a, const Net& net, Stream& stream, const RunOptions& run, Verdict& verdict) {
    if (a.part != "visualisations") {
        verdict.options.run = run;
        Progress progress("judge methods", a.quiet);
        verdict.methods = judge_methods(net, verdict.options, stream, [&](int64_t done, int64_t total) {
            progress.report(done, total);
            return !interrupted();
        });
        if (verdict.methods->judged < a.judge.count) return false;
    }
    if (a.part != "methods") {
        verdict.visualisation_options.run = run;
        Progress progress("judge visualisations", a.quiet);
        VisualisationJudgement judged =
            judge_visualisations(net, verdict.visualisation_options, stream, [&](int64_t done, int64_t total) {
                progress.report(done, total);
                return !interrupted();
            });
        if (judged.rows.empty()) return false;
        verdict.visualisations = std::move(judged);
    }
    return true;
}

void print(const Verdict& v) {
    if (v.methods && v.methods->judged > 0)
        std::cout << text_table(method_cells(*v.methods)) << v.methods->judged << " composites of two concepts, "
                  << v.methods->painted << " painted; masks cover " << v.methods->area
                  << " of a picture; ± half of the 95 % interval\n";
    if (v.visualisations)
        std::cout << text_table(visualisation_cells(*v.visualisations)) << visualisation_summary(*v.visualisations)
                  << '\n';
}

void write_sheet(const std::string& path, const HostTensor& pictures) {
    std::vector<ConstView> views;
    for (int64_t i = 0; i < pictures.shape.n; i++) views.push_back(pictures.view().image(i));
    write_png(path, tile(views, 5, 4).view());
    std::cout << path << '\n';
}

ExitStatus judge(JudgeArguments& a) {
    if (!a.out.empty() && !a.out.ends_with(".md"))
        throw UsageError(concat(a.out, ": the tables are a Markdown document; end the name with .md"));
    if (!a.sheet.empty() && !a.sheet.ends_with(".png"))
        throw UsageError(concat(a.sheet, ": pictures are PNG files; end the name with .png"));
    refuse_trace(a.run);
    check_files(a.run, {a.out, a.sheet}, {});
    for (const std::string& name : a.methods) a.judge.methods.push_back(&attribution_method(name));
    a.visualisation.seed = a.judge.seed;
    const Net net = load_net(a.run);
    check_knows_world(net);
    Stream stream = open_stream(a.run);
    const Inspection inspection(a.run, stream);
    say_missing_threads(a.run, stream);
    keep_results();
    Verdict verdict{.command = command_of(a),
                    .network = concat(net.name, ", weights ", net.weights->checksum.substr(0, 12)),
                    .options = a.judge,
                    .visualisation_options = a.visualisation};
    bool finished = false;
    try {
        finished = judge_parts(a, net, stream, inspection.options(), verdict);
    } catch (const Stopped&) {
    }
    if (a.as_json)
        std::cout << to_json_text(json_of(verdict, net), 1) << '\n';
    else
        print(verdict);
    if (!finished) {
        std::cerr << "limpid judge: stopped; what is above is of the composites that were finished"
                  << (a.out.empty() ? "" : ", and " + a.out + " is not written") << '\n';
        return kPartlyDone;
    }
    if (!a.out.empty()) write_file_atomically(a.out, as_bytes(markdown_document(verdict)));
    if (!a.sheet.empty() && verdict.visualisations) write_sheet(a.sheet, verdict.visualisations->pictures);
    return kDone;
}

}  // namespace

Run declare_judge(CLI::App& app) {
    const auto a = std::make_shared<JudgeArguments>();
    app.add_option("-n,--count", a->judge.count, "composites to judge methods of attribution on")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    app.add_option("--size", a->judge.size, "of the composites, pixels")
        ->check(CLI::Range(64, 512))
        ->capture_default_str();
    app.add_option("--method", a->methods,
                   "only this one, again for more; otherwise all: " + attribution_method_names())
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--part", a->part, "all, methods, or visualisations: of each class, rendered")
        ->check(CLI::IsMember({"all", "methods", "visualisations"}))
        ->capture_default_str();
    app.add_option("--samples", a->visualisation.samples,
                   "pictures of the world, of each class, that visualisations are compared with")
        ->check(CLI::Range(20, 100000))
        ->capture_default_str();
    app.add_option("--steps", a->visualisation.steps, "updates of each visualisation")
        ->check(CLI::Range(0, 1000000))
        ->capture_default_str();
    app.add_option("--seed", a->judge.seed, "of the world's pictures, of what methods draw, of random weights")
        ->capture_default_str();
    app.add_option("-o,--out", a->out, "also a document with the tables and what they mean (.md)");
    app.add_option("--sheet", a->sheet, "also one picture of all visualisations (.png)");
    app.add_flag("--json", a->as_json, "machine-readable, with the intervals' ends");
    app.add_flag("--quiet", a->quiet, "no progress");
    declare_run_options(app, a->run);
    return [a] { return judge(*a); };
}

}  // namespace limpid
