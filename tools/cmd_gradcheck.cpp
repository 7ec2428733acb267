// limpid gradcheck: whether the gradient of an objective is that of its value.
#include <CLI/CLI.hpp>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <memory>

#include "kernels/error.h"
#include "tools/command.h"
#include "tools/run_options.h"
#include "viz/objective/gradcheck.h"

namespace limpid {

namespace {

struct GradcheckArguments {
    RunArguments run;
    std::string objective;
    GradcheckOptions options;
};

ExitStatus gradcheck(const GradcheckArguments& a) {
    const Objective objective = parse_objective(a.objective);
    refuse_trace(a.run);
    const Net net = load_net(a.run);
    Stream stream = open_stream(a.run);
    const GradcheckResult result = check_gradient(net, objective, a.options, stream);
    say_old_forms("gradcheck", {&objective, 1});
    announce_choice(a.run, net, stream);
    for (const GradcheckRow& row : result.rows)
        std::cout << "direction " << row.direction << ": gradient " << row.expected << ", differences " << row.measured
                  << ", apart by " << row.error << " (allowed " << row.allowed << ")\n";
    std::cout << to_string(objective) << ": score " << result.score << ", gradient of length " << result.length << ": "
              << (result.passed() ? "agrees" : "DIFFERS") << '\n';
    return result.passed() ? kDone : kFailed;
}

}  // namespace

Run declare_gradcheck(CLI::App& app) {
    const auto a = std::make_shared<GradcheckArguments>();
    a->run.device = "reference";
    app.add_option("OBJECTIVE", a->objective, "as for limpid render")->required();
    app.add_option("--size", a->options.size, "height and width of the random picture")
        ->check(CLI::Range(8, 1024))
        ->capture_default_str();
    app.add_option("--batch", a->options.batch, "pictures")->check(CLI::Range(1, 64))->capture_default_str();
    app.add_option("--directions", a->options.directions, "random directions to try")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--step-size", a->options.step_size, "how far to move, in grey levels of 0..1")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_flag("--alpha", a->options.alpha, "a picture with opacity");
    app.add_option("--seed", a->options.seed, "of picture and directions")->capture_default_str();
    declare_run_options(app, a->run);
    return [a] { return gradcheck(*a); };
}

}  // namespace limpid
