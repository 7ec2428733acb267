// Rendering a list of jobs into a folder: what is there is kept, what is done is recorded, what fails is said.
#include "tools/batch_run.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <limits>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <system_error>
#include <thread>

#include "kernels/error.h"
#include "tools/device_list.h"
#include "tools/interrupt.h"
#include "tools/progress.h"
#include "tools/version.h"
#include "viz/batch/batch_renderer.h"
#include "viz/batch/manifest.h"
#include "viz/batch/memory_fit.h"
#include "viz/batch/sprites.h"
#include "viz/image/image.h"
#include "viz/image/visible.h"
#include "viz/json_text.h"
#include "viz/render/limits.h"
#include "weights/arrays.h"
#include "weights/file.h"
#include "weights/sha256.h"

namespace limpid {

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// Jobs that are rendered by one renderer, so many at once.
struct JobGroup {
    int64_t batch = 1;
    std::vector<const Job*> jobs;
};

// Of one picture and all its updates.
int64_t image_steps(const Job& job) { return job.options.updates() * job.options.batch; }

class BatchRun {
  public:
    BatchRun(const BatchArguments& a, const Net& net, Stream& stream, const JobList& list, const Shard& shard)
        : a_(a), net_(net), stream_(stream), list_(list), shard_(shard), inspection_(a.run, stream) {
        FileDigests read;
        for (const Job& job : list.jobs) {
            descriptions_[&job] = description(job, net, &read);
            identities_[&job] = identity_of(descriptions_[&job]);
        }
    }

    // Throws UsageError where the arguments do not go together.
    void check() const {
        if (has_manifest(a_.folder) && !a_.resume && !shares_folder())
            throw UsageError(concat(a_.folder,
                                    " holds pictures already; --resume keeps them and renders what is "
                                    "missing, or name another folder"));
        if (a_.streams > 1 && inspection_.options().watches())
            throw UsageError("--streams: --check, --shadow and --dump watch one run at a time; leave one of them out");
    }

    ExitStatus render() {
        const size_t limit_bytes = stream_.allowed_memory() / size_t(a_.streams);
        const bool limited = !a_.run.max_memory.empty();
        if (!a_.plan) {
            create_folder(a_.folder);
            check_files(a_.run, {concat(a_.folder, "/", shard_.manifest_name())}, inputs());
            manifest_.emplace(a_.folder, shard_.manifest_name());
        }
        const ManifestContents before = read_manifests(a_.folder);
        std::vector<const Job*> todo;
        std::vector<FinishedJob> failed;
        int64_t mine = 0;
        for (size_t i = 0; i < list_.jobs.size(); i++) {
            const Job* job = &list_.jobs[i];
            if (!shard_.takes(int64_t(i))) continue;
            mine++;
            if (is_finished(*job, before)) continue;
            const std::string conflict = conflict_of(*job, before);
            if (conflict.empty())
                todo.push_back(job);
            else
                failed.push_back({job, conflict, {}, {}, 0});
        }
        if (!a_.plan) check_files(a_.run, outputs_of(todo), inputs());
        const int64_t there = mine - int64_t(todo.size() + failed.size());
        std::vector<JobGroup> groups{{a_.batch, todo}};
        if (a_.plan || limited) {
            MemoryFit fit =
                fit_memory(net_, stream_, todo, limited ? limit_bytes : std::numeric_limits<size_t>::max(), a_.batch);
            std::ranges::move(fit.failed, std::back_inserter(failed));
            if (a_.plan) print_plan(fit);
            groups = groups_of(fit);
        }
        announce(mine, there, groups, before);
        for (const FinishedJob& job : failed) fail(*job.job, job.error);
        if (a_.plan) return failures_ > 0 ? kPartlyDone : kDone;
        keep_results();
        try {
            render_groups(groups, inspection_.options());
            finish();
        } catch (const VolumeError& error) {
            if (there + kept_ == 0) throw;
            say(concat(error.what(), "; stopped: ", there + kept_, " pictures are kept, --resume renders the rest"));
            return kPartlyDone;
        }
        const bool stopped = interrupted();
        if (stopped) say("interrupted; --resume renders the rest");
        return stopped || failures_ > 0 ? kPartlyDone : kDone;
    }

