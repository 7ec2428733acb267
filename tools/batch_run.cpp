// Rendering a list of jobs into a folder: what is there is kept, what is done is recorded, what fails is said.
#include "tools/batch_run.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>

#include "kernels/error.h"
#include "tools/byte_count.h"
#include "tools/interrupt.h"
#include "tools/progress.h"
#include "tools/version.h"
#include "viz/batch/batch_renderer.h"
#include "viz/batch/manifest.h"
#include "viz/batch/sprites.h"
#include "viz/image/image.h"
#include "viz/objective/terms.h"
#include "viz/render/limits.h"
#include "weights/arrays.h"
#include "weights/file.h"
#include "weights/sha256.h"

namespace limpid {

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// The channel of a layer that a job shows; else nothing.
struct Unit {
    std::string layer;
    int64_t channel = 0;
};
std::optional<Unit> unit_of(const Job& job) {
    const Objective& o = job.objective;
    if (o.kind() != Objective::Kind::term || o.term().name != "channel" || o.arguments().size() != 2)
        return std::nullopt;
    return Unit{std::get<std::string>(o.arguments().at("layer")), std::get<int64_t>(o.arguments().at("channel"))};
}

class Batch {
  public:
    Batch(const BatchArguments& a, const Net& net, Stream& stream, const JobList& list, const Shard& shard)
        : a_(a), net_(net), stream_(stream), list_(list), shard_(shard) {
        FileDigests read;
        for (const Job& job : list.jobs) identities_[&job] = identity(job, net, &read);
    }

    ExitStatus render() {
        fs::create_directories(a_.folder);
        if (has_manifest(a_.folder) && !a_.resume && !shares_folder())
            throw UsageError(concat(a_.folder,
                                    " holds pictures already; --resume keeps them and renders what is "
                                    "missing, or name another folder"));
        const ManifestContents before = read_manifests(a_.folder);
        std::vector<const Job*> todo;
        int64_t mine = 0;
        for (size_t i = 0; i < list_.jobs.size(); i++) {
            if (!shard_.takes(int64_t(i))) continue;
            mine++;
            if (!before.finished.contains(identities_.at(&list_.jobs[i]))) todo.push_back(&list_.jobs[i]);
        }
        const Inspection inspection(a_.run, stream_);
        // Several renderers take jobs in turn, each on a stream and in memory of its own.
        std::vector<Stream> more_streams;
        for (int64_t i = 1; i < a_.streams; i++) more_streams.emplace_back(stream_.device(), a_.run.threads);
        BatchRenderer renderer(net_, stream_, a_.batch);
        int64_t batch = a_.batch;
        if (!a_.max_memory.empty() && !todo.empty()) {
            batch = renderer.batch_for_memory(todo, parse_byte_count(a_.max_memory) / size_t(a_.streams), a_.batch);
            renderer.set_batch(batch);
        }
        if (a_.streams > 1 && inspection.options().watches())
            throw UsageError("--streams: --check, --shadow and --dump watch one run at a time; leave one of them out");
        announce(mine, int64_t(todo.size()), batch, before);
        if (a_.plan) {
            if (!todo.empty())
                std::cout << renderer.device_bytes(*todo[0], batch) << " bytes with " << batch << " pictures at once\n";
            return kDone;
        }
        ManifestWriter manifest(a_.folder, shard_.manifest_name());
        watch_interrupts();
        Progress progress("batch", a_.quiet, int64_t(todo.size()));
        const auto start = std::chrono::steady_clock::now();
        const auto elapsed_s = [&] {
            return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        };
        size_t next = 0;
        int64_t image_steps = 0, done = 0, total_steps = 0;
        for (const Job* job : todo) total_steps += (job->options.steps + 1) * job->options.batch;
        std::mutex mutex;  // of all below: renderers call from threads of their own
        std::exception_ptr failure;
        const auto work = [&](BatchRenderer& one) {
            one.run(
                [&]() -> const Job* {
                    const std::lock_guard lock(mutex);
                    return next < todo.size() && !failure ? todo[next++] : nullptr;
                },
                [&](FinishedJob&& finished) {
                    const std::lock_guard lock(mutex);
                    try {
                        if (!finished.error.empty()) throw Error(finished.error);
                        keep(finished, manifest);
                        done++;
                    } catch (const std::exception& error) {
                        report_failure(finished.job->name, error.what());
                        try_to_record_failure(*finished.job, error.what(), manifest);
                    }
                },
                [&](int64_t images) {
                    const std::lock_guard lock(mutex);
                    image_steps += images;
                    const double seconds = elapsed_s();
                    progress.report(image_steps, total_steps,
                                    concat(done, " of ", todo.size(), " pictures, ",
                                           int64_t(double(image_steps) / double(total_steps) * double(todo.size()) /
                                                   seconds * 3600),
                                           " per hour"));
                    return !interrupted() && !failure;
                },
                inspection.options());
        };
        std::vector<std::thread> threads;
        for (Stream& stream : more_streams)
            threads.emplace_back([&] {
                try {
                    BatchRenderer one(net_, stream, batch);
                    work(one);
                } catch (...) {
                    const std::lock_guard lock(mutex);
                    failure = std::current_exception();
                }
            });
        try {
            work(renderer);
        } catch (...) {
            const std::lock_guard lock(mutex);
            failure = std::current_exception();
        }
        for (std::thread& thread : threads) thread.join();
        if (failure) std::rethrow_exception(failure);
        const bool stopped = interrupted();
        if (!a_.quiet)
            std::cerr << std::fixed << std::setprecision(1) << done << " pictures in " << elapsed_s() << " s, "
                      << double(image_steps) / std::max(elapsed_s(), 1e-9) << " image-steps/s\n";
        if (a_.sprites && !stopped) draw_sheets();
        if (stopped) std::cerr << "interrupted; --resume renders the rest\n";
        return stopped || failures_ > 0 ? kPartlyDone : kDone;
    }

