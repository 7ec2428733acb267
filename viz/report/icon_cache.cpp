// PNG files by digest; what is missing goes through the batch renderer.
#include "viz/report/icon_cache.h"

#include "kernels/backend.h"
#include "kernels/error.h"
#include "viz/batch/job_list.h"
#include "viz/image/image.h"
#include "weights/sha256.h"

namespace limpid {

namespace {

Job icon_job(const Unit& unit, const IconOptions& options) {
    Job job;
    job.name = concat(unit.layer, ':', unit.channel);
    job.objective = parse_objective(job.name);
    job.options.param.height = job.options.param.width = options.size;
    job.options.steps = options.steps;
    return job;
}

std::string file_of(const Job& job, const Net& net, const Stream& stream) {
    return sha256_of(as_bytes(concat(description(job, net), ' ', stream.backend().name))) + ".icon";
}

}  // namespace

bool has_icon(const Net& net, const Unit& unit, const IconOptions& options, const Stream& stream, Kept& kept) {
    return kept.find(file_of(icon_job(unit, options), net, stream)).has_value();
}

std::map<Unit, HostTensor> channel_icons(const Net& net, const std::vector<Unit>& units, const IconOptions& options,
                                         Stream& stream, Kept& kept, const PartWatcher& watcher) {
    std::map<Unit, HostTensor> icons;
    std::vector<Job> missing;
    std::map<std::string, Unit> unit_of;  // by name of the job
    for (const Unit& unit : units) {
        Job job = icon_job(unit, options);
        const std::string file = file_of(job, net, stream);
        if (const std::optional<std::string> png = kept.find(file)) {
            icons[unit] = decode_image(as_bytes(*png), file).rgb;
        } else {
            unit_of[job.name] = unit;
            missing.push_back(std::move(job));
        }
    }
    if (missing.empty()) return icons;
    BatchRenderer renderer(net, stream, options.batch);
    const double all = double(missing.size()) * double(options.steps + 1);
    double done = 0;
    size_t next = 0;
    bool stopped = false;
    renderer.run([&]() { return next < missing.size() ? &missing[next++] : nullptr; },
                 [&](FinishedJob&& finished) {
                     if (!finished.error.empty()) throw Error(concat(finished.job->name, ": ", finished.error));
                     // From the file's bytes, so that a picture is the same whether it was kept or made.
                     const std::vector<std::byte> png = encode_png(finished.images.view());
                     const std::string file = file_of(*finished.job, net, stream);
                     kept.keep(file, png);
                     icons[unit_of.at(finished.job->name)] = decode_image(png, file).rgb;
                 },
                 [&](int64_t image_steps) {
                     done += double(image_steps);
                     return !(stopped = watcher && !watcher(done / all));
                 });
    return stopped ? std::map<Unit, HostTensor>() : icons;
}

}  // namespace limpid