  private:
    // Several processes begin in an empty folder and find each other's manifests.
    bool shares_folder() const {
        return shard_.count > 1 && !fs::exists(concat(a_.folder, "/", shard_.manifest_name()));
    }

    // What a picture is made of, and this list of jobs.
    std::vector<std::string> inputs() const {
        std::vector<std::string> files = a_.inputs;
        for (const Job& job : list_.jobs)
            for (const auto& named : {files_of(job.objective), files_of(job.options.param)})
                files.insert(files.end(), named.begin(), named.end());
        return files;
    }

    std::vector<std::string> outputs_of(const std::vector<const Job*>& jobs) const {
        std::vector<std::string> files;
        for (const Job* job : jobs) {
            files.push_back(concat(a_.folder, "/", picture_of(*job)));
            if (a_.raw) files.push_back(concat(a_.folder, "/", raw_of(*job)));
        }
        // Their folder is made with the first of them: where it is not there yet, nothing is written over.
        if (!a_.sprites || !fs::is_directory(a_.folder + "/sprites")) return files;
        std::set<std::string> layers;
        for (const Job& job : list_.jobs)
            if (const std::optional<ShownUnit> unit = unit_of(job.objective)) layers.insert(unit->layer);
        for (const std::string& layer : layers)
            for (const char* ending : {".png", ".json"}) files.push_back(sprites_of(a_.folder, layer) + ending);
        return files;
    }

    std::string picture_of(const Job& job) const { return job.name + ".png"; }
    std::string raw_of(const Job& job) const { return job.name + ".h5"; }

    bool is_finished(const Job& job, const ManifestContents& before) const {
        const auto found = before.finished.find(identities_.at(&job));
        return found != before.finished.end() && (!a_.raw || !found->second.raw.empty());
    }

    // Why the job may not be rendered: a file of its name is another job's. Otherwise nothing.
    std::string conflict_of(const Job& job, const ManifestContents& before) const {
        std::vector<std::string> files{picture_of(job)};
        if (a_.raw) files.push_back(raw_of(job));
        for (const std::string& file : files) {
            const auto owner = before.owners.find(file);
            const std::string path = a_.folder + "/" + file;
            std::error_code error;
            if (owner == before.owners.end() || owner->second.identity == identities_.at(&job) ||
                !fs::exists(path, error))
                continue;
            return concat(path, " belongs to another job (", differences(owner->second, descriptions_.at(&job)),
                          "); name another folder, give this job another name, or remove the file");
        }
        return "";
    }

    // Kinds that are rendered as many at once share a renderer.
    static std::vector<JobGroup> groups_of(const MemoryFit& fit) {
        std::vector<JobGroup> groups;
        for (const KindOfJobs& kind : fit.kinds) {
            auto group = std::ranges::find(groups, kind.batch, &JobGroup::batch);
            if (group == groups.end()) group = groups.insert(group, {kind.batch, {}});
            std::ranges::copy(kind.jobs, std::back_inserter(group->jobs));
        }
        return groups;
    }

    void print_plan(const MemoryFit& fit) const {
        for (const KindOfJobs& kind : fit.kinds) {
            const int64_t jobs = int64_t(kind.jobs.size());
            std::cout << kind.bytes * size_t(a_.streams) << " bytes with " << std::min(kind.batch * a_.streams, jobs)
                      << " pictures at once: " << jobs << " like " << kind.jobs[0]->name << '\n';
        }
    }

    // On stderr; between bars, where there are any.
    void say(const std::string& text) {
        const std::string line = concat("limpid ", a_.command, ": ", one_line(text));
        if (progress_)
            progress_->say(line);
        else
            std::cerr << line << '\n';
    }