  private:
    // Several processes begin in an empty folder and find each other's manifests.
    bool shares_folder() const {
        return shard_.count > 1 && !fs::exists(concat(a_.folder, "/", shard_.manifest_name()));
    }

    void announce(int64_t mine, int64_t todo, int64_t batch, const ManifestContents& before) const {
        if (a_.quiet) return;
        std::cerr << "limpid " << a_.command << ": " << list_.jobs.size() << " pictures of " << net_.name << " on "
                  << stream_.backend().name;
        if (shard_.count > 1)
            std::cerr << ", of which this share " << shard_.index << "/" << shard_.count << " (" << shard_.reason
                      << ") takes " << mine;
        std::cerr << "; " << mine - todo << " are there, " << todo << " to render, " << batch << " at once\n";
        if (before.torn_lines > 0) std::cerr << before.torn_lines << " lines of the manifest are torn: passed over\n";
        if (before.lost_files > 0)
            std::cerr << before.lost_files << " pictures of the manifest are missing or changed: rendered again\n";
    }

    void report_failure(const std::string& name, const std::string& why) {
        failures_++;
        std::cerr << "limpid " << a_.command << ": " << one_line(name) << ": " << one_line(why) << '\n';
    }

    ordered_json record(const Job& job) const {
        return {{"identity", identities_.at(&job)},
                {"name", job.name},
                {"objective", to_string(job.objective)},
                {"parameters", ordered_json::parse(description(job, net_))},
                {"seed", job.options.seed},
                {"net", net_.name},
                {"device", stream_.backend().name},
                {"version", LIMPID_VERSION},
                {"commit", LIMPID_COMMIT}};
    }

    // Pictures first, then the line that stands for them.
    void keep(const FinishedJob& finished, ManifestWriter& manifest) const {
        const Job& job = *finished.job;
        ordered_json line = record(job);
        line["status"] = "done";
        line["score"] = finished.scores.back();
        line["updates"] = finished.scores.size();
        line["seconds"] = finished.seconds;
        std::vector<ConstView> views;
        for (int64_t i = 0; i < finished.images.shape.n; i++) views.push_back(finished.images.view().image(i));
        const HostTensor picture = tile(views, int64_t(views.size()), 0);
        const std::vector<std::byte> png = encode_png(picture.view());
        const std::string file = job.name + ".png";
        write_file_atomically(concat(a_.folder, "/", file), png);
        line["file"] = file;
        line["sha256"] = sha256_of(png);
        if (a_.raw) {
            const std::string raw = job.name + ".h5";
            write_file_atomically(concat(a_.folder, "/", raw),
                                  write_arrays({{"image", finished.images}}, {{"job", description(job, net_)}}));
            line["raw"] = raw;
        }
        manifest.append(line.dump());
    }

