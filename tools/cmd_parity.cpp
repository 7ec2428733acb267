// limpid parity: whether this program's numbers are those that were published with the papers.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>

#include "kernels/error.h"
#include "tools/command.h"
#include "tools/run_options.h"
#include "viz/parity/parity.h"

namespace limpid {

namespace {

struct ParityArguments {
    RunArguments run;
    std::string folder;
};

// Lucid's network, or why there is none.
std::optional<Net> lucid_net(const ParityArguments& a, std::string& reason) {
    try {
        Net net = load_net(a.run);
        if (net.weights->variant == "inception5h") return net;
        reason = concat("Lucid's weights are needed; these are of ", net.name);
    } catch (const Error& error) {
        if (!a.run.weights.empty() || !a.run.net.empty()) throw;
        reason = "Lucid's weights are needed, and none are at hand";
    }
    return std::nullopt;
}

ExitStatus check(const ParityArguments& a) {
    if (!std::filesystem::is_directory(a.folder))
        throw Error(concat(a.folder, ": is no folder; expected one with lucid/ and nmf/, the published files"));
    refuse_trace(a.run);
    std::string reason;
    const std::optional<Net> net = lucid_net(a, reason);
    Stream stream = open_stream(a.run);
    const std::vector<ParityRow> rows = check_parity(a.folder, net ? &*net : nullptr, reason, stream);
    say_missing_threads(a.run, stream);
    size_t widest_reference = 0, widest_what = 0, checked = 0, missed = 0;
    for (const ParityRow& row : rows) {
        widest_reference = std::max(widest_reference, row.reference.size());
        widest_what = std::max(widest_what, row.what.size());
        checked += row.skipped.empty();
        missed += !row.ok();
    }
    for (const ParityRow& row : rows) {
        std::cout << std::left << std::setw(int(widest_reference + 2)) << row.reference
                  << std::setw(int(widest_what + 2)) << row.what << std::right;
        if (row.skipped.empty())
            std::cout << std::setw(10) << std::setprecision(3) << row.error << std::setw(8) << row.tolerance << "  "
                      << (row.ok() ? "ok" : "MISSED");
        else
            std::cout << "skipped: " << row.skipped;
        std::cout << '\n';
    }
    std::cout << rows.size() << " references: " << checked - missed << " ok, " << missed << " missed, "
              << rows.size() - checked << " skipped\n";
    if (checked == 0) throw Error(concat(a.folder, ": nothing could be checked; is it the folder of published files?"));
    return missed == 0 ? kDone : kFailed;
}

}  // namespace

Run declare_parity(CLI::App& app) {
    const auto a = std::make_shared<ParityArguments>();
    app.add_option("DIR", a->folder, "the published files: lucid/, nmf/, article/")->required();
    declare_run_options(app, a->run);
    return [a] { return check(*a); };
}

}  // namespace limpid