    void announce(int64_t mine, int64_t there, const std::vector<JobGroup>& groups, const ManifestContents& before) {
        const bool any_to_do = std::ranges::any_of(groups, [](const JobGroup& group) { return !group.jobs.empty(); });
        say_devices(before, any_to_do ? device() : "");
        if (a_.quiet) return;
        int64_t todo = 0, least = a_.batch, most = 1;
        for (const JobGroup& group : groups) {
            todo += int64_t(group.jobs.size());
            least = std::min(least, group.batch);
            most = std::max(most, group.batch);
        }
        std::string text = concat(list_.jobs.size(), " pictures of ", net_.name, " on ", stream_.backend().name);
        if (shard_.count > 1)
            text += concat(", of which this share ", shard_.index, "/", shard_.count, " (", shard_.reason, ") takes ",
                           mine);
        text += concat("; ", there, " are there, ", todo, " to render");
        if (todo > 0) text += concat(", ", least < most ? concat(least, " to ") : "", most, " at once");
        say(text);
        if (before.torn_lines > 0) say(concat(before.torn_lines, " lines of the manifest are torn: passed over"));
        if (before.lost_files > 0)
            say(concat(before.lost_files, " pictures of the manifest are missing or changed: rendered again"));
        if (before.lost_raw_files > 0)
            say(concat(before.lost_raw_files, " raw files of the manifest are missing or changed: ",
                       a_.raw ? "rendered again" : "--raw renders them again"));
    }

    // What decides the rounding.
    std::string device() const {
        const bool exact = stream_.device().precision == Precision::fp32;
        return stream_.backend().name + (exact ? "" : ", " + a_.run.precision);
    }

    // Pictures of one folder from different devices look alike and have other bits: never without a word, also when
    // all else is quiet. more: the device of the pictures to come; "": there are none.
    void say_devices(const ManifestContents& contents, const std::string& more) {
        const std::map<std::string, int64_t> devices = devices_of(contents);
        std::set<std::string> names;
        for (const auto& [device, pictures] : devices) names.insert(device);
        if (!more.empty()) names.insert(more);
        if (names.size() < 2 || names == said_devices_) return;
        said_devices_ = names;
        std::string advice = "for equal bits render all of a folder with one --device";
        if (const std::string same = devices.size() == 1 && !more.empty() ? option_of(devices.begin()->first) : "";
            !same.empty())
            advice = concat("--device ", same, " renders the rest like them");
        say(concat("the pictures of ", a_.folder, " are not all of one device, and so not of the same bits: ",
                   to_string(devices), more.empty() ? "" : concat(", the rest on ", more), "; ", advice));
    }

    // What --device calls it here; "": this machine has none such. GPUs are recorded by the names of their kind.
    static std::string option_of(const std::string& recorded) {
        for (const DeviceEntry& entry : list_devices())
            if (entry.available && (entry.name == recorded || entry.note == recorded)) return entry.name;
        return "";
    }

    // When all is rendered, as far as it can be.
    void finish() {
        if (interrupted()) return;
        const ManifestContents after = read_manifests(a_.folder);
        if (a_.sprites) draw_sheets(after);
        say_devices(after, "");
    }

    // Said, and recorded for people who read the manifest; a failed job is rendered again by --resume.
    void fail(const Job& job, const std::string& why) {
        failures_++;
        say(concat(job.name, ": ", why));
        if (!manifest_) return;
        ordered_json line = record(job);
        line["status"] = "failed";
        line["error"] = why;
        try {
            manifest_->append(to_json_text(line));
        } catch (const std::exception& error) {
            say(error.what());
        }
    }