    // For people who read the manifest; a failed job is rendered again by --resume.
    void try_to_record_failure(const Job& job, const std::string& why, ManifestWriter& manifest) const {
        ordered_json line = record(job);
        line["status"] = "failed";
        line["error"] = why;
        try {
            manifest.append(line.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
        } catch (const std::exception& error) {
            std::cerr << "limpid " << a_.command << ": " << one_line(error.what()) << '\n';
        }
    }

    // Sheets of the layers all of whose jobs are finished, by whichever process.
    void draw_sheets() {
        const ManifestContents contents = read_manifests(a_.folder);
        std::map<std::string, SpriteSheet> sheets;
        std::set<std::string> unfinished;
        for (const Job& job : list_.jobs) {
            const std::optional<Unit> unit = unit_of(job);
            if (!unit) continue;
            const auto found = contents.finished.find(identities_.at(&job));
            if (found == contents.finished.end()) {
                unfinished.insert(unit->layer);
                continue;
            }
            sheets[unit->layer].files.emplace(unit->channel, found->second.file);
        }
        for (auto& [layer, sheet] : sheets) {
            if (unfinished.contains(layer)) continue;
            try {
                sheet.layer = layer;
                sheet.channels = channels_of(net_, layer);
                const std::string path = write_sprites(a_.folder, sheet, a_.cell);
                std::cout << path << "  " << sheet.files.size() << " of " << sheet.channels << " channels\n";
            } catch (const std::exception& error) {
                report_failure(layer, error.what());
            }
        }
    }

    const BatchArguments& a_;
    const Net& net_;
    Stream& stream_;
    const JobList& list_;
    const Shard& shard_;
    std::map<const Job*, std::string> identities_;
    int64_t failures_ = 0;
};

}  // namespace

ExitStatus run_batch(const BatchArguments& arguments, const Net& net, Stream& stream, const JobList& list,
                     const Shard& shard) {
    for (const std::string& error : list.errors)
        std::cerr << "limpid " << arguments.command << ": " << one_line(error) << '\n';
    if (list.jobs.empty()) throw Error("there is nothing to render");
    const ExitStatus status = Batch(arguments, net, stream, list, shard).render();
    return status == kDone && !list.errors.empty() ? kPartlyDone : status;
}

RenderOptions batch_options(const BatchArguments& arguments) {
    RenderOptions options = arguments.options;
    options.param = parse_param(arguments.param);
    options.param.height = options.param.width = arguments.size;
    options.transforms = parse_transforms(arguments.transforms);
    options.optimiser = parse_optimiser(arguments.optimiser);
    return options;
}

void declare_batch_options(CLI::App& app, BatchArguments& a) {
    RenderOptions& o = a.options;
    app.add_option("-o,--out", a.folder, "folder of the pictures and their manifest")->required();
    app.add_option("--batch", a.batch, "pictures at once, at most. Results do not depend on it")
        ->check(CLI::Range(kBatchLimits.least, kBatchLimits.most))
        ->capture_default_str();
    app.add_option("--streams", a.streams,
                   "batches at once, each on a stream of the device: a GPU computes one while another waits for the "
                   "host. Results do not depend on it")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    app.add_option("--max-memory", a.max_memory, "memory of the device that may be used, e.g. 2GiB: the batch follows");
    app.add_flag("--resume", a.resume, "keep what is finished and render the rest");
    app.add_option("--shard", a.shard,
                   "the share of this process, 1/8 to 8/8; auto: what Slurm or MPI say; auto/8: Kubernetes too")
        ->capture_default_str();
    app.add_option("--size", a.size, "height and width in pixels")
        ->check(CLI::Range(kSizeLimits.least, kSizeLimits.most))
        ->capture_default_str();
    app.add_option("--steps", o.steps, "Lucid's threshold: the picture is taken after STEPS + 1 updates")
        ->check(CLI::Range(kStepLimits.least, kStepLimits.most))
        ->capture_default_str();
    app.add_option("--seed", o.seed, "seed of the starts and of the transforms")->capture_default_str();
    app.add_option("--learning-rate", o.adam.rate, "of Adam")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--param", a.param, "what a picture is made of; see limpid render --help")->capture_default_str();
    app.add_option("--transforms", a.transforms, "none, standard, robust, alpha, or a list; see limpid render --help")
        ->capture_default_str();
    app.add_option("--optimiser", a.optimiser, "adam, ascent(rate=...) and rules; see limpid render --help")
        ->capture_default_str();
    app.add_flag("--plan", a.plan, "print how many bytes it takes, and stop");
    app.add_flag("--quiet", a.quiet, "no progress");
    declare_run_options(app, a.run);
}

}  // namespace limpid