    // Several renderers take jobs in turn, each on a stream and in memory of its own.
    void render_groups(const std::vector<JobGroup>& groups, const RunOptions& options) {
        int64_t pictures = 0, done_pictures = 0, failed_pictures = 0, done_steps = 0, total_steps = 0;
        for (const JobGroup& group : groups)
            for (const Job* job : group.jobs) {
                pictures++;
                total_steps += image_steps(*job);
            }
        std::vector<size_t> next(groups.size(), 0);
        std::exception_ptr failure;
        std::mutex mutex;  // of all above and of this object: renderers call from threads of their own
        progress_.emplace(a_.command, a_.quiet);
        const auto report = [&] {
            std::string note = concat(done_pictures, " of ", pictures, " pictures");
            if (failed_pictures > 0) note += concat(", ", failed_pictures, " failed");
            if (total_steps > 0) progress_->report(done_steps, total_steps, note, pictures - failed_pictures);
        };
        const auto take_finished = [&](FinishedJob&& finished) {
            const std::lock_guard lock(mutex);
            if (failure) return;
            try {
                if (!finished.error.empty()) throw Error(finished.error);
                keep(finished);
                done_pictures++;
                kept_++;
            } catch (const VolumeError&) {
                failure = std::current_exception();  // the other pictures would be computed for nothing
            } catch (const std::exception& error) {
                fail(*finished.job, error.what());
                failed_pictures++;
                total_steps -=
                    image_steps(*finished.job) - int64_t(finished.scores.size()) * finished.job->options.batch;
                report();
            }
        };
        const auto keep_going = [&](int64_t images) {
            const std::lock_guard lock(mutex);
            done_steps += images;
            report();
            return !interrupted() && !failure;
        };
        const auto work = [&](Stream& stream) {
            try {
                for (size_t g = 0; g < groups.size(); g++) {
                    const auto next_job = [&]() -> const Job* {
                        const std::lock_guard lock(mutex);
                        const std::vector<const Job*>& jobs = groups[g].jobs;
                        return next[g] < jobs.size() && !failure && !interrupted() ? jobs[next[g]++] : nullptr;
                    };
                    BatchRenderer(net_, stream, groups[g].batch).run(next_job, take_finished, keep_going, options);
                }
            } catch (const Stopped&) {  // within an update; what is finished is kept
            } catch (...) {
                const std::lock_guard lock(mutex);
                failure = std::current_exception();
            }
        };
        std::vector<Stream> more_streams;
        for (int64_t i = 1; i < a_.streams; i++) {
            Stream& stream = more_streams.emplace_back(stream_.device(), a_.run.threads);
            stream.stop_when(stream_.stop());
            stream.allow_memory(stream_.allowed_memory() / size_t(a_.streams));
        }
        std::vector<std::thread> threads;
        try {
            threads.reserve(more_streams.size());
            for (Stream& stream : more_streams) threads.emplace_back([&] { work(stream); });
        } catch (const std::system_error&) {  // a limit of processes or memory
            const std::lock_guard lock(mutex);
            say(concat(threads.size() + 1, " of ", a_.streams, " streams could be started: slower, the same pictures"));
        }
        work(stream_);
        for (std::thread& thread : threads) thread.join();
        const double seconds = progress_->elapsed_s();
        progress_.reset();
        if (failure) std::rethrow_exception(failure);
        std::ostringstream summary;
        summary << std::fixed << std::setprecision(1) << done_pictures << " pictures in " << seconds << " s, "
                << double(done_steps) / std::max(seconds, 1e-9) << " image-steps/s";
        if (!a_.quiet) say(summary.str());
    }

    ordered_json record(const Job& job) const {
        return {{"identity", identities_.at(&job)},
                {"name", job.name},
                {"objective", to_string(job.objective)},
                {"parameters", from_json_text(descriptions_.at(&job))},
                {"seed", job.options.seed},
                {"net", net_.name},
                {"device", device()},
                {"version", LIMPID_VERSION},
                {"commit", LIMPID_COMMIT}};
    }

    // Writes a file of the folder, and into the line its name and checksum.
    void write_recorded(ordered_json& line, const char* name, const char* checksum, const std::string& file,
                        Bytes bytes) const {
        write_file_atomically(concat(a_.folder, "/", file), bytes);
        line[name] = file;
        line[checksum] = sha256_of(bytes);
    }

    // Pictures first, then the line that stands for them.
    void keep(const FinishedJob& finished) {
        const Job& job = *finished.job;
        ordered_json line = record(job);
        line["status"] = "done";
        line["score"] = finished.scores.back();
        line["updates"] = finished.scores.size();
        line["seconds"] = finished.seconds;
        const HostTensor seen = visible(net_, finished.images);
        std::vector<ConstView> views;
        for (int64_t i = 0; i < seen.shape.n; i++) views.push_back(seen.view().image(i));
        const HostTensor picture = tile(views, int64_t(views.size()), 0);
        write_recorded(line, "file", "sha256", picture_of(job), encode_png(picture.view()));
        if (a_.raw)
            write_recorded(line, "raw", "raw_sha256", raw_of(job),
                           write_arrays({{"image", finished.images}}, {{"job", descriptions_.at(&job)}}));
        manifest_->append(to_json_text(line));
    }

    void draw_sheets(const ManifestContents& contents) {
        for (const SpriteSheet& sheet : sheets_of(list_.jobs, contents, net_)) {
            try {
                const std::string path = write_sprites(a_.folder, sheet, a_.cell);
                std::cout << path << "  " << sheet.files.size() << " of " << sheet.channels << " channels\n";
            } catch (const VolumeError&) {
                throw;
            } catch (const std::exception& error) {
                failures_++;
                say(concat(sheet.layer, ": ", error.what()));
            }
        }
    }

    const BatchArguments& a_;
    const Net& net_;
    Stream& stream_;
    const JobList& list_;
    const Shard& shard_;
    const Inspection inspection_;
    std::map<const Job*, std::string> identities_, descriptions_;
    std::optional<ManifestWriter> manifest_;  // not with --plan
    std::optional<Progress> progress_;        // while pictures are at work
    std::set<std::string> said_devices_;
    int64_t failures_ = 0, kept_ = 0;
};

}  // namespace

ExitStatus run_batch(const BatchArguments& arguments, const Net& net, Stream& stream, const JobList& list,
                     const Shard& shard) {
    BatchRun run(arguments, net, stream, list, shard);
    run.check();
    for (const std::string& error : list.errors)
        std::cerr << "limpid " << arguments.command << ": " << one_line(error) << '\n';
    if (list.jobs.empty()) throw Error("there is nothing to render");
    std::vector<Objective> objectives;
    for (const Job& job : list.jobs) objectives.push_back(job.objective);
    say_old_forms(arguments.command, objectives);
    say_missing_threads(arguments.run, stream);
    const ExitStatus status = run.render();
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
    app.add_option("--batch", a.batch, "pictures at once, at most. Results do not depend on it")
        ->check(CLI::Range(kBatchLimits.least, kBatchLimits.most))
        ->capture_default_str();
    app.add_option("--streams", a.streams,
                   "batches at once, each on a stream of the device: a GPU computes one while another waits for the "
                   "host. Results do not depend on it")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    app.add_flag("--resume", a.resume, "keep what is finished and render the rest");
    app.add_option(
           "--shard", a.shard,
           "the share of this process, 1/8 to 8/8; auto: what Slurm or MPI say; auto/N: N shares, the index from "
           "them or from Kubernetes (an indexed Job with N completions, which it does not tell)")
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
    app.add_flag("--plan", a.plan, "print how many bytes each kind of job takes, and stop");
    app.add_flag("--quiet", a.quiet,
                 "no progress (on stderr: a bar, or JSON lines where that is no terminal; see limpid manual)");
    declare_run_options(app, a.run);
}

}  // namespace limpid
